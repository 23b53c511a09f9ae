"""A proof: what it states, of which hardware, how it is proven, and what shows that it says something."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .mutant import Mutant


@dataclass(frozen=True)
class Proof:
    """A proof of one component with its properties.

    Parameters
    ----------
    name : str
    states : str
        What is proven, in a sentence.
    make : callable
        Returns the component that holds the properties; `Cover` statements in it are its covers.
    depth : int
        Cycles of the induction; of the bounded proof, from a reset on, if it is not ``unbounded``.
    unbounded : bool
        It holds for all time, by induction.
    covers : tuple of str
        Situations that are reached, one for each `Cover` statement.
    within : int
        Cycles from a reset within which all of them are.
    mutants : tuple of Mutant
        Faults with which it does not hold.
    traced : int
        Cycles from a reset within which a mutant does wrong, so that a trace shows it; 0: a mutant counts as refuted
        when the induction fails, too.
    equal : bool
        ``make`` returns two netlists that are to be equal: there is nothing to cover, and a mutant changes one of them.
    """

    name: str
    states: str
    make: Callable[[], Any]
    depth: int
    unbounded: bool = True
    covers: tuple[str, ...] = ()
    within: int = 0
    mutants: tuple[Mutant, ...] = field(default=())
    traced: int = 0
    equal: bool = False

    @property
    def engine(self) -> str:
        """How it is proven, in words."""
        if self.equal:
            return "equivalence, register by register"
        return f"induction over {self.depth} cycles" if self.unbounded else f"the first {self.depth} cycles"
