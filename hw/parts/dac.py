"""What the front end needs to know of a serial DAC, and what the models of DACs share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .part_model import SerialDevice


class DacDevice(SerialDevice):
    """Model of a DAC: what its outputs show, and since when.

    Parameters
    ----------
    part : DacPart

    Attributes
    ----------
    outputs : list of int
        Code of every output.
    changed_ns : list of float
        When each output was last given a different code.
    writes : list of (channel, code)
        Every update, in order.
    """

    def __init__(self, part: "DacPart") -> None:
        super().__init__(part.timing, part.name)
        self.part = part
        self.outputs = [0] * part.channels
        self.changed_ns = [float("-inf")] * part.channels
        self.writes: list[tuple[int, int]] = []

    def settled(self, time_ns: float) -> bool:
        """Whether all outputs have come to rest."""
        return all(time_ns - changed >= self.part.settle_ns for changed in self.changed_ns)

    def frame(self, word: int, count: int, time_ns: float) -> None:
        """Take a frame: one of the wrong length does nothing and is a violation."""
        if count != self.part.word_bits:
            self.violate(f"a frame of {count} bits, the part takes {self.part.word_bits}", time_ns)
        else:
            self.execute(word, time_ns)

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a whole word says."""
        raise NotImplementedError

    def update(self, channel: int, code: int, time_ns: float) -> None:
        """Bring a code to an output."""
        self.writes.append((channel, code))
        if self.outputs[channel] != code:
            self.outputs[channel], self.changed_ns[channel] = code, time_ns


class BufferedDacDevice(DacDevice):
    """Model of a DAC with an input register before each output."""

    def __init__(self, part: "DacPart") -> None:
        super().__init__(part)
        self.inputs = [0] * part.channels
        self.transparent = 0
        """Mask of the outputs that follow their input register at once (the LDAC register)."""
        self.reference_on = False

    def write_input(self, channel: int, code: int, time_ns: float) -> None:
        """Write an input register."""
        self.inputs[channel] = code
        if self.transparent >> channel & 1:
            self.update(channel, code, time_ns)

    def load(self, channel: int, time_ns: float) -> None:
        """Bring an input register to its output."""
        self.update(channel, self.inputs[channel], time_ns)

    def clear(self, time_ns: float) -> None:
        """Go back to the state after power-up."""
        self.transparent, self.reference_on = 0, False
        for channel in range(self.part.channels):
            self.inputs[channel] = 0
            if self.outputs[channel]:
                self.outputs[channel], self.changed_ns[channel] = 0, time_ns


@dataclass(frozen=True)
class DacPart(ABC):
    """A serial DAC.

    Parameters
    ----------
    name : str
    channels, bits : int
        Outputs, and resolution.
    word_bits : int
        Length of a frame.
    timing : BusTiming
    settle_ns : float
        Settling time of an output; a starting value for the register SETTLE_DRIVE.
    """

    name: str
    channels: int
    bits: int
    word_bits: int
    timing: BusTiming
    settle_ns: float

    @abstractmethod
    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word that brings a code to an output.

        Parameters
        ----------
        channel, code : int

        Raises
        ------
        ConfigError
            If the part has no such output or code.
        """

    def start_up(self) -> tuple[int, ...]:
        """Return the words that the part needs after power-up, before any other: its reset first, power last."""
        return ()

    @abstractmethod
    def device(self) -> DacDevice:
        """Return a model of the part."""

    def check(self, channel: int, code: int) -> None:
        """Refuse an output or code that the part does not have.

        Parameters
        ----------
        channel, code : int

        Raises
        ------
        ConfigError
            If the part has no such output or code.
        """
        if not 0 <= channel < self.channels:
            raise ConfigError(f"{self.name} has no output {channel}; it has outputs 0 to {self.channels - 1}")
        if not 0 <= code < 1 << self.bits:
            raise ConfigError(f"{self.name} has no code {code}; its codes are 0 to {(1 << self.bits) - 1}")

    def code_offset(self) -> int:
        """Return the place of the code's lowest bit in a word: a word is that of code 0 with the code put there."""
        return (self.write_and_update(0, 1) ^ self.write_and_update(0, 0)).bit_length() - 1
