"""Runs programs on the controller's netlist in Amaranth's simulator, and records every cycle."""

import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator
from array_model import Array

from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import RESPONSE_BYTES, pack, triple, unpack, unpack_results
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record, Status
from twinbar.hw.timing import Phase

PINS = [
    "selection",
    "row",
    "column",
    "plane",
    "subtract",
    "record",
    "codes",
    "compliance_code",
    "update",
    "range",
    "row_load",
    "row_clear",
    "row_word",
    "row_bits",
    "write_gate",
    "read_enable",
    "channels",
    "convert",
]
COMPARING_PINS = ["compare", "threshold"]


@dataclass
class Response:
    """A response, with the cycle in which the consumer took it."""

    cycle: int
    opcode: int
    tile: int
    status: Status
    mode: Mode
    faults: set[str]
    results: dict[str, int]
    bits: int

    def __getattr__(self, name: str) -> int:
        try:
            return self.results[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Trace:
    """What happened, cycle by cycle."""

    responses: list[Response] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    phases: list[list[Phase]] = field(default_factory=list)
    gates: list[list[int]] = field(default_factory=list)
    pins: list[list[SimpleNamespace]] = field(default_factory=list)
    busy: list[bool] = field(default_factory=list)

    def phase_counts(self, tile: int = 0, first: int = 0, last: int | None = None) -> Counter[Phase]:
        """Count the cycles of a tile by phase."""
        return Counter(phases[tile] for phases in self.phases[first:last])

    def runs(self, tile: int = 0) -> list[tuple[Phase, int]]:
        """Return the phases of a tile in their order, with the length of each run."""
        found: list[tuple[Phase, int]] = []
        for phases in self.phases:
            if found and found[-1][0] == phases[tile]:
                found[-1] = (phases[tile], found[-1][1] + 1)
            else:
                found.append((phases[tile], 1))
        return found


def decode(bits: int, cycle: int) -> Response:
    """Decode a response beat with the host's functions."""
    beat = np.frombuffer(bits.to_bytes(RESPONSE_BYTES, "little"), np.uint8).reshape(1, -1)
    header = {name: int(value[0]) for name, value in unpack(beat).items()}
    try:
        results = unpack_results(Opcode(header["opcode"]), beat)
    except ValueError:
        results = {}
    faults = {name for name in ("compliance", "watchdog", "stop", "front_end") if header[name]}
    return Response(
        cycle,
        header["opcode"],
        header["tile"],
        Status(header["status"]),
        Mode(header["mode"]),
        faults,
        {name: int(value[0]) for name, value in results.items()},
        bits,
    )


class Netlist:
    """A controller in the simulator; each run begins at power-up.

    Attributes
    ----------
    dut : Controller
    domain : ClockDomain
    """

    def __init__(self, config: ControllerConfig) -> None:
        top, self.domain = Module(), ClockDomain("sync")
        top.domains += self.domain
        top.submodules.dut = self.dut = Controller(config)
        self._simulator = Simulator(top)
        self._simulator.add_clock(1e-8)
        self._simulator.add_testbench(self._drive)
        self._used = False

    async def _drive(self, ctx: Any) -> None:
        await self._script(ctx)

    def run(self, script: Callable[[Any], Awaitable[None]]) -> None:
        """Run a testbench: signals, memories and time are what they are at first."""
        self._script = script
        if self._used:
            self._simulator.reset()
        self._used = True
        self._simulator.run()


netlist_of = functools.lru_cache(maxsize=4)(Netlist)
"""The netlist of a configuration: elaborating it takes longer than most programs that are run on it."""


class Bench:
    """A controller with behavioural arrays.

    Parameters
    ----------
    config : ControllerConfig
    arrays : list of Array, optional
    """

    def __init__(self, config: ControllerConfig, arrays: Sequence[Array] | None = None) -> None:
        self.config = config
        self.arrays = list(arrays) if arrays is not None else [Array(config=config) for _ in range(config.tiles)]

    def run(
        self,
        commands: Iterable[int],
        *,
        ready: Callable[[int], bool] = lambda cycle: True,
        arrive: Callable[[int, int], bool] = lambda beat, cycle: True,
        stop: Callable[[int], bool] = lambda cycle: False,
        fault: Callable[[int], bool] = lambda cycle: False,
        compliance: Callable[[int], bool] | None = None,
        reset: Callable[[int], bool] = lambda cycle: False,
        responses: int | None = None,
        cycles: int = 20_000,
        after: int = 3,
    ) -> Trace:
        """Run beats until ``responses`` have been taken (by default one per beat that is not a LOAD), or ``cycles``.

        ``arrive(beat, cycle)`` says whether a beat may be presented, ``ready(cycle)`` whether the consumer takes one.
        """
        beats = [int(beat) for beat in commands]
        if responses is None:
            responses = sum(beat & 31 != Opcode.LOAD.value for beat in beats)
        trace = Trace()
        netlist = netlist_of(self.config)
        dut, domain = netlist.dut, netlist.domain

        async def drive(ctx: Any) -> None:
            position, shown, left = 0, False, after
            for cycle in range(cycles):
                shown = position < len(beats) and (shown or arrive(position, cycle))
                ctx.set(dut.commands.valid, shown)
                if shown:
                    ctx.set(dut.commands.payload.as_value(), beats[position])
                ctx.set(dut.responses.ready, ready(cycle))
                ctx.set(dut.stop, stop(cycle))
                ctx.set(domain.rst, reset(cycle))
                pins = []
                for tile, array in zip(dut.tiles, self.arrays, strict=True):
                    seen = SimpleNamespace()
                    for name in (*PINS, *(COMPARING_PINS if self.config.compare else ())):
                        value = ctx.get(getattr(tile, name).as_value() if name in RAW else getattr(tile, name))
                        setattr(seen, name, value)
                    seen.trim = [ctx.get(trim) for trim in tile.trim]
                    seen.codes = tuple(seen.codes >> shift & 0xFFF for shift in (0, 12, 24))
                    given = array.cycle(seen)
                    for channel, code in given["code"].items():
                        ctx.set(tile.code[channel], code)
                    for channel, over in given["over"].items():
                        ctx.set(tile.over[channel], over)
                    ctx.set(tile.compliance, given["compliance"] if compliance is None else compliance(cycle))
                    ctx.set(tile.fault, fault(cycle))
                    pins.append(seen)
                trace.pins.append(pins)
                trace.busy.append(bool(ctx.get(dut.busy)))
                trace.gates.append([seen.write_gate for seen in pins])
                trace.phases.append([Phase(ctx.get(phase)) for phase in dut.phases])
                if shown and ctx.get(dut.commands.ready):
                    trace.accepted.append(cycle)
                    position, shown = position + 1, False
                if ctx.get(dut.responses.valid) and ctx.get(dut.responses.ready):
                    trace.responses.append(decode(ctx.get(dut.responses.payload.as_value()), cycle))
                await ctx.tick()
                if position == len(beats) and len(trace.responses) >= responses:
                    left -= 1
                    if not left:
                        return
            raise AssertionError(f"{len(trace.responses)} of {responses} responses after {cycles} cycles")

        netlist.run(drive)
        return trace


RAW = {"selection", "record", "codes"}

TIMING = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "CONVERT": 3, "RECOVER": 2}
"""Short, different durations, so that a confusion shows."""


def write_register(name: str, value: int, tile: int = 0) -> int:
    """Return the beat that writes a register."""
    return int(pack(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)[0])


def read_register(name: str | int, tile: int = 0) -> int:
    """Return the beat that reads a register, by name or address."""
    address = name if isinstance(name, int) else BY_NAME[name].address
    return int(pack(Opcode.READ_REGISTER, tile, address=address)[0])


def command(opcode: Opcode, tile: int = 0, **fields: Any) -> int:
    """Return one beat."""
    return int(pack(opcode, tile, **fields)[0])


def set_up(
    config: ControllerConfig,
    *,
    tile: int = 0,
    mode: Mode | None = Mode.WRITE,
    levels: Sequence[tuple[int, int]] = (),
    records: dict[Record, dict[str, Any]] | None = None,
    **settings: int,
) -> list[int]:
    """Return the beats that make a tile ready: durations, bias records, level windows, and arming."""
    beats = [write_register(name, value, tile) for name, value in {**TIMING, **settings}.items()]
    top = (1 << config.dac_bits) - 1
    for record in RECORDS:
        choice = {"codes": (8, 2, 3), "step": (0, 0, 0), "stop": None, "width": 4, "compliance": 255}
        choice |= (records or {}).get(record, {})
        stop = choice["stop"] or choice["codes"]
        for name, value in (
            ("CODES", triple(*choice["codes"])),
            ("STEP", triple(*choice["step"])),
            ("STOP", triple(*stop)),
            ("HIGH", triple(top, top, top)),
            ("WIDTH", choice["width"] | choice["compliance"] << WIDTH_BITS),
        ):
            beats.append(write_register(f"{record.name}_{name}", value, tile))
    for level, (low, high) in enumerate(levels):
        beats.append(command(Opcode.WRITE_REGISTER, tile, address=registers.LEVEL_BASE + level, value=low | high << 16))
    if mode is not None:
        beats.append(command(Opcode.ARM, tile, mode=mode))
    return beats


def counter_reads(tile: int = 0) -> list[int]:
    """Return the beats that read all counters: phases, then actions."""
    addresses = [registers.PHASE_COUNTER_BASE + phase for phase in Phase]
    addresses += [registers.ACTION_COUNTER_BASE + action for action in registers.ALWAYS_COUNTED]
    return [read_register(address, tile) for address in addresses]


def counters_of(responses: Sequence[Response]) -> tuple[dict[Phase, int], dict[Action, int]]:
    """Split the answers to `counter_reads`."""
    values = [response.value for response in responses]
    return dict(zip(Phase, values, strict=False)), dict(
        zip(registers.ALWAYS_COUNTED, values[len(Phase) :], strict=True)
    )
