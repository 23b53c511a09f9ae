"""What the compiled models have to say of how they were driven."""

from dataclasses import dataclass
from typing import Any, Final

from twinbar.emulator.pins.breach import Breach
from twinbar.emulator.pins.tile_outcome import TileOutcome
from twinbar.hw.parts.assembly import SerialParts

_FIRST_DAC: Final = 2
_FIRST_ADC: Final = 100


@dataclass(frozen=True)
class Complaint:
    """Something that a board must not do to its parts or its array.

    Parameters
    ----------
    time_ns : float
        From power-up.
    where : str
        The part, and the tile.
    sentence : str
    """

    time_ns: float
    where: str
    sentence: str

    def __str__(self) -> str:
        return f"at {self.time_ns / 1e6:.6f} ms, {self.where}: {self.sentence}"


def read_complaint(found: Any, parts: SerialParts | None) -> Complaint:
    """Read what the models recorded (`twinbar.emulator.pins.part_tables.Complaint`)."""
    breach = Breach(found.breach)
    words: dict[str, Any] = {"limit": breach.limit, "found": found.found, "needed": found.needed}
    if breach is Breach.UNKNOWN_WORD:
        words["word"] = int(found.found)
    if breach is Breach.DIRECT_PINS:
        words["outcome"] = TileOutcome(int(found.found)).sentence
    sentence = breach.sentence.format(**words)
    return Complaint(float(found.time_ns), f"tile {found.tile}, {_device(int(found.device), parts)}", sentence)


def _device(number: int, parts: SerialParts | None) -> str:
    if number < 0 or parts is None:
        return "array"
    if number >= _FIRST_ADC:
        return f"{parts.adc.name} {number - _FIRST_ADC}"
    if number >= _FIRST_DAC:
        return f"{parts.dac.name} {number - _FIRST_DAC}"
    return f"{('rows', 'columns')[number]} of {parts.switch.name}"
