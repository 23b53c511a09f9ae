"""Proofs of the reader of serial ADCs, pins included."""

from dataclasses import dataclass, replace
from typing import Final

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.adc import Frame
from twinbar.hw.parts.ads8688 import ADS8688
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.bus import Wires

from .adc_proof import AdcProof
from .bus_proofs import CONFIG, PARTS
from .mutant import Mutant
from .proof import Proof

_READER: Final = "gateware.front_end.adc_reader"
_SINGLES: Final = replace(PARTS, clock_hz=25e6, adc_board=Wires(skew_ns=2.0, round_trip_ns=25.0, input_registers=1))
_WALKED: Final = replace(CONFIG, columns=16, adc_channels=4)


@dataclass(frozen=True)
class QuicklyStarted(ADS8688):
    """An ADS8688 without the frames that set its ranges: a conversion of it is reached in fewer cycles."""

    def start_up(self) -> tuple[Frame, ...]:
        """Return the reset alone."""
        return super().start_up()[:1]


_STATES: Final = (
    "Seen at its pins, a part gets the times of its datasheet, and first the frames that it needs after power-up; a "
    "conversion is reported as soon as the frames that began for it are over; each code is made of the bits "
)
_SKIPS_A_GAP: Final = Mutant(
    "frames of the start-up follow one another at once",
    _READER,
    "with m.If(gap == self.parts.adc_cycles.frame(adc.frame_bits)):",
    "with m.If(gap == 1):",
)
_TAKES_ANY_INPUT: Final = Mutant(
    "the first frame of a request counts, whatever it converts",
    _READER,
    "with m.If(is_chosen & (chosen == head)):",
    "with m.If(is_chosen):",
)


def _reader(
    name: str,
    states: str,
    config: ControllerConfig,
    parts: SerialParts,
    mutants: tuple[Mutant, ...],
    *,
    covers: tuple[str, ...] = ("a conversion is reported", "its last bits are 5"),
    within: int,
) -> Proof:
    return Proof(
        name,
        _STATES + states,
        lambda: AdcProof(config, parts),
        parts.adc_cycles.sample_delay + 2,
        covers=covers,
        within=within,
        mutants=mutants,
    )


OF_READERS: Final = (
    _reader(
        "reader of ADCs with one input",
        "that its part sent in that frame, all of which convert together.",
        CONFIG,
        _SINGLES,
        (
            Mutant(
                "a conversion that nobody asks for is reported",
                _READER,
                "self.done.eq(self.convert & self.words.ready)",
                "self.done.eq(self.words.ready)",
            ),
            Mutant(
                "a conversion is reported while its frame is under way",
                _READER,
                "self.done.eq(self.convert & self.words.ready)",
                "self.done.eq(self.convert)",
            ),
            Mutant(
                "results are taken a bit too high",
                _READER,
                "difference = (word[: adc.bits] - adc.zero)",
                "difference = (word[1 : adc.bits + 1] - adc.zero)",
            ),
            Mutant(
                "all channels have the result of the first part",
                _READER,
                "self._code(self.received.payload[channel])",
                "self._code(self.received.payload[0])",
            ),
            Mutant("the start-up is left out", _READER, "with m.If(step == len(start_up)):", "with m.If(1):"),
            Mutant(
                "a part is spoken to before it is powered up", _READER, "with m.Elif(self.awake):", "with m.Else():"
            ),
        ),
        within=80,
    ),
    _reader(
        "reader of an ADC with several inputs",
        "that the part sent of the channel's own input.",
        _WALKED,
        replace(PARTS, clock_hz=25e6, adc=ADS8688(channels=_WALKED.adc_channels)),
        (
            _SKIPS_A_GAP,
            _TAKES_ANY_INPUT,
            Mutant(
                "every channel takes what any frame brings",
                _READER,
                "with m.If(arriving[channel]):",
                "with m.If(arriving.any()):",
            ),
            Mutant(
                "a request that was dropped goes on with the next one",
                _READER,
                "with m.If(~self.convert & ((state == AdcReaderState.FRAMES) | (state == AdcReaderState.END))):",
                "with m.If(0):",
            ),
            Mutant(
                "each frame chooses the input that it converts",
                _READER,
                'lowest(m, after, "after_head")',
                'lowest(m, todo, "after_head")',
            ),
        ),
        covers=("the second frame of the start-up is over",),
        within=190,
    ),
    _reader(
        "reader of an ADC with several inputs that starts quickly",
        "that the part sent of the channel's own input.",
        CONFIG,
        replace(PARTS, clock_hz=25e6, adc=QuicklyStarted(channels=CONFIG.adc_channels)),
        (_TAKES_ANY_INPUT,),
        within=210,
    ),
)
