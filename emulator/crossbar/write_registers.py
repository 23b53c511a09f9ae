"""Registers of a closed-loop write, and as a record that kernels take."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.cell_tables import CellTables, DriveRegisters
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.sections.write_section import RampVolts, WriteConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.layouts import PULSE_BITS

POLARITIES: Final = 2
"""SET and RESET, by which ramps are indexed."""
_RAMP: Final = [("start", "<i8"), ("step", "<i8"), ("stop", "<i8")]
WRITE_RECORD: Final = np.dtype(
    [("amplitude", _RAMP, POLARITIES), ("gate", _RAMP, POLARITIES), ("limit", "<i8"), ("discard", "<i8")]
)
"""`WriteRegisters` as kernels take them."""

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
            limit=1,
            discard=discard,
        ).with_limit(limit)

    def with_limit(self, limit: int) -> "WriteRegisters":
        """Return these registers with another limit; what no controller can count is shared among several writes."""
        return replace(self, limit=min(limit, MAX_PULSES), attempts=-(-limit // MAX_PULSES))

    @classmethod
    def of(cls, cells: CellTables, write: WriteConfig, *, discard: int) -> "WriteRegisters":
        """Take the preset's write algorithm, with what the section ``[write]`` says instead.

        Raises
        ------
        ConfigError
            If the drive does not reach a voltage.
        """
        limit = cells.drive.pulse_limit if write.pulse_limit is None else write.pulse_limit
        preset = cls.from_drive(cells.drive, limit=limit, discard=discard)

        def ramp(volts: RampVolts, default: Ramp) -> Ramp:
            if volts is None:
                return default
            start, step, stop = volts
            step_code = max(1, cells.volts_to_code(step)) if step else 0
            return Ramp(cells.volts_to_code(start), step_code, cells.volts_to_code(stop))

        return replace(
            preset,
            set_amplitude=ramp(write.set_ramp_v, preset.set_amplitude),
            reset_amplitude=ramp(write.reset_ramp_v, preset.reset_amplitude),
            set_gate=ramp(write.set_gate_ramp_v, preset.set_gate),
            reset_gate=ramp(write.reset_gate_ramp_v, preset.reset_gate),
        )

    def with_ramps_of(self, other: "WriteRegisters") -> "WriteRegisters":
        """Return these registers with the ramps of others."""
        return replace(
            self,
            set_amplitude=other.set_amplitude,
            reset_amplitude=other.reset_amplitude,
            set_gate=other.set_gate,
            reset_gate=other.reset_gate,
        )

    def ramps(self) -> NDArray[np.int64]:
        """Return start, step and stop of the ramps: amplitudes of SET and RESET, then their gates (int64 [4, 3])."""
        ramps = self.set_amplitude, self.reset_amplitude, self.set_gate, self.reset_gate
        return np.array([[ramp.start, ramp.step, ramp.stop] for ramp in ramps], np.int64)

    def with_ramps(self, ramps: NDArray[np.int64]) -> "WriteRegisters":
        """Return these registers with the ramps that `ramps` gave."""
        set_amplitude, reset_amplitude, set_gate, reset_gate = (Ramp(*row) for row in ramps.tolist())
        return replace(
            self,
            set_amplitude=set_amplitude,
            reset_amplitude=reset_amplitude,
            set_gate=set_gate,
            reset_gate=reset_gate,
        )

    def record(self) -> np.void:
        """Return the registers as kernels take them (`WRITE_RECORD`)."""
        record = np.zeros(1, WRITE_RECORD)[0]
        for field in ("amplitude", "gate"):
            for polarity, name in ((SET, "set"), (RESET, "reset")):
                ramp = getattr(self, f"{name}_{field}")
                record[field][polarity] = ramp.start, ramp.step, ramp.stop
        record["limit"], record["discard"] = self.limit, self.discard
        return record
