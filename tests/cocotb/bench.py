"""Runs programs on the exported Verilog: streams, crossbars behind the pins, everything noted cycle by cycle."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from cocotb.triggers import Timer

from twinbar.emulator.contract.program import Pin, Program
from twinbar.emulator.crossbar.array import make_state
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.pins.pysim_array import Pins, TileArray
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.vocabulary import Record, Selection
from twinbar.hw.timing import PHASES

PERIOD_NS = 10
PINS = (
    *("selection", "row", "column", "plane", "subtract", "channels", "convert", "range"),
    *("record", "codes", "compliance_code", "update", "write_gate", "read_enable"),
    *("row_load", "row_clear", "row_word", "row_bits"),
)


class SafetyPins(NamedTuple):
    """The pins of a tile on which its safety rests, in one cycle."""

    selection: int
    write_gate: int
    read_enable: int
    record: int
    codes: int
    compliance_code: int
    update: int


@dataclass
class Observed:
    """What one program did; ``pins`` are those of every tile in every cycle, the one after the program included."""

    responses: list[bytes] = field(default_factory=list)
    response_cycles: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    cycles: int = 0
    phases: Any = None
    pins: list[list[SafetyPins]] = field(default_factory=list)


class TilePins:
    """The pins of a tile, read when they are asked for: an unknown value is an error only where it matters.

    (Before anything has changed they may be unknown: a simulator runs a combinational block when one of its inputs
    changes.)
    """

    def __init__(self, dut: Any, tile: int, channels: int) -> None:
        self._handle = {name: getattr(dut, f"tiles__{tile}__{name}") for name in PINS}
        self._trim = [getattr(dut, f"tiles__{tile}__trim__{channel}") for channel in range(channels)]

    def __getitem__(self, name: str) -> int:
        """Return the bits of a pin."""
        return int(self._handle[name].value)

    def trims(self) -> list[int]:
        """Return the trim codes of the channels."""
        return [int(trim.value) for trim in self._trim]

    def every_cycle(self, phase: int) -> Pins:
        """Return what the array looks at in every cycle."""
        gate, read, convert, load = (bool(self[name]) for name in ("write_gate", "read_enable", "convert", "row_load"))
        channels = self["channels"] if read else 0
        return Pins(phase, self["selection"], gate, read, convert, load, compare=False, channels=channels)


@dataclass(frozen=True)
class Pulse:
    """A pulse as the pins showed it."""

    row: int
    column: int
    record: Record
    width: int


class PulseWatch:
    """Notes the pulses of a tile, and what must hold while it touches its array."""

    def __init__(self) -> None:
        self.pulses: list[Pulse] = []
        self._open: tuple[int, ...] | None = None
        self._width = 0

    def cycle(self, seen: Pins, pins: TilePins) -> None:
        """Look at a cycle."""
        assert not (seen.write_gate and seen.read_enable), "the write gate is open while the read path is connected"
        assert seen.read_enable or not seen.convert, "a conversion began without the read path"
        if seen.write_gate:
            assert seen.selection == Selection.CELL.value, "the write gate opened without a cell"
            shown = tuple(pins[name] for name in ("row", "column", "record", "codes", "compliance_code"))
            assert self._open in (None, shown), "the drive changed while the gate was open"
            self._open = shown
            self._width += 1
        elif self._open is not None:
            row, column, record, *_ = self._open
            self.pulses.append(Pulse(row, column, Record(record), self._width))
            self._open, self._width = None, 0


class VerilogBench:
    """A controller in the HDL simulator, with its crossbars.

    Parameters
    ----------
    dut : cocotb handle
    crossbar : CrossbarConfig
    config : ControllerConfig
    """

    def __init__(self, dut: Any, crossbar: CrossbarConfig, config: ControllerConfig) -> None:
        self.dut, self.config = dut, config
        self.state = make_state(crossbar, config.tiles, config.adc_channels)
        hold = crossbar.array.sample_and_hold
        self.arrays = [TileArray(self.state, tile, config, sample_and_hold=hold) for tile in range(config.tiles)]
        self.watches = [PulseWatch() for _ in range(config.tiles)]
        self._pins = [TilePins(dut, tile, config.adc_channels) for tile in range(config.tiles)]

    async def start(self) -> None:
        """Reset."""
        self._idle()
        self.dut.clk.value = 0
        self.dut.rst.value = 1
        for _ in range(2):
            await Timer(PERIOD_NS // 2, "ns")
            await self._edge()
        self.dut.rst.value = 0

    async def _edge(self) -> None:
        """Make one rising edge. The clock is driven by hand because time stands still between programs."""
        self.dut.clk.value = 1
        await Timer(PERIOD_NS // 2, "ns")
        self.dut.clk.value = 0

    def _idle(self) -> None:
        self.dut.commands__valid.value = 0
        self.dut.commands__payload.value = 0
        self.dut.responses__ready.value = 0
        self.dut.stop.value = 0
        for tile in range(self.config.tiles):
            for name, value in (("compliance", 0), ("fault", 0)):
                self._pin(tile, name).value = value
            for channel in range(self.config.adc_channels):
                self._pin(tile, f"code__{channel}").value = 0

    def _pin(self, tile: int, name: str) -> Any:
        return getattr(self.dut, f"tiles__{tile}__{name}")

    async def run(self, program: Program, *, watch: bool = False, patience: int = 100_000) -> Observed:
        """Run a program until the controller is at rest; before and after, the clock is low and its cycle not over.

        The pins are kept if ``watch`` is set.
        """
        tiles = self.config.tiles
        dut, seen = self.dut, Observed(phases=np.zeros((tiles, len(PHASES)), np.int64), pins=[[] for _ in range(tiles)])
        position = 0
        quiet_from = max((pulse.last + 3 for pulse in program.pins), default=0)
        assert program.arrivals is not None
        for cycle in range(patience):
            shown = position < len(program.commands) and cycle >= program.arrivals[position]
            dut.commands__valid.value = int(shown)
            if shown:
                dut.commands__payload.value = int(program.commands[position])
            ready = bool(program.ready[cycle % len(program.ready)])
            dut.responses__ready.value = int(ready)
            dut.stop.value = int(any(p.pin is Pin.STOP and p.first <= cycle <= p.last for p in program.pins))
            for tile in range(self.config.tiles):
                high = any(p.pin is Pin.FAULT and p.tile == tile and p.first <= cycle <= p.last for p in program.pins)
                self._pin(tile, "fault").value = int(high)
            await Timer(2, "ns")
            for tile, (array, tile_watch) in enumerate(zip(self.arrays, self.watches, strict=True)):
                pins = self._pins[tile]
                looked = pins.every_cycle(int(getattr(dut, f"phases__{tile}").value))
                tile_watch.cycle(looked, pins)
                codes, _, compliance = array.cycle(looked, pins)
                self._pin(tile, "compliance").value = int(compliance)
                for channel, code in codes.items():
                    self._pin(tile, f"code__{channel}").value = code
            await Timer(3, "ns")
            if watch:
                for pins, noted in zip(self._pins, seen.pins, strict=True):
                    noted.append(SafetyPins(*(pins[name] for name in SafetyPins._fields)))
            over = position == len(program.commands) and not int(dut.busy.value) and cycle >= quiet_from
            if over:
                # This cycle is not one of the program's: the next program begins in it.
                seen.cycles = cycle
                return seen
            for tile in range(self.config.tiles):
                seen.phases[tile, int(getattr(dut, f"phases__{tile}").value)] += 1
            if shown and int(dut.commands__ready.value):
                seen.accepted.append(cycle)
                position += 1
            if ready and int(dut.responses__valid.value):
                seen.responses.append(int(dut.responses__payload.value).to_bytes(RESPONSE_BYTES, "little"))
                seen.response_cycles.append(cycle)
            await self._edge()
        raise AssertionError(f"the controller is not at rest after {patience} cycles")
