"""What must hold in every cycle: the base of all rules, and the book that keeps what was broken."""

from typing import Any, NamedTuple


class BrokenRule(NamedTuple):
    """A rule that did not hold.

    Parameters
    ----------
    cycle : int
    rule, what : str
    """

    cycle: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"cycle {self.cycle}: {self.rule}: {self.what}"


class WatchedRule:
    """Something that holds in every cycle; derive your own rules from it, and says in its docstring what it is.

    Attributes
    ----------
    found : list of BrokenRule
    at_once : bool
        Whether a broken rule ends the test. It does, unless somebody wants to see all that follows.
    """

    def __init__(self) -> None:
        self.found: list[BrokenRule] = []
        self.at_once = True

    @property
    def about(self) -> str:
        """What it is, in a sentence."""
        return (self.__doc__ or "").strip().splitlines()[0]

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        raise NotImplementedError

    def broken(self, cycle: int, what: str) -> None:
        """Note that it does not hold.

        Parameters
        ----------
        cycle : int
        what : str
            What was seen instead.

        Raises
        ------
        AssertionError
            Unless everything is to be seen.
        """
        self.found.append(BrokenRule(cycle, type(self).__name__, what))
        if self.at_once:
            raise AssertionError(str(self.found[-1]))

    def end(self, cycle: int) -> None:
        """Look at what is left when a bench ends.

        Parameters
        ----------
        cycle : int
            The last one.
        """


class TileRule(WatchedRule):
    """A rule on the pins of a tile.

    Parameters
    ----------
    protocol : module
    tile : int
    """

    def __init__(self, protocol: Any, tile: int) -> None:
        super().__init__()
        self.protocol, self.tile = protocol, tile
        self._prefix = f"tiles__{tile}__"
        self._phase = f"phases__{tile}"

    def pin(self, pins: Any, name: str) -> int:
        """Return the bits of a pin of the tile.

        Parameters
        ----------
        pins : mapping of str to int
            As of `look`.
        name : str
            Of the pin, without the tile's prefix.
        """
        return int(pins[self._prefix + name])

    def phase(self, pins: Any) -> str:
        """Return the name of the phase of the tile.

        Parameters
        ----------
        pins : mapping of str to int
            As of `look`.
        """
        return str(self.protocol.PHASES[pins[self._phase]])

    def broken(self, cycle: int, what: str) -> None:
        """Note that it does not hold, with the number of the tile.

        Parameters
        ----------
        cycle, what
            As of `WatchedRule.broken`, with its error.
        """
        super().broken(cycle, f"tile {self.tile}: {what}")


class RuleBook:
    """Rules that look at every cycle together.

    Parameters
    ----------
    rules : list of WatchedRule
    at_once : bool
        The first one that is broken ends the test.
    """

    def __init__(self, rules: list[WatchedRule], *, at_once: bool = True) -> None:
        self.rules = rules
        for rule in rules:
            rule.at_once = at_once
        self.cycle = 0

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        self.cycle = cycle
        for rule in self.rules:
            rule.look(cycle, pins)

    @property
    def found(self) -> list[BrokenRule]:
        """What was broken, in the order of time."""
        return sorted(broken for rule in self.rules for broken in rule.found)

    def check(self) -> None:
        """End a bench.

        Raises
        ------
        AssertionError
            If a rule was broken, with the first one; or if something is still to come.
        """
        for rule in self.rules:
            rule.end(self.cycle)
        if self.found:
            raise AssertionError(f"{self.found[0]}; {len(self.found)} in all")
