"""The activations that a tile keeps of its products, and the digital functions that make them of sums."""

from collections.abc import Sequence

from twinbar.emulator.engines.events.register_file import RegisterFile
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.sizes import SUM_BITS
from twinbar.hw.protocol.vocabulary import Destination


def requantize(total: int, bias: int, scale: int, shift: int, *, relu: bool, zero: int, most: int) -> int:
    """Return the input code of the next layer that a sum becomes, from 0 to ``most``."""
    top = (1 << SUM_BITS - 1) - 1
    product = (max(-top - 1, min(total, top)) + bias) * scale
    value = (product + (1 << shift >> 1)) >> shift
    return min(max(value, 0 if relu else -zero) + zero, most)


class ActivationBuffer:
    """The activations of the last product whose sums were kept.

    Parameters
    ----------
    config : ControllerConfig
    registers : RegisterFile

    Attributes
    ----------
    complete : bool
        Whether all of them are there.
    """

    def __init__(self, config: ControllerConfig, registers: RegisterFile) -> None:
        self.complete = False
        self._config = config
        self._registers = registers
        self._words = [0] * config.output_words
        self._word = 0
        self._count = 0

    @property
    def destination(self) -> Destination:
        """Where sums go."""
        return Destination(self._registers.activation.sums)

    def begin(self) -> None:
        """A product takes the place of the one before."""
        if self.destination is not Destination.ANSWERED:
            self.complete = False
            self._count = 0

    def keep(self, total: int, column: int, *, last: bool) -> None:
        """Keep a sum that is handed over, of an output of the tile."""
        settings, config = self._registers.activation, self._config
        bias, scale = self._registers.scale(column)
        most = (1 << config.input_bits) - 1
        code = requantize(total, bias, scale, settings.shift, relu=settings.relu, zero=settings.zero, most=most)
        number, place = divmod(self._count, config.rows_per_word)
        self._word = (self._word if place else 0) | code << place * config.field_bits
        self._count += 1
        self.complete = last
        if last or place == config.rows_per_word - 1:
            self._words[number] = self._word

    def words(self, first: int, count: int) -> Sequence[int]:
        """Return neighbouring words as they are sent."""
        return self._words[first : first + count]
