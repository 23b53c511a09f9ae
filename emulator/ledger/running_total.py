"""Exact totals of what programs did, cheap to add to."""

from dataclasses import replace

from twinbar.emulator.contract.activity import Activity, ActivityTotal


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

    def total(self) -> ActivityTotal:
        """Return the total of all activities up to now."""
        self._carry()
        return self._total

    def _carry(self) -> None:
        if self._programs:
            self._total = self._total + replace(ActivityTotal.of(self._recent), programs=self._programs)
            self._recent, self._programs = Activity(), 0
