"""By how much trainings fall below another one: what an update policy saves."""

from typing import Any, Final

from twinbar.emulator.ledger.ledger import TOTALS
from twinbar.emulator.ledger.uncertainty import of_accounts, saving_intervals

_QUANTITIES: Final = {
    "cell_writes": ("cell_writes",),
    "pulses": ("pulses",),
    # Every read of a write ends with a cycle of `decide`, and nothing else of a write does.
    "reads": ("phase_cycles", "write", "decide"),
    "write_energy": ("energy_j", "write"),
    "write_latency": ("seconds", "write"),
    "total_energy": ("energy_j", "total"),
    "total_latency": ("seconds", "total"),
    "total_with_host": ("energy_j", "total_with_host"),
}
"""What is compared, by its path in the totals of a report, or in an epoch of it."""
_ENERGIES: Final = {"write_energy": "write", "total_energy": "total", "total_with_host": "total_with_host"}
"""Those that table entries are in, by their key of ``energy_j``."""


def reductions(reports: dict[str, dict[str, Any]], yardstick: str) -> dict[str, dict[str, float | None]]:
    """Give, for each policy with a crossbar, by how much it falls below another policy: 0.99 is 99 % less.

    Parameters
    ----------
    reports : dict
        Reports by policy.
    yardstick : str
        Policy to compare with; without it there is nothing to say. What it did not spend, no other can save: None.
    """
    if yardstick not in reports:
        return {}
    basis = reports[yardstick]["totals"]
    return {
        name: {
            quantity: _reduction(_amount(report["totals"], path), _amount(basis, path))
            for quantity, path in _QUANTITIES.items()
        }
        for name, report in reports.items()
        if "energy_j" in report["totals"]
    }


def reduction_intervals(reports: dict[str, dict[str, Any]], yardstick: str) -> dict[str, dict[str, Any]]:
    """Give the intervals of the reductions of energies: how far they may be off as the entries of the table are.

    Both policies are priced with one table, whose entries are off in both (`saving_intervals`).

    Parameters
    ----------
    reports : dict
        Reports by policy; those without ``energy_parts_j`` (of an earlier version) have no intervals.
    yardstick : str

    Returns
    -------
    dict of str to dict
        By policy and energy, the intervals ``independent`` and ``worst_case``; None where the yardstick spent nothing.
    """
    if yardstick not in reports or "energy_parts_j" not in reports[yardstick]["totals"]:
        return {}
    basis = reports[yardstick]["totals"]["energy_parts_j"]
    return {
        name: {
            quantity: saving_intervals(of_accounts(own, TOTALS[key]), of_accounts(basis, TOTALS[key]))
            for quantity, key in _ENERGIES.items()
        }
        for name, report in reports.items()
        if (own := report["totals"].get("energy_parts_j")) is not None
    }


def _reduction(amount: float, basis: float) -> float | None:
    if amount == basis:
        return 0.0
    return 1 - amount / basis if basis else None


def _amount(totals: dict[str, Any], path: tuple[str, ...]) -> float:
    value = totals
    for key in path:
        value = value[key]
    return float(sum(value.values())) if isinstance(value, dict) else float(value)
