"""How far energies, and what one run saves against another, may be off: the parts of a table move, the counts do not.

A part is one circuit, whose entries are off together. What a part comes to is a triple: nominal, lowest and highest
plausible joules. Parts are off independently of each other, so that their deviations add in quadrature; in the worst
case they add.

Two runs that are priced with one table share its parts. A part that is off is off in both, so that a *saving* is
computed with both runs at the same end of each part, and most of what either energy may be off by cancels.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

Spread = Sequence[float]
"""Nominal, lowest and highest value of a part."""
Parts = Mapping[str, Spread]
"""By the name of the part."""
_ENDS: Final = (1, 2)
"""Places of the lowest and the highest value."""


class Contribution(NamedTuple):
    """Joules that belong to a part."""

    part: str
    nominal: float
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float, float]:
        """Nominal, lowest and highest joules."""
        return self.nominal, self.low, self.high


def by_part(contributions: Iterable[Contribution]) -> dict[str, list[float]]:
    """Add up what belongs to each part: its entries are off together, so that their ends add too."""
    found: dict[str, list[Contribution]] = {}
    for one in contributions:
        found.setdefault(one.part, []).append(one)
    return {
        part: [math.fsum(ends) for ends in zip(*(one.ends for one in entries), strict=True)]
        for part, entries in found.items()
    }


def of_accounts(parts: Mapping[str, Parts], accounts: Iterable[str]) -> dict[str, list[float]]:
    """Return the parts of several accounts together, from the key ``energy_parts_j`` of a summary."""
    return by_part(Contribution(part, *spread) for account in accounts for part, spread in parts[account].items())


def intervals(parts: Parts) -> dict[str, list[float]]:
    """Return the intervals of a sum of parts.

    Returns
    -------
    dict
        ``independent``: deviations of different parts add in quadrature; ``worst_case``: they add. Each [low, high].
    """
    total = math.fsum(spread[0] for spread in parts.values())
    below = [spread[0] - spread[1] for spread in parts.values()]
    above = [spread[2] - spread[0] for spread in parts.values()]
    return {
        "independent": [max(0.0, total - math.hypot(*below)), total + math.hypot(*above)],
        "worst_case": [max(0.0, total - math.fsum(below)), total + math.fsum(above)],
    }


def saving_intervals(parts: Parts, basis: Parts) -> dict[str, list[float]] | None:
    """Return the intervals of ``1 - energy / energy of the basis``, both priced with one table.

    Parameters
    ----------
    parts, basis : Parts
        Of a run, and of the one that it is compared with.

    Returns
    -------
    dict or None
        ``independent``: each part alone goes to its ends, in both runs, and what that does to the saving adds in
        quadrature; ``worst_case``: all parts at those ends that make the saving least, or most. Each [low, high]. None
        where the basis is nothing.
    """
    names = sorted({*parts, *basis})
    mine = {name: parts.get(name, (0.0, 0.0, 0.0)) for name in names}
    theirs = {name: basis.get(name, (0.0, 0.0, 0.0)) for name in names}
    energy, whole = (math.fsum(spread[0] for spread in each.values()) for each in (mine, theirs))
    if whole <= 0:
        return None
    ratio = energy / whole
    below, above = [], []
    for name in names:
        moved = [
            (energy - mine[name][0] + mine[name][end]) / remaining
            for end in _ENDS
            if (remaining := whole - theirs[name][0] + theirs[name][end]) > 0
        ]
        below.append(max(0.0, ratio - min(moved, default=ratio)))
        above.append(max(0.0, max(moved, default=ratio) - ratio))
    least, most = (_extreme_ratio(mine, theirs, ratio, sign) for sign in (1, -1))
    return {
        "independent": [
            1 - min(most, ratio + math.hypot(*above)),
            1 - max(least, ratio - math.hypot(*below)),
        ],
        "worst_case": [1 - most, 1 - least],
    }


def _extreme_ratio(mine: Parts, theirs: Parts, ratio: float, sign: int) -> float:
    """Return the least ratio of two sums (with ``sign`` -1 the largest) that any ends of the parts give.

    Each part goes to the end at which ``mine - ratio * theirs`` is least, until the ratio stays (Dinkelbach, Management
    Science 13, 492 (1967)).
    """
    while True:
        ends = [
            min(_ENDS, key=lambda end, name=name: sign * (mine[name][end] - ratio * theirs[name][end]))  # type: ignore[misc]
            for name in mine
        ]
        upper = math.fsum(mine[name][end] for name, end in zip(mine, ends, strict=True))
        lower = math.fsum(theirs[name][end] for name, end in zip(mine, ends, strict=True))
        if lower <= 0:
            return ratio
        found = upper / lower
        if sign * (ratio - found) <= 1e-15 * abs(ratio):
            return ratio
        ratio = found


def quotient_intervals(parts: Parts, divisor: float) -> dict[str, list[float]]:
    """Return `intervals` of an energy divided by a count, which is exact."""
    return {kind: [end / divisor for end in ends] for kind, ends in intervals(parts).items()}
