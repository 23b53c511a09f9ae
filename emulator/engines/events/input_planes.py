"""The row registers of a tile, and which bit planes of them hold a one."""

from twinbar.emulator.crossbar.array import ArrayState, load_word
from twinbar.hw.gateware.controller_config import ControllerConfig


class InputPlanes:
    """The row registers, and which bit planes hold a one.

    Parameters
    ----------
    tile : int
    state : ArrayState
        Holds the row registers.
    config : ControllerConfig
    """

    def __init__(self, tile: int, state: ArrayState, config: ControllerConfig) -> None:
        self._tile = tile
        self._state = state
        self._config = config
        self._seen = 0
        per_word = range(config.rows_per_word)
        planes = range(config.input_bits)
        self._ones = [sum(1 << row * config.field_bits + plane for row in per_word) for plane in planes]
        rows_of_last = config.rows - (config.words - 1) * config.rows_per_word
        self._mask_of_last = (1 << rows_of_last * config.field_bits) - 1

    def load(self, word: int, bits: int, *, clear: bool) -> None:
        """Write a word; with ``clear`` all others become 0.

        A plane that has held a one counts as holding one until the next ``clear``.
        """
        if word == self._config.words - 1:
            bits &= self._mask_of_last
        if clear:
            self._seen = 0
        for plane, ones in enumerate(self._ones):
            if bits & ones:
                self._seen |= 1 << plane
        load_word(
            self._state,
            self._tile,
            word,
            bits & sum(self._ones),
            clear=clear,
            field_bits=self._config.field_bits,
            rows_per_word=self._config.rows_per_word,
        )

    def steps(self, *, codes: bool, skip: bool) -> list[int]:
        """Return the planes of the input steps of a multiplication; with ``codes`` it is one step, of weight 1."""
        if skip and not self._seen:
            return []
        if codes:
            return [0]
        return [plane for plane in range(self._config.input_bits) if not skip or self._seen >> plane & 1]
