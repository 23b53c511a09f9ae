"""A controller in Amaranth's simulator with the array behind its pins, and the fast engine beside it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from amaranth.sim import Simulator, SimulatorContext
from array_model import ArrayModel

from twinbar.emulator.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.fast.engine import FastEngine
from twinbar.emulator.registers import WriteRegisters
from twinbar.host.transport.packing import pack, unpack
from twinbar.hw.actions import ACTIONS
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.protocol.commands import Command, Opcode
from twinbar.hw.protocol.registers import ADDRESS, LEVEL_BASE
from twinbar.hw.protocol.responses import Response
from twinbar.hw.timing import PHASES, Phase

CYCLES = {
    "select": 1,
    "settle_read": 2,
    "settle_drive": 3,
    "settle_multiply": 2,
    "convert": 2,
    "samples": 1,
    "recover": 1,
}


def crossbar(
    preset: str = "taox-hfox",
    *,
    discard: int = 0,
    limit: int | None = None,
    clock_hz: float = 100e6,
    cycles: dict[str, int] | None = None,
    levels: int = 16,
    **geometry: Any,
) -> CrossbarConfig:
    """Build the configuration of a small crossbar."""
    shape = {"rows": 6, "columns": 8, "dac_inputs": False, "subtract_pairs": False, **geometry}

    def registers(cells: Any) -> WriteRegisters:
        return WriteRegisters.from_drive(cells.drive, limit=limit or cells.drive.pulse_limit, discard=discard)

    return build_config(
        load_preset(preset),
        Geometry(**shape),
        levels=levels,
        tolerance=0.3,
        seed=11,
        clock_hz=clock_hz,
        cycles={**CYCLES, **(cycles or {})},
        make_registers=registers,
    )


def command(opcode: Opcode, tile: int = 0, row: int = 0, column: int = 0, argument: int = 0) -> int:
    return int(pack(Command, opcode=opcode, tile=tile, row=row, column=column, argument=argument))


def set_register(name: str, value: int, tile: int = 0) -> int:
    return command(Opcode.SET_REGISTER, tile, row=ADDRESS[name], argument=value)


def configure(config: CrossbarConfig, tile: int) -> list[int]:
    """Give the commands that set a tile's registers and level table as a configuration says."""
    t, r = config.timing, config.registers
    values = {
        name: getattr(t, name) for name in ("select", "settle_read", "settle_drive", "settle_multiply", "convert")
    }
    values |= {name: getattr(t, name) for name in ("recover", "width_set", "width_reset")}
    values |= {"discard": r.discard, "average": (t.samples - r.discard).bit_length() - 1, "pulse_limit": r.limit}
    values["levels"] = len(config.levels)
    for ramp in ("set_amplitude", "reset_amplitude", "set_gate", "reset_gate"):
        for end in ("start", "step", "stop"):
            values[f"{ramp}_{end}"] = getattr(getattr(r, ramp), end)
    beats = [set_register(name, int(value), tile) for name, value in values.items()]
    for level, (low, high) in enumerate(zip(config.levels.low, config.levels.high, strict=True)):
        beats.append(command(Opcode.SET_REGISTER, tile, row=LEVEL_BASE + level, argument=int(low) | int(high) << 16))
    return beats


class Bench:
    """Runs programs of command beats on a controller and keeps what its pins and streams showed."""

    def __init__(self, config: CrossbarConfig, tiles: int = 1, **controller: Any) -> None:
        g = config.geometry
        self.config, self.tiles = config, tiles
        self.parameters = ControllerConfig(
            rows=g.rows,
            columns=g.columns,
            tiles=tiles,
            adc_channels=g.adc_channels,
            adc_bits=g.adc_bits,
            input_bits=g.input_bits,
            dac_inputs=g.dac_inputs,
            subtract_pairs=g.subtract_pairs,
            skip_empty=g.skip_empty,
            **controller,
        )
        self.dut = Controller(self.parameters)
        self.engine = FastEngine(config, tiles, np.full(tiles, g.columns))
        self.models = [
            ArrayModel(config, tile, self.engine._g[tile], self.engine._pulses[tile], self.engine._fault[tile])
            for tile in range(tiles)
        ]
        self.phases = np.zeros((tiles, len(PHASES)), np.int64)
        self.trace: list[list[str]] = [[] for _ in range(tiles)]
        self._simulator = Simulator(self.dut)
        self._simulator.add_clock(1e-8)
        for model, pins in zip(self.models, self.dut.tiles, strict=True):
            self._simulator.add_testbench(partial(model.run, pins=pins), background=True)
        self._simulator.add_testbench(self._watch, background=True)

    async def _watch(self, ctx: SimulatorContext) -> None:
        async for _, _, *phases in ctx.tick().sample(*self.dut.phases):
            for tile, phase in enumerate(phases):
                self.phases[tile, phase] += 1
                self.trace[tile].append(PHASES[phase])

    def run(
        self,
        beats: Sequence[int],
        answers: int,
        *,
        ready: Callable[[int], bool] = lambda cycle: True,
        patience: int = 20_000,
        meanwhile: Callable[[SimulatorContext], Any] | None = None,
    ) -> list[dict[str, int]]:
        """Send beats and collect this many answers; afterwards every tile must be idle and nothing more may come."""
        self.received: list[int] = []
        self._program = (list(beats), answers, ready, patience)
        if meanwhile is not None:
            self._simulator.add_testbench(meanwhile, background=True)

        async def send(ctx: SimulatorContext) -> None:
            stream = self.dut.commands
            for beat in beats:
                ctx.set(stream.payload, Command.as_shape().from_bits(beat))
                ctx.set(stream.valid, 1)
                await ctx.tick().until(stream.ready)
            ctx.set(stream.valid, 0)

        async def receive(ctx: SimulatorContext) -> None:
            stream = self.dut.responses
            quiet = cycle = 0
            while len(self.received) < answers or quiet < 12:
                ctx.set(stream.ready, ready(cycle))
                _, _, valid, is_ready, payload = await ctx.tick().sample(stream.valid, stream.ready, stream.payload)
                cycle += 1
                quiet += 1
                if valid and is_ready:
                    self.received.append(payload.as_bits())
                    quiet = 0
                assert cycle < patience, f"{len(self.received)} of {answers} answers after {cycle} cycles"
            ctx.set(stream.ready, 0)

        self._simulator.add_testbench(send)
        self._simulator.add_testbench(receive)
        self._simulator.run()
        assert len(self.received) == answers
        fields = unpack(Response, self.received)
        return [{name: int(values[i]) for name, values in fields.items()} for i in range(answers)]


def counter_commands(tile: int) -> list[int]:
    """Ask for all counters of a tile: phases, then actions."""
    arguments = [*range(len(PHASES)), *range(16, 16 + len(ACTIONS))]
    return [command(Opcode.COUNTER, tile, argument=argument) for argument in arguments]


TIMED = [phase for phase in Phase if phase not in (Phase.IDLE, Phase.STALL)]
"""Phases whose cycles the operations fix; the others depend on when beats come and go."""
