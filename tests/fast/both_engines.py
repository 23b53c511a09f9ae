"""Run the same programs on the compiled controller and on its netlist, and compare everything that either tells.

The netlist is compiled too: halts in every cycle make thousands of programs. That Amaranth's simulator does the same is
tested elsewhere (`verify/test_agreement`, `rtl/test_rtl_tables`).
"""

from typing import Any

import numpy as np
from crossbar_choices import crossbar_of, shape_of
from shared_netlists import ALONE, WIDE

from twinbar.emulator.contract.program import PinPulse, Program, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.hw.actions import ACTIONS
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack, triple, unpack, unpack_results
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record, Status
from twinbar.hw.timing import PHASES, Phase

TIMING = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "CONVERT": 3, "RECOVER": 2}
"""Short, different durations, so that a confusion shows."""
SMALL, CHANNELS = ALONE, WIDE


def crossbar(controller: ControllerConfig, preset: str = "taox-hfox", **choices: Any) -> CrossbarConfig:
    """Build the crossbar of a controller; ``choices`` are those of `crossbar_of`."""
    return crossbar_of(preset, **shape_of(controller), **{"levels": 8} | choices)


def beats(*groups: Any) -> np.ndarray:
    """Join beats, and lists of beats, to a stream."""
    return np.concatenate([np.atleast_1d(np.asarray(group, np.uint64)) for group in groups])


def write(name: str | int, value: int, tile: int = 0) -> np.ndarray:
    """Return the beat that writes a register, by name or address."""
    address = name if isinstance(name, int) else BY_NAME[name].address
    return pack(Opcode.WRITE_REGISTER, tile, address=address, value=value)


def read(name: str | int, tile: int = 0) -> np.ndarray:
    """Return the beat that reads a register, by name or address."""
    return pack(Opcode.READ_REGISTER, tile, address=name if isinstance(name, int) else BY_NAME[name].address)


def all_counters(tile: int = 0) -> np.ndarray:
    """Return the beats that read every counter."""
    addresses = [registers.PHASE_COUNTER_BASE + phase for phase in Phase]
    addresses += [registers.ACTION_COUNTER_BASE + action for action in registers.ALWAYS_COUNTED]
    return pack(Opcode.READ_REGISTER, tile, address=addresses)


def windows(config: CrossbarConfig, tile: int = 0) -> np.ndarray:
    """Return the beats that fill the table of levels."""
    low, high = config.levels.low.astype(np.int64), config.levels.high.astype(np.int64)
    addresses = registers.LEVEL_BASE + np.arange(len(low))
    return pack(Opcode.WRITE_REGISTER, tile, address=addresses, value=low | high << 16)


def set_up(
    config: CrossbarConfig,
    tile: int = 0,
    *,
    mode: Mode | None = Mode.WRITE,
    records: dict[Record, dict[str, Any]] | None = None,
    **settings: int,
) -> np.ndarray:
    """Return the beats that make a tile ready: durations, bias records, level windows, and arming.

    Records take ``codes``, ``step`` and ``stop`` (triples of bit line, source line, word line), ``width`` and ``limit``
    (of the current).
    """
    drive = config.registers
    gates = {Record.SET: drive.set_gate, Record.RESET: drive.reset_gate, Record.FORM: drive.set_gate}
    stream = [write(name, value, tile) for name, value in {**TIMING, **settings}.items()]
    for record in RECORDS:
        ramp = drive.reset_amplitude if record is Record.RESET else drive.set_amplitude
        gate = gates.get(record, drive.set_gate)
        place = 1 if record is Record.RESET else 0
        own: dict[str, Any] = {"width": 4, "limit": registers.NO_LIMIT}
        for name, value in (("codes", "start"), ("step", "step"), ("stop", "stop")):
            lines = [0, 0, getattr(gate, value)]
            lines[place] = getattr(ramp, value)
            own[name] = tuple(lines)
        own |= (records or {}).get(record, {})
        for name, value in (
            ("CODES", triple(*own["codes"])),
            ("STEP", triple(*own["step"])),
            ("STOP", triple(*own["stop"])),
            ("HIGH", triple(4095, 4095, 4095)),
            ("WIDTH", own["width"] | own["limit"] << 28),
        ):
            stream.append(write(f"{record.name}_{name}", value, tile))
    stream.append(windows(config, tile))
    if mode is not None:
        stream.append(pack(Opcode.ARM, tile, mode=mode))
    return beats(*stream)


def describe(result: ProgramResult) -> list[str]:
    """Put the responses into words, for the message of a failed comparison."""
    header = unpack(result.responses)
    lines = []
    for index, cycle in enumerate(result.response_cycles):
        opcode = int(header["opcode"][index])
        try:
            name = Opcode(opcode).name
            own = {
                key: int(value[0]) for key, value in unpack_results(Opcode(opcode), result.responses[[index]]).items()
            }
        except ValueError:
            name, own = str(opcode), {}
        faults = [fault for fault in ("compliance", "watchdog", "stop", "front_end") if header[fault][index]]
        status, mode = Status(int(header["status"][index])).name, Mode(int(header["mode"][index])).name
        lines.append(f"{cycle} tile {header['tile'][index]} {name} {status} {mode} {faults} {own}")
    return lines


class Both:
    """A compiled controller and its netlist, with equal arrays."""

    def __init__(self, config: CrossbarConfig, controller: ControllerConfig, **arrays: Any) -> None:
        self.config = config
        self.controller = controller
        self.fast = FastController(config, controller, **arrays)
        self.netlist = RtlController(config, controller, **arrays)

    def run(
        self,
        commands: np.ndarray,
        *,
        arrivals: Any = None,
        ready: Any = (True,),
        pins: tuple[PinPulse, ...] = (),
    ) -> ProgramResult:
        """Run a program on both, and check that both tell the same."""
        program = Program(commands, arrivals, np.asarray(ready, np.bool_), pins)
        expected, found = self.netlist.run(program), self.fast.run(program)
        assert describe(found) == describe(expected)
        assert found.responses.tolist() == expected.responses.tolist()
        assert found.accepted.tolist() == expected.accepted.tolist()
        assert found.cycles == expected.cycles
        for tile in range(self.controller.tiles):
            assert dict(zip(PHASES, found.phases[tile], strict=True)) == dict(
                zip(PHASES, expected.phases[tile], strict=True)
            )
            assert dict(zip(ACTIONS, found.actions[tile], strict=True)) == dict(
                zip(ACTIONS, expected.actions[tile], strict=True)
            )
        assert found.energy.tolist() == expected.energy.tolist()
        assert found.extremes.tolist() == expected.extremes.tolist()
        cells = self.netlist.cells()
        for name, values in self.fast.cells().items():
            assert values.tolist() == cells[name].tolist(), name
        return found

    def set_tick(self, tick: int) -> None:
        """Set the tick of both."""
        self.fast.set_tick(tick)
        self.netlist.set_tick(tick)


def statuses(result: ProgramResult) -> list[Status]:
    """Return the statuses of the responses."""
    return [Status(int(status)) for status in unpack(result.responses)["status"]]
