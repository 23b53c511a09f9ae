"""Proofs of the serial buses to the parts of a front end."""

from typing import Final

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts, outputs_for
from twinbar.hw.parts.bus import BusCycles
from twinbar.hw.parts.cycles import front_end_cycles, matrix_of
from twinbar.hw.parts.hc595 import HC595_4V5

from .dac_proof import DacProof
from .mutant import Mutant
from .proof import Proof
from .spi_proof import SpiProof
from .switch_proof import SwitchProof

_TRANSCEIVER: Final = "gateware.front_end.spi_transceiver"
_KEEPER: Final = "gateware.front_end.dac_keeper"
_LOADER: Final = "gateware.front_end.switch_loader"

_WRITE, _READS = {DrivePath.WRITE}, {DrivePath.READ, DrivePath.MULTIPLY}
CONFIG: Final = ControllerConfig(rows=10, columns=12, adc_channels=2, adc_bits=10, input_bits=2, safe_codes=(1, 0, 2))
PARTS: Final = SerialParts(
    clock_hz=50e6,
    dac=AD5628(),
    outputs=outputs_for(
        AD5628(), [(DrivenLine.BIT_LINE, _WRITE), (DrivenLine.LIMIT, _WRITE), (DrivenLine.WORD_LINE, _READS)]
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
    pairs=True,
    reference=True,
)
"""An output of each kind."""

_MUTANTS: Final = (
    Mutant(
        "a bit is shown in the middle of the one before",
        _TRANSCEIVER,
        "enter(SpiState.SECOND, cycles.second)",
        "enter(SpiState.SECOND, cycles.second)\n                    show(bits)",
    ),
    Mutant(
        "the first bit follows chip select at once",
        _TRANSCEIVER,
        "enter(SpiState.SETUP, cycles.setup)\n                show(word.bits)",
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)",
    ),
    Mutant(
        "a frame may begin in the cycle in which the one before ends",
        _TRANSCEIVER,
        "enter(SpiState.HIGH, cycles.high)",
        "enter(SpiState.IDLE, 1)",
    ),
    Mutant(
        "chip select goes high within a word of one bit",
        _TRANSCEIVER,
        "with m.If(bits_left != 0):",
        "with m.If((bits_left != 0) & (bits_left != 1)):",
    ),
    Mutant(
        "a word within a frame changes its chip",
        _TRANSCEIVER,
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)",
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)\n"
        "                m.d.sync += pins.select_n.eq(~(1 << word.chip))",
    ),
    Mutant(
        "what was received before is left in the word",
        _TRANSCEIVER,
        "(Mux(now.first, 0, before) << 1)",
        "(before << 1)",
    ),
    Mutant(
        "chip select goes high a cycle early",
        _TRANSCEIVER,
        "enter(SpiState.HOLD, cycles.hold)",
        "enter(SpiState.HOLD, max(1, cycles.hold - 1))",
    ),
)


def _transceiver(mode: int, cycles: BusCycles, mutants: tuple[Mutant, ...]) -> Proof:
    return Proof(
        f"SPI transceiver in mode {mode}",
        "Chip select, clock and data keep the times that a bus of parts asks for; the bits of each word are sampled in "
        "order and once, and received once; a word waits for these times and no longer.",
        lambda: SpiProof(cycles),
        cycles.sample_delay + 2,
        covers=("the last bit of a word is sampled, a one", "a frame goes on with another word"),
        within=20,
        mutants=mutants,
        traced=24,
    )


OF_BUSES: Final = (
    _transceiver(0, BusCycles(0, 0, first=2, second=3, setup=2, hold=1, high=2, sample_delay=2), _MUTANTS[:6]),
    _transceiver(1, BusCycles(0, 1, first=3, second=2, setup=1, hold=0, high=1), _MUTANTS[:1]),
    _transceiver(2, BusCycles(1, 0, first=1, second=1, setup=1, hold=1, high=3, sample_delay=1), _MUTANTS[2:3]),
    _transceiver(3, BusCycles(1, 1, first=1, second=4, setup=3, hold=2, high=1), (_MUTANTS[4], _MUTANTS[6])),
    Proof(
        "outputs of serial DACs",
        "Outputs are ready only when each has the code that was asked of it last, and the time to settle has passed "
        "since the last word; parts are started first, and sent nothing before they are powered up.",
        lambda: DacProof(CONFIG, PARTS),
        2,
        covers=("an output is sent another code", "outputs have settled for three cycles"),
        within=16,
        mutants=(
            Mutant(
                "a limit is kept at what it was first",
                _KEEPER,
                "stale.eq(Cat(~known[n] | (wanted[n] != held[n])",
                "stale.eq(Cat(~known[n] | (wanted[n] != held[n]) & (n != 1)",
            ),
            Mutant(
                "outputs settle while a word is on its way",
                _KEEPER,
                "quiet = started & ~stale.any() & self.words.ready",
                "quiet = started & ~stale.any()",
            ),
            Mutant(
                "outputs do not wait for another settling behind a second word",
                _KEEPER,
                "with m.If(started & accepted):",
                "with m.If(started & accepted & (left == 0)):",
            ),
            Mutant(
                "parts are written before they are powered up",
                _KEEPER,
                "self.words.valid.eq(self.awake & (~started | stale.any())),",
                "self.words.valid.eq(~started | stale.any()),",
            ),
            Mutant(
                "reads drive what products drove",
                _KEEPER,
                "with m.If(self.connect[0 if drive is DrivePath.READ else 1]):",
                "with m.If(self.connect[1]):",
            ),
        ),
        traced=24,
    ),
    Proof(
        "switches of a serial front end",
        "A selection is connected only when each switch of both chains is as the selection asks, all were open while "
        "rows were loaded, and lines have had their time to settle; where nothing is selected, all are open in the "
        "next cycle.",
        lambda: SwitchProof(CONFIG, matrix_of(PARTS, 10, 12), front_end_cycles(PARTS, 10, 12)),
        2,
        covers=(
            "a cell is connected, and has settled for three cycles",
            "a selection waits for the load of a dropped one",
        ),
        within=24,
        mutants=(
            Mutant(
                "a selection is connected as soon as its last word is accepted",
                _LOADER,
                "with m.If(self.words.ready & (index == 0)):\n"
                "                    m.d.sync += state.eq(SwitchLoaderState.LATCH)",
                "with m.If(self.words.ready & (index == 0)):\n"
                "                    m.d.sync += [state.eq(SwitchLoaderState.SETTLE), count.eq(1)]",
            ),
            Mutant(
                "a load that was cut off counts for the next selection",
                _LOADER,
                "m.d.comb += forgotten.eq(stale | ~asked)",
                "m.d.comb += forgotten.eq(~asked)",
            ),
            Mutant(
                "switches are closed while rows are loaded",
                _LOADER,
                "if self.open_pin is OpenPin.RESET:",
                "if True:",
            ),
            Mutant(
                "a dropped selection stays connected",
                _LOADER,
                "with m.If((self.selection == Selection.NONE) | abandoned):",
                "with m.If(abandoned):",
            ),
            Mutant(
                "what a dropped request had asked for is connected for a cycle or two",
                _LOADER,
                "with m.If((self.selection == Selection.NONE) | abandoned):",
                "with m.If(self.selection == Selection.NONE):",
            ),
            Mutant(
                "pairs are connected beside single columns",
                _LOADER,
                "group((index - pair_base)[: len(index)], self.subtract)",
                "group((index - pair_base)[: len(index)], 1)",
            ),
        ),
        traced=30,
    ),
)
