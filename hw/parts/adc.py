"""What the front end needs to know of a serial ADC, and what the models of ADCs share."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .part_model import SerialDevice

Source = Callable[[int], int]
"""What is at an ADC's inputs: gives the code of an input when it is sampled."""


class Frame(NamedTuple):
    """A frame to be sent: its word, and how many bits it has."""

    word: int
    bits: int


class AdcDevice(SerialDevice):
    """Model of an ADC.

    Parameters
    ----------
    part : AdcPart
    source : callable
        Gives the code of an input (from 0) at the moment at which it is sampled.

    Attributes
    ----------
    conversions : list of int
        Input of every conversion, in order.
    """

    def __init__(self, part: "AdcPart", source: Source) -> None:
        super().__init__(part.timing, part.name)
        self.part = part
        self.source = source
        self.conversions: list[int] = []

    def sample(self, channel: int) -> int:
        """Convert an input."""
        code = self.source(channel)
        if not 0 <= code < 1 << self.part.bits:
            raise ValueError(f"{self.name} was given the code {code}; it has {self.part.bits} bits")
        self.conversions.append(channel)
        return code


def bits_of(word: int, count: int) -> list[int]:
    """Return the bits of a word, the highest first."""
    return [word >> place & 1 for place in reversed(range(count))]


@dataclass(frozen=True)
class AdcPart(ABC):
    """A serial ADC.

    Parameters
    ----------
    name : str
    channels : int
        Inputs of a part, converted one after the other.
    bits : int
        Bits of a result.
    frame_bits : int
        Length of a conversion's frame; the result is in its lowest bits.
    latency : int
        Frames from the one that chooses an input to the one that converts it and carries its result. 0: the part has
        one input, and converts it at the start of each frame.
    bipolar : bool
        Results are offset binary: half of the range stands for 0 V.
    timing : BusTiming
    dummies : int
        Conversions after power-up whose result is wrong.
    track_bit : int
        The part tracks its input from the edge that follows the sampling edge of this bit on.
    acquisition_ns : float
        Least time in track before the next sample.
    result_bit : int
        Last bit before the result.
    conversion_ns : float
        Least time from the sample to the sampling edge of ``result_bit``.
    settle_ns : float
        What the part's own filter before the sample takes to come to rest.
    """

    name: str
    channels: int
    bits: int
    frame_bits: int
    latency: int
    bipolar: bool
    timing: BusTiming
    dummies: int = 0
    track_bit: int = 0
    acquisition_ns: float = 0.0
    result_bit: int = 0
    conversion_ns: float = 0.0
    settle_ns: float = 0.0

    @abstractmethod
    def command(self, channel: int) -> int:
        """Return the word of a frame that chooses an input for the conversion ``latency`` frames later.

        Parameters
        ----------
        channel : int
        """

    @abstractmethod
    def result(self, word: int) -> int:
        """Return the result in a received frame.

        Parameters
        ----------
        word : int
            All bits of the frame.
        """

    def start_up(self) -> tuple[Frame, ...]:
        """Return the frames that the part needs after power-up, before any other."""
        return ()

    @abstractmethod
    def device(self, source: Source) -> AdcDevice:
        """Return a model of the part.

        Parameters
        ----------
        source : callable
            Gives the code of an input at the moment at which it is sampled.
        """

    @property
    def zero(self) -> int:
        """Result that stands for 0 V."""
        return 1 << (self.bits - 1) if self.bipolar else 0

    def shift(self, adc_bits: int) -> int:
        """Return the bits by which a result less its zero is shifted right to make a signed code (negative: left).

        Parameters
        ----------
        adc_bits : int
            Of the tile's codes, their sign not counted.
        """
        return self.bits - int(self.bipolar) - adc_bits

    def least_code(self, adc_bits: int) -> int:
        """Return the least code of a tile that the part's results are mapped to: a unipolar part gives none below 0.

        Parameters
        ----------
        adc_bits : int
            As of `shift`.
        """
        return -(1 << adc_bits) if self.bipolar else 0

    def code(self, result: int, adc_bits: int) -> int:
        """Map a result to the code of a tile, ``-2**adc_bits`` to ``2**adc_bits - 1``, rounded down.

        The positive range of the part covers the codes from 0 on; a unipolar part gives no negative ones.

        Parameters
        ----------
        result : int
        adc_bits : int
            As of `shift`.
        """
        shift = self.shift(adc_bits)
        difference = result - self.zero
        return difference >> shift if shift >= 0 else difference << -shift

    def check(self, channel: int) -> None:
        """Refuse an input that the part does not have.

        Parameters
        ----------
        channel : int

        Raises
        ------
        ConfigError
            If the part has no such input.
        """
        if not 0 <= channel < self.channels:
            raise ConfigError(f"{self.name} has no input {channel}; it has inputs 0 to {self.channels - 1}")
