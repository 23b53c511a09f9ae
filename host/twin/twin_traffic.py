"""What steps read from and write to the twin's memory, by what it is for."""

import operator
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from twinbar.emulator.contract.activity import Activity
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError

ACCESS_BITS: Final = 32
"""Bits of a `Action.TWIN_ACCESS` and of a `Action.TWIN_RANDOM`."""
TERMS: Final = ("weight", "state", "gradient", "backward", "level", "policy")
"""What the memory of the weights on the crossbar is accessed for."""


class TwinTraffic(NamedTuple):
    """Bits that were moved, in whole words, and random bits that were drawn; it does not change.

    Parameters
    ----------
    weight_read, weight_written : int
        Weights, or residuals, by the optimizer's step.
    state_read, state_written : int
        The optimizer's state.
    gradient_read, gradient_written : int
        Gradients and their accumulator.
    backward_read : int
        Weights, with the levels that residuals refer to, by the backward pass.
    level_read, level_written : int
        The host's table of the levels that cells hold, with the failures in a row, and read-back codes.
    digital_read, digital_written : int
        Everything of parameters that lie on no crossbar.
    random : int
        Random bits, for stochastic rounding.
    policy_read, policy_written : int
        Memories of the update policy's own: accumulators, factors, the levels that it believes in.
    """

    weight_read: int = 0
    weight_written: int = 0
    state_read: int = 0
    state_written: int = 0
    gradient_read: int = 0
    gradient_written: int = 0
    backward_read: int = 0
    level_read: int = 0
    level_written: int = 0
    digital_read: int = 0
    digital_written: int = 0
    random: int = 0
    policy_read: int = 0
    policy_written: int = 0

    def __add__(self, other: "TwinTraffic") -> "TwinTraffic":  # type: ignore[override]
        return TwinTraffic(*map(operator.add, self, other))

    def __sub__(self, other: "TwinTraffic") -> "TwinTraffic":
        """Return what was added since ``other`` was the total."""
        return TwinTraffic(*map(operator.sub, self, other))

    @property
    def bits(self) -> int:
        """All bits that were read and written."""
        return sum(self) - self.random

    def activity(self) -> Activity:
        """Return the accesses and random numbers for the ledger; a step's bits count as whole words of 32."""
        return Activity.of(
            {Action.TWIN_ACCESS: -(-self.bits // ACCESS_BITS), Action.TWIN_RANDOM: -(-self.random // ACCESS_BITS)}
        )

    def figures(self, kind: str, weight_steps: int) -> dict[str, Any]:
        """Return the entry ``twin`` of a report.

        Parameters
        ----------
        kind : str
            ``twin.kind``.
        weight_steps : int
            Weights on the crossbar that an optimizer step trained, summed over steps.
        """
        bits = {term: {way: getattr(self, f"{term}_{way}", 0) for way in ("read", "written")} for term in TERMS}
        each = {term: sum(ways.values()) / weight_steps for term, ways in bits.items()}
        digital = {"read": self.digital_read, "written": self.digital_written}
        return {
            "kind": kind,
            "bits": bits | {"digital": digital},
            "random_bits": self.random,
            "bits_per_weight_and_step": each | {"total": sum(each.values())},
            "random_bits_per_weight_and_step": self.random / weight_steps,
        }

    def state_dict(self) -> dict[str, int]:
        """Return the totals for a checkpoint."""
        return self._asdict()

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> "TwinTraffic":
        """Rebuild the totals from `state_dict`.

        Raises
        ------
        ConfigError
            If it counts other things: another version wrote it.
        """
        # An earlier version had no policies with memories of their own.
        state = {"policy_read": 0, "policy_written": 0, **state}
        if set(state) != set(NAMES):
            raise ConfigError(
                f"the saved traffic of the twin has {', '.join(state)}; this version counts {', '.join(NAMES)}"
            )
        return cls(**{name: int(state[name]) for name in NAMES})


NAMES: Final = TwinTraffic._fields
"""Names of what is counted."""


def add_bits(found: dict[str, int], **bits: int) -> None:
    """Add bits to counts by the names of `TwinTraffic`."""
    for name, count in bits.items():
        found[name] += count
