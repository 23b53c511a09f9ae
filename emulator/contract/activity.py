"""What programs did, in integers: the counts from which the ledger makes seconds and joules.

Two forms hold the same numbers. `Activity` is what an engine returns for one program: NumPy int64, so that compiled
kernels fill it. `ActivityTotal` is what adds up whole training runs: Python integers, which cannot overflow.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinbar.emulator.crossbar.cell_energy import CELL_ENERGIES, CellEnergy
from twinbar.hw.actions import ACTIONS, OF_OPTIONS, Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import PHASES, Phase

INT64_MAX: Final = int(np.iinfo(np.int64).max)


_ACTIONS_END: Final = len(ACTIONS)
_ENERGY_END: Final = _ACTIONS_END + len(CellEnergy)
COUNTS: Final = _ENERGY_END + len(PHASES)
"""Counts of an activity: actions, cell energies and phases, in this order."""


class Activity:
    """What one program did, or several programs run one after the other and added up with ``+=``.

    Parameters
    ----------
    actions : int64 [len(ACTIONS)], optional
        How often each `Action` happened, summed over tiles.
    cell_energy : int64 [len(CellEnergy)], optional
        Energy dissipated in cells, summed over tiles, in the integer units of the configuration.
    cycles : int
        Clock cycles for which the slowest tile is at work, neither idle nor stalled: the latency with an ideal link.
    link_cycles : int
        Clock cycles by which the program outlasts that: the tile waited for commands, or for the response stream.
    phases : int64 [len(PHASES)], optional
        Tile-cycles by phase, summed over all tiles; of a program, they sum to the tiles times its cycles.
    macs : int
        Multiplications with accumulation that it was for, a weight times an activation each: engines do not know, and
        leave it 0.

    Attributes
    ----------
    counts : int64 [COUNTS]
        Actions, cell energy and phases, one behind the other.

    Raises
    ------
    ValueError
        If an array has another length, a number is not an integer, or a number is negative (an overflow elsewhere).
    """

    __slots__ = ("counts", "cycles", "link_cycles", "macs")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        actions: ArrayLike | None = None,
        cell_energy: ArrayLike | None = None,
        cycles: int = 0,
        link_cycles: int = 0,
        phases: ArrayLike | None = None,
        macs: int = 0,
    ) -> None:
        self.counts: NDArray[np.int64] = np.zeros(COUNTS, np.int64)
        if actions is not None:
            self.actions[:] = _counts("actions", actions, len(ACTIONS))
        if cell_energy is not None:
            self.cell_energy[:] = _counts("cell_energy", cell_energy, len(CellEnergy))
        if phases is not None:
            self.phases[:] = _counts("phases", phases, len(PHASES))
        self.cycles = _count("cycles", cycles)
        self.link_cycles = _count("link_cycles", link_cycles)
        self.macs = _count("macs", macs)

    @property
    def actions(self) -> NDArray[np.int64]:
        """The actions among the counts."""
        return self.counts[:_ACTIONS_END]

    @property
    def cell_energy(self) -> NDArray[np.int64]:
        """The cell energies among the counts."""
        return self.counts[_ACTIONS_END:_ENERGY_END]

    @property
    def phases(self) -> NDArray[np.int64]:
        """The phases among the counts."""
        return self.counts[_ENERGY_END:]

    def __repr__(self) -> str:
        own = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("actions", "cell_energy", "phases"))
        return f"Activity({own}, cycles={self.cycles}, link_cycles={self.link_cycles}, macs={self.macs})"

    @classmethod
    def of(cls, actions: Mapping[Action, int], *, cycles: int = 0, link_cycles: int = 0) -> "Activity":
        """Make an activity from counts by `Action`, such as the twin's memory accesses of an optimizer step."""
        made = cls(cycles=cycles, link_cycles=link_cycles)
        for action, count in actions.items():
            made.counts[action] = _count(ACTIONS[action], count)
        return made

    @classmethod
    def of_tiles(
        cls, actions: ArrayLike, cell_energy: ArrayLike, phases: ArrayLike, *, cycles: int, link_cycles: int = 0
    ) -> "Activity":
        """Sum what each tile did.

        Parameters
        ----------
        actions : int64 [tiles, len(ACTIONS)]
        cell_energy : int64 [tiles, len(CellEnergy)]
        phases : int64 [tiles, len(PHASES)]
        cycles, link_cycles : int
            As in `Activity`; they are not sums over tiles.

        Raises
        ------
        OverflowError
            If a sum does not fit 64 bits.
        """
        return cls(
            _sum_tiles("actions", actions),
            _sum_tiles("cell_energy", cell_energy),
            cycles,
            link_cycles,
            _sum_tiles("phases", phases),
        )

    @classmethod
    def of_sums(cls, counts: NDArray[np.int64], *, cycles: int, link_cycles: int) -> "Activity":
        """Take counts [COUNTS] that the caller has checked: every step of a training makes several."""
        made = object.__new__(cls)
        made.counts, made.cycles, made.link_cycles = counts, cycles, link_cycles
        made.macs = 0
        return made

    @classmethod
    def of_program(
        cls, phases: NDArray[np.int64], actions: NDArray[np.int64], cell_energy: NDArray[np.int64], cycles: int
    ) -> "Activity":
        """Sum what each tile did in one program.

        Parameters
        ----------
        phases : int64 [tiles, len(PHASES)]
            Each row sums to ``cycles``.
        actions : int64 [tiles, len(ACTIONS)]
        cell_energy : int64 [tiles, len(CellEnergy)]
        cycles : int
            Of the program, from its first beat to its last response.

        Notes
        -----
        The slowest tile is the one that is at work for longest; what the program lasts beyond that is the link.
        """
        waiting = phases[:, Phase.IDLE] + phases[:, Phase.STALL]
        slowest = cycles - int(np.minimum.reduce(waiting))
        summed = cls.of_tiles(actions, cell_energy, phases, cycles=slowest, link_cycles=cycles - slowest)
        summed.actions[Action.CLOCK_GATE] = np.add.reduce(clock_gates(phases, actions))
        return summed

    def __iadd__(self, other: "Activity") -> "Activity":
        """Add what another program did after this one; raises OverflowError and leaves this one as it was."""
        total = self.counts + other.counts
        # Both are non-negative, so a sum that wrapped around is negative.
        if np.minimum.reduce(total) < 0:
            name = _part_of(int(np.argmin(total)))
            raise OverflowError(f"activity.{name} no longer fits 64 bits; add up long runs in a `ActivityTotal`")
        self.counts = total
        self.cycles += other.cycles
        self.link_cycles += other.link_cycles
        self.macs += other.macs
        return self

    def copy(self) -> "Activity":
        """Return an independent copy."""
        copied = Activity.of_sums(self.counts.copy(), cycles=self.cycles, link_cycles=self.link_cycles)
        copied.macs = self.macs
        return copied

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Activity):
            return NotImplemented
        return ActivityTotal.of(self) == ActivityTotal.of(other)


def clock_gates(phases: NDArray[np.int64], actions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often the clock of each tile may have been stopped and started in a program: an upper bound.

    Parameters
    ----------
    phases : int64 [tiles, len(PHASES)]
    actions : int64 [tiles, len(ACTIONS)]
    """
    commands = actions[:, Action.COMMAND_BEAT] + actions[:, Action.SHARED_BEAT]
    counts: NDArray[np.int64] = gates(phases[:, Phase.IDLE], phases[:, Phase.STALL], phases[:, Phase.RESPOND], commands)
    return counts


def gates(idle: Any, stalled: Any, responding: Any, commands: Any) -> Any:
    """Bound how often a clock stops: of one tile, or of several in arrays.

    An idle stretch ends with a command, and a stall with a cycle of the phase `respond`; none is shorter than a cycle.
    """
    return np.minimum(idle, commands) + np.minimum(stalled, responding)


def _part_of(place: int) -> str:
    """Name the part of the counts that a place is in."""
    if place < _ACTIONS_END:
        return "actions"
    return "cell_energy" if place < _ENERGY_END else "phases"


def _count(name: str, value: Any) -> int:
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"activity.{name} is {value!r}; it must be an integer")
    if value < 0:
        raise ValueError(f"activity.{name} is {value}; a count cannot be negative (has it overflowed?)")
    return int(value)


def _counts(name: str, values: ArrayLike, length: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    # The reductions of ufuncs, not the methods of arrays, which call these: a training step makes some hundred.
    if array.dtype == np.int64 and array.shape == (length,) and np.minimum.reduce(array) >= 0:
        return array
    if array.shape != (length,):
        raise ValueError(f"activity.{name} has shape {array.shape}; it must be ({length},)")
    if not np.issubdtype(array.dtype, np.integer) or not np.can_cast(array.dtype, np.int64):
        raise ValueError(f"activity.{name} has type {array.dtype}; it must be int64")
    if (array < 0).any():
        raise ValueError(f"activity.{name} holds a negative number; a count cannot be negative (has it overflowed?)")
    return array.astype(np.int64, copy=False)


def sum_of_tiles(name: str, values: NDArray[np.int64]) -> int:
    """Sum one count over tiles, [tiles]; errors as of `Activity.of_tiles`."""
    return int(_sum_tiles(name, values[:, None])[0])


def _sum_tiles(name: str, values: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(values, dtype=np.int64)
    if array.ndim != 2:
        raise ValueError(f"activity.{name} by tile has shape {array.shape}; it must be (tiles, counts)")
    if np.minimum.reduce(array, axis=None, initial=0) < 0:
        raise ValueError(f"activity.{name} holds a negative number; a count cannot be negative (has it overflowed?)")
    if array.size and int(np.maximum.reduce(array, axis=None)) > INT64_MAX // array.shape[0]:
        # Rare: the quick bound does not decide it, so the columns are summed without a bound on their size.
        exact = [sum(column) for column in array.T.tolist()]
        if max(exact) > INT64_MAX:
            raise OverflowError(f"activity.{name} summed over tiles does not fit 64 bits; split the program")
    return np.add.reduce(array)


@dataclass(frozen=True)
class ActivityTotal:
    """Exact totals of any number of programs, in Python integers; it does not change.

    Parameters
    ----------
    programs : int
        How many activities were added.
    actions, cell_energy, phases : tuple of int
        As in `Activity`.
    cycles, link_cycles : int
        As in `Activity`, summed: programs run one after the other.
    macs : int
        As in `Activity`.
    """

    programs: int = 0
    actions: tuple[int, ...] = (0,) * len(ACTIONS)
    cell_energy: tuple[int, ...] = (0,) * len(CellEnergy)
    cycles: int = 0
    link_cycles: int = 0
    phases: tuple[int, ...] = (0,) * len(PHASES)
    macs: int = 0

    @classmethod
    def of(cls, activity: Activity) -> "ActivityTotal":
        """Return the exact form of one activity."""
        return cls(
            1,
            tuple(activity.actions.tolist()),
            tuple(activity.cell_energy.tolist()),
            activity.cycles,
            activity.link_cycles,
            tuple(activity.phases.tolist()),
            activity.macs,
        )

    def __add__(self, other: "ActivityTotal") -> "ActivityTotal":
        return self._combined(other, operator.add)

    def __sub__(self, other: "ActivityTotal") -> "ActivityTotal":
        """Return what was added since ``other`` was the total.

        Raises
        ------
        ValueError
            If ``other`` is not an earlier state of this tally (a difference is negative).
        """
        difference = self._combined(other, operator.sub)
        numbers = (difference.programs, difference.cycles, difference.link_cycles, difference.macs)
        if min(numbers + difference.actions + difference.cell_energy + difference.phases) < 0:
            raise ValueError("the tally to subtract counts more than this one; it is not an earlier state of it")
        return difference

    def _combined(self, other: "ActivityTotal", combine: Callable[[int, int], int]) -> "ActivityTotal":
        return ActivityTotal(
            combine(self.programs, other.programs),
            tuple(map(combine, self.actions, other.actions)),
            tuple(map(combine, self.cell_energy, other.cell_energy)),
            combine(self.cycles, other.cycles),
            combine(self.link_cycles, other.link_cycles),
            tuple(map(combine, self.phases, other.phases)),
            combine(self.macs, other.macs),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the totals by name, as JSON can hold them without loss (JSON integers have no size limit)."""
        return {
            "programs": self.programs,
            "actions": dict(zip(ACTIONS, self.actions, strict=True)),
            "cell_energy": dict(zip(CELL_ENERGIES, self.cell_energy, strict=True)),
            "cycles": self.cycles,
            "link_cycles": self.link_cycles,
            "phases": dict(zip(PHASES, self.phases, strict=True)),
            "macs": self.macs,
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> "ActivityTotal":
        """Rebuild the totals from `state_dict`.

        Raises
        ------
        ConfigError
            If a name is missing or unknown, or a number is not a non-negative integer: the state was written by
            another version, or damaged.
        """
        return cls(
            _stored_count(state, "programs"),
            _stored_counts(state, "actions", ACTIONS, later=OF_OPTIONS),
            _stored_counts(state, "cell_energy", CELL_ENERGIES),
            _stored_count(state, "cycles"),
            _stored_count(state, "link_cycles"),
            _stored_counts(state, "phases", PHASES),
            _stored_count({"macs": 0, **state}, "macs"),
        )


def _stored_count(state: Mapping[str, Any], name: str) -> int:
    value = state.get(name)
    if type(value) is not int or value < 0:
        raise ConfigError(f"the ledger's saved state has {name} = {value!r}; it must be an integer, 0 or more")
    return value


def _stored_counts(
    state: Mapping[str, Any], name: str, keys: tuple[str, ...], later: tuple[str, ...] = ()
) -> tuple[int, ...]:
    """Return stored counts in the order of ``keys``; an earlier version did not have the ``later`` ones."""
    values = state.get(name)
    if isinstance(values, Mapping):
        values = dict.fromkeys(later, 0) | dict(values)
    if not isinstance(values, Mapping) or set(values) != set(keys):
        found = ", ".join(sorted(values)) if isinstance(values, Mapping) else repr(values)
        raise ConfigError(f"the ledger's saved state has {name} = {found}; this version counts {', '.join(keys)}")
    return tuple(_stored_count(values, key) for key in keys)
