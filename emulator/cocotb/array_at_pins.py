"""The array of the engines behind the pins of a direct front end, in an HDL simulator."""

from typing import Any

from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.pins.pysim_array import Pins, TileArray
from twinbar.hw.gateware.controller_config import ControllerConfig


class _TilePins:
    """The pins of one tile by their own names."""

    def __init__(self, prefix: str, channels: int) -> None:
        self._prefix, self._channels = prefix, channels
        self.pins: Any = {}

    def __getitem__(self, name: str) -> int:
        return int(self.pins[self._prefix + name])

    def trims(self) -> list[int]:
        """Return the trims of the channels."""
        return [self[f"trim__{channel}"] for channel in range(self._channels)]


class ArrayAtPins:
    """Cells with all their physics; an observer of every cycle (`twinbar.hw.cocotb.cycle_sampler.CycleSampler`).

    Parameters
    ----------
    dut : cocotb handle
    state : ArrayState
        That of all tiles (`twinbar.emulator.crossbar.array.make_state`).
    tile : int
    config : ControllerConfig
    sample_and_hold : bool
    """

    def __init__(
        self, dut: Any, state: ArrayState, tile: int, config: ControllerConfig, *, sample_and_hold: bool = False
    ) -> None:
        prefix = f"tiles__{tile}__"
        self._phase = f"phases__{tile}"
        self._compares = config.compare
        self._array = TileArray(state, tile, config, sample_and_hold=sample_and_hold)
        self._pins = _TilePins(prefix, config.adc_channels)
        channels = range(config.adc_channels)
        self._codes = [getattr(dut, f"{prefix}code__{channel}") for channel in channels]
        self._over = [getattr(dut, f"{prefix}over__{channel}") for channel in channels] if config.compare else []
        self._compliance = getattr(dut, f"{prefix}compliance")
        self._limited = False
        for code in (*self._codes, *self._over, self._compliance):
            code.value = 0

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle, and answer in it.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        self._pins.pins = pins
        gate, reads, convert, load = (
            bool(self._pins[name]) for name in ("write_gate", "read_enable", "convert", "row_load")
        )
        compare = bool(self._compares and self._pins["compare"])
        channels = self._pins["channels"] if reads else 0
        shown = Pins(int(pins[self._phase]), self._pins["selection"], gate, reads, convert, load, compare, channels)
        codes, over, limited = self._array.cycle(shown, self._pins)
        for channel, code in codes.items():
            self._codes[channel].value = code
        for channel, is_over in over.items():
            self._over[channel].value = int(is_over)
        if limited != self._limited:
            self._limited = limited
            self._compliance.value = int(limited)
