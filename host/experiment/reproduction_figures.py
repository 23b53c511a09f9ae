"""What a reproduction came to: figures over seeds, and the claims of the abstract beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final, NamedTuple

from twinbar.host.experiment.mean_interval import mean_interval
from twinbar.host.experiment.reductions import reduction_intervals, reductions
from twinbar.host.experiment.reproduction_config import METHOD, READINGS, SOFTWARE

CLAIMED: Final = 0.98
"""The abstract's "exceeding 98 %", of updates, energy and delay."""
SAVINGS: Final[Mapping[str, str]] = {
    "cell_writes": "cell writes",
    "pulses": "pulses",
    "reads": "verify reads",
    "write_energy": "energy of writing",
    "total_energy": "energy of the whole system",
    "total_with_host": "energy with the twin's memory",
    "write_latency": "delay of writing",
    "total_latency": "delay of the whole system",
}
"""What is saved against a reading of the baseline, as `twinbar.host.experiment.reductions` counts it."""
CLAIMED_SAVINGS: Final = ("write_energy", "total_energy", "total_with_host", "write_latency", "total_latency")
"""Those that the abstract makes a claim of."""
NEAR: Final = 0.01
"""Accuracy below the network without a crossbar from which on a training counts as converged."""

Reports = Mapping[tuple[str, int], Mapping[str, Any]]
"""Reports by policy and seed."""


class Verdict(NamedTuple):
    """What the interval of a figure says of a claim that it is above a bound."""

    holds: bool | None
    """None where the interval has the bound in it."""
    words: str


def verdict(figure: Mapping[str, Any], claimed: float) -> Verdict:
    """Judge a figure of `mean_interval` against a bound that it should exceed."""
    low, high = (figure[end] if figure[end] is not None else figure["mean"] for end in ("low", "high"))
    if low > claimed:
        return Verdict(True, "holds" if figure["runs"] > 1 else "holds (one run)")
    if high <= claimed:
        return Verdict(False, "does not hold" if figure["runs"] > 1 else "does not hold (one run)")
    return Verdict(None, "not decided by these runs")


def network_figures(reports: Reports) -> dict[str, Any]:
    """Return the figures of one network.

    Parameters
    ----------
    reports : mapping of (policy, seed) to report
        Those that are finished.

    Returns
    -------
    dict
        ``epochs`` by policy, a list with an entry for each epoch; ``totals`` of the method; ``savings`` by reading of
        the baseline, of epoch 1 and the same seed; ``below_float``; ``converged_after`` by policy.
    """
    policies = dict.fromkeys(policy for policy, _ in reports)
    runs = {policy: [report for (name, _), report in reports.items() if name == policy] for policy in policies}
    found: dict[str, Any] = {
        "weights": next(iter(reports.values()))["epochs"][0]["weights"],
        "epochs": {policy: _by_epoch([report["epochs"] for report in listed]) for policy, listed in runs.items()},
        "savings": {reading: savings for reading in READINGS if (savings := _savings(reports, reading))},
    }
    if METHOD in runs:
        found["totals"] = {
            key: mean_interval([report["totals"][key] for report in runs[METHOD]])
            for key in ("updates_per_weight", "update_elimination")
        }
    floats = {seed: report["epochs"] for (policy, seed), report in reports.items() if policy == SOFTWARE}
    pairs = [
        (floats[seed], report["epochs"])
        for (policy, seed), report in reports.items()
        if policy == METHOD and seed in floats
    ]
    if pairs:
        found["below_float"] = mean_interval(
            [software[-1]["test_accuracy"] - crossbar[-1]["test_accuracy"] for software, crossbar in pairs]
        )
        goals = [software[-1]["test_accuracy"] - NEAR for software, _ in pairs]
        found["converged_after"] = {
            name: _interval_or_none([_first_at(run, goal) for run, goal in zip(trainings, goals, strict=True)])
            for name, trainings in (
                (SOFTWARE, [software for software, _ in pairs]),
                (METHOD, [crossbar for _, crossbar in pairs]),
            )
        }
    return found


def claims(networks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List the claims of the abstract, each with what was measured.

    Parameters
    ----------
    networks : mapping of str to dict
        Of `network_figures`, by network.

    Returns
    -------
    list of dict
        ``claim``, ``network``, ``reading`` (of the baseline, or None), ``quantity``, ``claimed``, ``measured`` (of
        `mean_interval`), ``holds`` (None where these runs do not decide it), ``verdict``.
    """
    return [row for network, figures in networks.items() for row in _claims_of(network, figures)]


def _claims_of(network: str, figures: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    if figures["epochs"].get(METHOD):
        yield _claim(
            "more than 98 % of weight updates eliminated within one epoch",
            network,
            None,
            "weight updates",
            figures["epochs"][METHOD][0]["update_elimination"],
        )
    for reading, savings in figures["savings"].items():
        for quantity in CLAIMED_SAVINGS:
            if savings[quantity] is not None:
                kind = "energy" if "latency" not in quantity else "delay"
                text = f"{kind} more than 98 % below the basic closed-loop update"
                yield _claim(text, network, reading, SAVINGS[quantity], savings[quantity])


def _claim(text: str, network: str, reading: str | None, quantity: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    judged = verdict(measured, CLAIMED)
    return {
        "claim": text,
        "network": network,
        "reading": reading,
        "quantity": quantity,
        "claimed": CLAIMED,
        "measured": dict(measured),
        "holds": judged.holds,
        "verdict": judged.words,
    }


def _by_epoch(runs: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return mean and interval of each epoch that all runs have."""
    return [_epoch(entries) for entries in zip(*runs, strict=False)]


def _epoch(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def over(value: Callable[[Mapping[str, Any]], float]) -> dict[str, Any]:
        return mean_interval([value(entry) for entry in entries])

    found = {"epoch": entries[0]["epoch"], "test_accuracy": over(lambda entry: entry["test_accuracy"])}
    if "energy_j" not in entries[0]:
        return found
    for key in ("twin_test_accuracy", "agreement", "update_elimination", "updates_per_weight", "cell_writes"):
        found[key] = over(lambda entry, key=key: entry[key])  # type: ignore[misc]
    found["pulses"] = over(lambda entry: sum(entry["pulses"].values()))
    # Every read of a write ends with a cycle of `decide`.
    found["reads"] = over(lambda entry: entry["phase_cycles"]["write"]["decide"])
    for key, names in (("energy_j", ("write", "total", "total_with_host")), ("seconds", ("write", "total"))):
        for name in names:
            found[f"{name}_{key}"] = over(lambda entry, key=key, name=name: entry[key][name])  # type: ignore[misc]
    return found


def _savings(reports: Reports, reading: str) -> dict[str, Any] | None:
    """Return what the method saves against a reading, in epoch 1 of the same seed."""
    seeds = [seed for policy, seed in reports if policy == reading and (METHOD, seed) in reports]
    if not seeds:
        return None
    firsts = [{name: {"totals": reports[name, seed]["epochs"][0]} for name in (reading, METHOD)} for seed in seeds]
    saved = [reductions(first, reading)[METHOD] for first in firsts]
    found = {quantity: _interval_or_none([one[quantity] for one in saved]) for quantity in SAVINGS}
    off = [reduction_intervals(first, reading).get(METHOD, {}) for first in firsts]
    for quantity, figure in found.items():
        ends = [intervals for one in off if (intervals := one.get(quantity)) is not None]
        if figure is not None and len(ends) == len(seeds):
            # Runs of other seeds share the table: their intervals move together, and are not averaged away.
            figure["table"] = {
                kind: [fmean(each[kind][end] for each in ends) for end in (0, 1)]
                for kind in ("independent", "worst_case")
            }
    return found


def _interval_or_none(values: Sequence[float | None]) -> dict[str, Any] | None:
    known = [value for value in values if value is not None]
    return mean_interval(known) if len(known) == len(values) else None


def _first_at(epochs: Sequence[Mapping[str, Any]], accuracy: float) -> int | None:
    """Return the first epoch of at least an accuracy."""
    return next((entry["epoch"] for entry in epochs if entry["test_accuracy"] >= accuracy), None)
