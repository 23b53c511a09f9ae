"""The controller's netlist in Amaranth's simulator, moved on cycle by cycle from outside."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.sim import Simulator

from twinbar.emulator.pins.pysim_array import Pins
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.registers import TRIM_INIT
from twinbar.hw.protocol.vocabulary import Request

PERIOD_S: Final = 1e-8
"""Period of the clock in waveforms."""
_READ: Final = (
    *("row", "column", "plane", "subtract", "record", "codes", "compliance_code", "range"),
    *("row_clear", "row_word", "row_bits", "channels"),
)


OPTIONAL: Final = {
    "started": Action.COMMAND_BEAT,
    "copied": Action.SHARED_BEAT,
    "passed": Action.PARTIAL_SUM,
    "packed": Action.PACKED_OUTPUT,
    "kept": Action.REQUANTIZE,
    "moved": Action.TRANSFERRED_WORD,
}
"""What a tile of a controller with options says of its actions, by the name of the signal."""


class _Observed(wiring.Component):
    """A controller whose pins of every cycle lie side by side, so that one look reads them."""

    def __init__(self, controller: Controller) -> None:
        super().__init__({})
        self.controller = controller
        self.pins = [
            {
                "phase": phase,
                "selection": Value.cast(core.front.selection),
                "write_gate": core.front.write_gate,
                "read_enable": core.front.read_enable,
                # As `DirectFrontEnd` makes its strobes; a serial front end has none.
                "convert": (core.front.request == Request.CONVERT) & core.front.begins,
                "row_load": core.front.row_load,
                "compare": (core.front.request == Request.COMPARE) & core.front.begins,
                "channels": core.front.channels,
            }
            for core, phase in zip(controller.cores, controller.phases, strict=True)
        ]
        self.layout = data.StructLayout({name: len(pin) for name, pin in self.pins[0].items()})
        self.watch = [Signal(self.layout, name=f"watch_{tile}") for tile in range(len(self.pins))]
        self.options = [
            [getattr(core, name) for name in OPTIONAL] if controller.config.shares_streams else []
            for core in controller.cores
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.controller = self.controller
        m.d.comb += [watch.eq(Cat(pins.values())) for watch, pins in zip(self.watch, self.pins, strict=True)]
        return m


class TilePins:
    """Pins of a tile, read by name in this cycle."""

    def __init__(self, bench: "PysimBench", front: Any, *, trims: bool) -> None:
        self._bench = bench
        compares = ("threshold",) if hasattr(front, "threshold") else ()
        self._values = {name: Value.cast(getattr(front, name)) for name in ("selection", *_READ, *compares)}
        self._trims = list(front.trim) if trims else []
        self._channels = len(front.trim)

    def __getitem__(self, name: str) -> int:
        """Return the bits of a pin."""
        return self._bench.get(self._values[name])

    def trims(self) -> list[int]:
        """Return the trims of the channels; serial parts have none, and convert as with the one after power-up."""
        return [self._bench.get(trim) for trim in self._trims] or [TRIM_INIT] * self._channels


class PysimBench:
    """A controller in Amaranth's simulator. Its inputs keep their values until they are set again.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        Of the front ends; None: they are direct.
    wave : Path, optional
        VCD file, with a GTKWave save file (``.gtkw``) beside it; both are complete after `close`.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts | None = None, wave: Path | None = None) -> None:
        self.dut = dut = Controller(config, parts)
        observed = _Observed(dut)
        self._layout = observed.layout
        self._watch = [Value.cast(watch) for watch in observed.watch]
        self._options = observed.options
        self._seen: dict[int, Pins] = {}
        self._beat = Cat(dut.commands.valid, Value.cast(dut.commands.payload))
        self._answer = Value.cast(dut.responses.payload)
        self.tiles = [TilePins(self, core.front, trims=parts is None) for core in dut.cores]
        self._fronts = [core.front for core in dut.cores]
        self._shown: dict[int, int] = {}
        self._context: Any = None
        self._simulator = simulator = Simulator(observed)
        simulator.add_clock(PERIOD_S)
        simulator.add_testbench(self._hand_over, background=True)
        files = ExitStack()
        if wave is not None:
            files.enter_context(simulator.write_vcd(str(wave), str(wave.with_suffix(".gtkw")), traces=_traces(dut)))
        # A waveform that nobody closes is complete when the process ends.
        self._finish = weakref.finalize(self, files.close)
        simulator.advance()

    async def _hand_over(self, context: Any) -> None:
        # Whoever holds the context can look and set at any time, so that time stands still between programs.
        self._context = context
        # The first cycle begins here, and not at the first rising edge: what is set together with an edge would reach
        # some registers before it and some after.
        await context.delay(PERIOD_S / 4)

    def get(self, value: Value) -> int:
        """Return a value in this cycle."""
        return int(self._context.get(value))

    def _set(self, value: Value, bits: int) -> None:
        # To set a value that does not change costs as much as one that does.
        if self._shown.get(id(value), 0) != bits:
            self._shown[id(value)] = bits
            self._context.set(value, bits)

    def pins(self, tile: int) -> Pins:
        """Return the pins of a tile that are looked at in every cycle."""
        bits = self.get(self._watch[tile])
        if bits not in self._seen:
            seen = self._layout.from_bits(bits)
            self._seen[bits] = Pins(**{name: seen[name] for name in Pins._fields})
        return self._seen[bits]

    def optional(self, tile: int) -> list[Action]:
        """Return the actions of this cycle that a tile with options tells."""
        return [action for action, flag in zip(OPTIONAL.values(), self._options[tile], strict=False) if self.get(flag)]

    def present(self, beat: int | None) -> None:
        """Present a command beat, or none."""
        self._set(self._beat, 0 if beat is None else beat << 1 | 1)

    def drive(self, *, ready: bool, stop: bool, faults: Sequence[bool], compliance: Sequence[bool]) -> None:
        """Set the pins that are inputs, and whether a response is taken."""
        dut = self.dut
        self._set(dut.responses.ready, ready)
        self._set(dut.stop, stop)
        for pins, fault, limited in zip(dut.tiles, faults, compliance, strict=True):
            self._set(pins.fault, fault)
            self._set(pins.compliance, limited)

    def driven(self) -> np.ndarray:
        """Return record and codes that each write drive holds (int64 [tiles, 4])."""
        held = [(self.get(Value.cast(pins.record)), self.get(Value.cast(pins.codes))) for pins in self._fronts]
        return np.array([[record, *lines_of(codes)] for record, codes in held], np.int64)

    def set_inputs(self, inputs: Value, levels: int) -> None:
        """Put levels on the data pins of ADCs."""
        self._set(inputs, levels)

    def set_code(self, tile: int, channel: int, code: int) -> None:
        """Put a converter's code on its pins."""
        self._set(self.dut.tiles[tile].code[channel], code)

    def set_over(self, tile: int, channel: int, over: bool) -> None:
        """Put the result of a comparison on its pin."""
        self._set(self.dut.tiles[tile].over[channel], over)

    @property
    def accepts(self) -> bool:
        """Whether the command beat is taken in this cycle."""
        return bool(self.get(self.dut.commands.ready))

    @property
    def response(self) -> int | None:
        """The response beat that is offered in this cycle."""
        return self.get(self._answer) if self.get(self.dut.responses.valid) else None

    @property
    def busy(self) -> bool:
        """Whether the controller is not at rest in this cycle."""
        return bool(self.get(self.dut.busy))

    def step(self) -> None:
        """Go on to the next cycle."""
        self._simulator.advance()
        self._simulator.advance()

    def reset(self) -> None:
        """Go back to power-up."""
        self._shown.clear()
        self._simulator.reset()
        self._simulator.advance()

    def close(self) -> None:
        """Finish the waveform files."""
        self._finish()


_idle: dict[tuple[ControllerConfig, SerialParts | None], PysimBench] = {}
"""Benches that nobody uses: to make one takes as long as to simulate thousands of cycles."""


def take_bench(config: ControllerConfig, parts: SerialParts | None = None) -> PysimBench:
    """Return a bench at power-up, without waveforms."""
    bench = _idle.pop((config, parts), None)
    if bench is None:
        return PysimBench(config, parts)
    bench.reset()
    return bench


def give_back(config: ControllerConfig, parts: SerialParts | None, bench: PysimBench) -> None:
    """Keep a bench of `take_bench` for the next one who asks."""
    _idle[config, parts] = bench


def _bus_pins(bus: Any) -> list[Any]:
    return [getattr(bus, name) for name in bus.signature.members]


def _traces(dut: Controller) -> dict[str, Any]:
    """Return what a waveform viewer shows at once: the streams, then each tile's pins."""

    def of(tile: int, pins: Any) -> list[Any]:
        if dut.parts is not None:
            buses = [bus for name in ("dac", "adc", "switches") for bus in _bus_pins(getattr(pins, name))]
            return [dut.phases[tile], *buses, pins.switches_open, pins.write_gate, pins.read_enable, pins.compliance]
        wide = [Value.cast(getattr(pins, name)) for name in ("selection", *_READ)]
        strobes = [pins.write_gate, pins.read_enable, pins.convert, pins.update, pins.compliance, pins.fault]
        return [dut.phases[tile], *wide, *strobes, *pins.code]

    tiles = {f"tile_{tile}": of(tile, pins) for tile, pins in enumerate(dut.tiles)}
    streams = [dut.commands.valid, dut.commands.ready, dut.responses.valid, dut.responses.ready, dut.busy, dut.stop]
    return {"streams": streams, **tiles}
