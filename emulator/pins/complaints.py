"""What the compiled models have to say of how they were driven."""

from dataclasses import dataclass
from typing import Any, Final

from twinbar.hw.parts.assembly import SerialParts

LIMITS: Final = (
    *("data_hold_ns", "select_high_ns", "select_period_ns", "low_ns", "high_ns", "duty", "period_ns"),
    *(
        "longest_period_ns",
        "select_setup_ns",
        "data_setup_ns",
        "select_hold_ns",
        "open_ns",
        "acquisition",
        "conversion",
    ),
)
"""Limits, named as the models of hw/parts do, in the order of ``What`` in device.h."""
_SENTENCES: Final = (
    "a frame of {found:.0f} bits, the part takes {needed:.0f}",
    "the word {found:#x}, which nothing here sends, reached the part",
    "{found:.0f} bits for {needed:.0f} switches",
    "the write gate opened while an output of a DAC was still on its way to its code",
    "the write gate opened before the switches had settled",
    "the write gate opened, and not one cell was connected",
    "the write gate was open with the read path connected",
    "an output of a DAC or a switch changed while the write gate was open",
    "a conversion began while an output of a DAC was still on its way to its code",
    "a conversion began before the switches had settled",
    "the switches {found:.0f} and {needed:.0f} connected two columns to one channel",
    "the direct pins did what would harm an array (outcome {found:.0f})",
    "the write gate was open for a cell that the switches do not connect",
    "the write gate was open with {found:.0f} instead of {needed:.0f} at an output of a DAC",
)
"""What follows them there."""
_FIRST_DAC, _FIRST_ADC = 2, 100


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
    number = int(found.what)
    if number < len(LIMITS):
        sentence = f"{LIMITS[number]}: {found.found:g} ns, the part needs {found.needed:g} ns"
    else:
        # A word is shown in hexadecimal, which takes an integer.
        word = int(found.found) if number == len(LIMITS) + 1 else found.found
        sentence = _SENTENCES[number - len(LIMITS)].format(found=word, needed=found.needed)
    return Complaint(float(found.time_ns), f"tile {found.tile}, {_device(int(found.device), parts)}", sentence)


def _device(number: int, parts: SerialParts | None) -> str:
    if number < 0 or parts is None:
        return "array"
    if number >= _FIRST_ADC:
        return f"{parts.adc.name} {number - _FIRST_ADC}"
    if number >= _FIRST_DAC:
        return f"{parts.dac.name} {number - _FIRST_DAC}"
    return f"{('rows', 'columns')[number]} of {parts.switch.name}"
