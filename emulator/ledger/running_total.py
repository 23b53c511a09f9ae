"""Exact totals of what programs did, cheap to add to."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.count_kernels import add_plausible


class RunningTotal:
    """Adds up activities: the recent ones in 64 bits, all of them in Python integers once those are full.

    Parameters
    ----------
    total : ActivityTotal, optional
        What was added before.
    """

    def __init__(self, total: ActivityTotal | None = None) -> None:
        self._total = total or ActivityTotal()
        self._recent = Activity()
        self._programs = 0

    def add(self, activity: Activity) -> None:
        """Add what a program did."""
        try:
            self._recent += activity
        except OverflowError:
            self._carry()
            self._recent += activity
        self._programs += 1

    def add_plausible(self, activity: Activity, closed: NDArray[np.int64], channels: int) -> bool:
        """Add what a program did, unless there is anything about its counts to look at more closely.

        Parameters
        ----------
        activity : Activity
        closed : int64 [n]
            Places of counts that a program of its kind cannot have.
        channels : int
            ADC channels of a tile, which cannot be on for longer than there are any.

        Returns
        -------
        bool
            Whether it was added.
        """
        if not add_plausible(activity.counts, closed, channels, self._recent.counts):
            return False
        self._recent.cycles += activity.cycles
        self._recent.link_cycles += activity.link_cycles
        self._recent.macs += activity.macs
        self._programs += 1
        return True

    def total(self) -> ActivityTotal:
        """Return the total of all activities up to now."""
        self._carry()
        return self._total

    def _carry(self) -> None:
        if self._programs:
            self._total = self._total + replace(ActivityTotal.of(self._recent), programs=self._programs)
            self._recent, self._programs = Activity(), 0
