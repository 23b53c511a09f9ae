"""Registers of a closed-loop write, as a flat record that compiled kernels index."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.tables import DriveRegisters
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.layouts import PULSE_BITS

R_AMPLITUDE: Final = 0
R_GATE: Final = 3
R_START: Final = 0
R_STEP: Final = 1
R_STOP: Final = 2
R_POLARITY_STRIDE: Final = 6
R_LIMIT: Final = 12
R_DISCARD: Final = 13

MAX_PULSES: Final = (1 << PULSE_BITS) - 1
"""Pulses that a controller counts in one write."""


@dataclass(frozen=True)
class Ramp:
    """Codes of one line over the pulses of a polarity: start, then plus step, capped at stop (ISPP)."""

    start: int
    step: int
    stop: int

    def __post_init__(self) -> None:
        if not (0 <= self.start <= self.stop and self.step >= 0):
            raise ConfigError(
                f"a ramp from code {self.start} by {self.step} to {self.stop} cannot be driven; "
                "start must not exceed stop and the step must not be negative"
            )


@dataclass(frozen=True)
class WriteRegisters:
    """What an experimenter tunes of a closed-loop write.

    Parameters
    ----------
    set_amplitude, reset_amplitude : Ramp
        Codes of the write drive.
    set_gate, reset_gate : Ramp
        Codes of the word line.
    limit : int
        Largest number of pulses, SET and RESET together, spent on one write.
    discard : int
        Samples of each read that are thrown away.
    attempts : int
        Writes that the host spends on a cell before it gives up.
    """

    set_amplitude: Ramp
    reset_amplitude: Ramp
    set_gate: Ramp
    reset_gate: Ramp
    limit: int
    discard: int = 0
    attempts: int = 1

    def __post_init__(self) -> None:
        if self.limit < 1 or self.discard < 0 or self.attempts < 1:
            raise ConfigError(f"a pulse limit of {self.limit} with {self.discard} discarded samples cannot be used")

    @classmethod
    def from_drive(cls, drive: DriveRegisters, *, limit: int, discard: int) -> "WriteRegisters":
        """Take the ramps of a preset's write algorithm.

        A limit of more pulses than a controller counts is shared among several writes.
        """

        def ramp(line: str, polarity: int) -> Ramp:
            return Ramp(*(getattr(drive, f"{line}_{end}")[polarity] for end in ("start", "step", "stop")))

        return cls(
            set_amplitude=ramp("amplitude", SET),
            reset_amplitude=ramp("amplitude", RESET),
            set_gate=ramp("gate", SET),
            reset_gate=ramp("gate", RESET),
            limit=min(limit, MAX_PULSES),
            discard=discard,
            attempts=-(-limit // MAX_PULSES) if limit > MAX_PULSES else 1,
        )

    def record(self) -> np.ndarray:
        """Give the registers as int64, indexed by the ``R_*`` positions."""
        values = []
        for ramp in (self.set_amplitude, self.set_gate, self.reset_amplitude, self.reset_gate):
            values += [ramp.start, ramp.step, ramp.stop]
        return np.array([*values, self.limit, self.discard], dtype=np.int64)
