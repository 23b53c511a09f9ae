"""What a transfer writes into the row registers of a tile."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from twinbar.hw.protocol.layouts import ROW_BITS, WORD_BITS


class WordSignature(wiring.Signature):
    """A word of inputs, and where it goes.

    Members
    -------
    takes : Out(1)
        Words of a transfer go into the row registers, not those of `LOAD`.
    load, clear : Out(1)
    word : Out
    bits : Out
        As in LOAD.
    """

    def __init__(self) -> None:
        super().__init__(
            {"takes": Out(1), "load": Out(1), "clear": Out(1), "word": Out(ROW_BITS), "bits": Out(WORD_BITS)}
        )
