"""Sessions: programs that one controller runs one after the other."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twinbar.emulator.contract.program import Pin, PinPulse, Program


@dataclass(frozen=True)
class SessionStep:
    """A program of a session, as plain numbers that can be changed.

    Parameters
    ----------
    commands, arrivals : tuple of int
        As in `Program`, arrivals not yet moved to cycle 0.
    ready : tuple of bool
    pins : tuple of PinPulse
    tick : int, optional
        Set before the program.
    reload : bool
        Whether the cells are saved and loaded before the program, which must change nothing.
    """

    commands: tuple[int, ...]
    arrivals: tuple[int, ...] = ()
    ready: tuple[bool, ...] = (True,)
    pins: tuple[PinPulse, ...] = ()
    tick: int | None = None
    reload: bool = False

    def program(self) -> Program:
        """Make the program."""
        arrivals = np.array(self.arrivals or (0,) * len(self.commands), np.int64)
        if len(arrivals):
            arrivals = np.maximum.accumulate(arrivals) - arrivals[0]
        return Program(np.array(self.commands, np.uint64), arrivals, np.array(self.ready, np.bool_), self.pins)

    def state_dict(self) -> dict[str, Any]:
        """Return the step as JSON can hold it; beats are hexadecimal."""
        program = self.program()
        assert program.arrivals is not None
        return {
            "commands": [f"{beat:016x}" for beat in self.commands],
            "arrivals": program.arrivals.tolist(),
            "ready": [int(ready) for ready in self.ready],
            "pins": [[pulse.pin.name, pulse.first, pulse.last, pulse.tile] for pulse in self.pins],
            "tick": self.tick,
            "reload": self.reload,
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> "SessionStep":
        """Rebuild a step from `state_dict`."""
        return cls(
            tuple(int(beat, 16) for beat in state["commands"]),
            tuple(state["arrivals"]),
            tuple(bool(ready) for ready in state["ready"]),
            tuple(PinPulse(Pin[pin], first, last, tile) for pin, first, last, tile in state["pins"]),
            state["tick"],
            state["reload"],
        )


@dataclass(frozen=True)
class Session:
    """Programs on one controller, from power-up.

    Parameters
    ----------
    elaboration : str
        Name in `twinbar.emulator.verify.elaborations.ELABORATIONS`.
    steps : tuple of SessionStep
    mapped_columns : tuple of int, optional
        As in `twinbar.emulator.contract.program.ProgramController`.
    faults : tuple of tuple of int, optional
        Faults of each tile's cells, instead of those drawn from the preset.
    """

    elaboration: str
    steps: tuple[SessionStep, ...]
    mapped_columns: tuple[int, ...] | None = None
    faults: tuple[tuple[int, ...], ...] | None = field(default=None, repr=False)

    def with_step(self, index: int, step: SessionStep) -> "Session":
        """Return the session with another step in this place."""
        return replace(self, steps=(*self.steps[:index], step, *self.steps[index + 1 :]))

    @property
    def commands(self) -> int:
        """How many beats its programs have."""
        return sum(len(step.commands) for step in self.steps)

    def state_dict(self) -> dict[str, Any]:
        """Return the session as JSON can hold it."""
        return {
            "elaboration": self.elaboration,
            "steps": [step.state_dict() for step in self.steps],
            "mapped_columns": self.mapped_columns,
            "faults": self.faults,
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> "Session":
        """Rebuild a session from `state_dict`."""
        mapped, faults = state["mapped_columns"], state["faults"]
        return cls(
            state["elaboration"],
            tuple(SessionStep.from_state_dict(step) for step in state["steps"]),
            None if mapped is None else tuple(mapped),
            None if faults is None else tuple(tuple(tile) for tile in faults),
        )
