"""What a generator remembers of a tile, so that most of what it asks for does real work; it may be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.hw.parts.cycles import FrontEndCycles, front_end_cycles
from twinbar.hw.protocol.registers import BY_NAME, REGISTERS, SAMPLING, SHAPE
from twinbar.hw.protocol.vocabulary import Mode


@dataclass
class Sketch:
    """A tile as the generator believes it to be.

    Parameters
    ----------
    elaboration : Elaboration
    tile : int
    mode : Mode
    settings : dict
        Registers by name.
    """

    elaboration: Elaboration
    tile: int
    mode: Mode = Mode.SAFE
    settings: dict[str, int] = field(
        default_factory=lambda: {
            register.name: register.init
            for register in REGISTERS
            if register.access.writable and register.name in BY_NAME
        }
    )

    def __getitem__(self, name: str) -> int:
        return self.settings[name]

    @property
    def select_cycles(self) -> int:
        """Cycles of a selection."""
        serial = self._serial
        return self["SELECT"] + (serial.open + serial.rows + serial.columns + 2 if serial else 0)

    @property
    def drive_cycles(self) -> int:
        """Cycles of a drive update; with serial parts, of the one code that mostly changes."""
        return self["SETTLE_DRIVE"] + (self._serial.word + 3 if self._serial else 0)

    @property
    def convert_cycles(self) -> int:
        """Cycles of a conversion."""
        return self._serial.frame + 1 if self._serial else self["CONVERT"]

    @property
    def _serial(self) -> FrontEndCycles | None:
        parts, controller = self.elaboration.config.parts, self.elaboration.controller
        return front_end_cycles(parts, controller.rows, controller.columns) if parts else None

    @property
    def samples(self) -> int:
        """Conversions of a read."""
        discard, log2_average = SAMPLING.word.unpack(self["SAMPLING"]).values()
        return int(discard + (1 << log2_average))

    @property
    def read_cycles(self) -> int:
        """Cycles of a read within a command."""
        return self["SETTLE_READ"] + self.samples * self.convert_cycles + 1

    def pulse_cycles(self, record: str) -> int:
        """Cycles of a pulse with its drive update."""
        return int(self.drive_cycles + SHAPE["width"].of(self[f"{record}_WIDTH"]) + self["RECOVER"])


def weighted(rng: Random, choices: Mapping[Any, float]) -> Any:
    """Draw one of the keys by its weight."""
    return rng.choices(list(choices), list(choices.values()))[0]


def small(rng: Random, least: int, usual: int, most: int, rare: float = 0.03) -> int:
    """Draw a number from ``least`` to ``usual``, and rarely one up to ``most``."""
    return rng.randint(least, most if rng.random() < rare else usual)
