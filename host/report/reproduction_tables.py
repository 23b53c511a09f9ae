"""The tables of a reproduction, as text: page and terminal show the same ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinbar.host.experiment.reproduction_config import METHOD, READINGS, SOFTWARE
from twinbar.host.experiment.reproduction_figures import CLAIMED, CLAIMED_SAVINGS, SAVINGS, verdict
from twinbar.host.report import si
from twinbar.host.report.energy import near_one_or_percent, saving_range

CLAIM_COLUMNS: Final = ("Claim", "Network", "Against", "Quantity", "Measured", "Verdict")
COST_COLUMNS: Final = (
    "Network",
    "Policy",
    "Cell writes",
    "Pulses",
    "Reads",
    "Write energy",
    "Whole energy",
    "With twin",
    "Write delay",
    "Whole delay",
)
"""Of epoch 1."""
_COSTS: Final = ("cell_writes", "pulses", "reads")
_ENERGIES: Final = ("write_energy_j", "total_energy_j", "total_with_host_energy_j")
_DELAYS: Final = ("write_seconds", "total_seconds")
_SIGNS: Final = {True: "✓", False: "✗", None: "?"}
"""Whether the claim of more than 98 % holds."""
Rows = list[list[str]]


def with_interval(figure: Mapping[str, Any] | None, show: Callable[[float], str]) -> str:
    """Format a figure as its mean and half of its interval, which is left out where there is one run.

    Parameters
    ----------
    figure : mapping or None
        Of `twinbar.host.experiment.mean_interval.mean_interval`.
    show : callable
        Formats the mean, a plain number or a percentage. Both get as many decimals as it gives, and more where the
        interval would be rounded to nothing.
    """
    if figure is None:
        return si.MISSING
    text = show(figure["mean"])
    if figure["low"] is None:
        return text
    number, space, unit = text.partition(" ")
    scale = 100 if unit == "%" else 1
    half = scale * (figure["high"] - figure["mean"])
    decimals = len(number.partition(".")[2])
    first = int(f"{half:.0e}".partition("e")[2]) if half else 0  # decade of its first digit
    if -first > decimals:
        decimals = -first
        number = si.fixed(scale * figure["mean"], decimals)
    return f"{number} ± {half:.{decimals}f}{space}{unit}"


def _saved(figure: Mapping[str, Any] | None) -> str:
    """Write a saving, and between which it lies as the entries of the energy table may be off."""
    text = with_interval(figure, near_one_or_percent)
    if figure is None or "table" not in figure:
        return text
    return f"{text} [{saving_range(figure['table']['independent'])}]"


def claim_rows(result: Mapping[str, Any]) -> Rows:
    """Return a row for each claim, by `CLAIM_COLUMNS`."""
    return [
        [
            row["claim"],
            row["network"],
            READINGS.get(row["reading"], si.MISSING),
            row["quantity"],
            _saved(row["measured"]),
            row["verdict"],
        ]
        for row in result["claims"]
    ]


def saving_rows(result: Mapping[str, Any]) -> Rows:
    """Return what is saved of each quantity: network and reading, then a text for each of `SAVINGS`."""
    return [
        [network, READINGS[reading], *(_saved(savings[quantity]) for quantity in SAVINGS)]
        for network, figures in result["networks"].items()
        for reading, savings in figures["savings"].items()
    ]


def cost_rows(result: Mapping[str, Any]) -> Rows:
    """Return what epoch 1 took with each policy that has a crossbar, by `COST_COLUMNS`."""
    rows = []
    for network, figures in result["networks"].items():
        for policy, epochs in figures["epochs"].items():
            first = epochs[0]
            if "pulses" not in first:
                continue
            rows.append(
                [
                    network,
                    policy,
                    *(si.count(first[key]["mean"]) for key in _COSTS),
                    *(si.si(first[key]["mean"], "J") for key in _ENERGIES),
                    *(si.duration(first[key]["mean"]) for key in _DELAYS),
                ]
            )
    return rows


EPOCH_COLUMNS: Final = (
    "Epoch",
    "Float alone",
    "Crossbar",
    "Its twin",
    "Same class",
    "Elimination",
    "Updates per weight",
)


def epoch_rows(figures: Mapping[str, Any]) -> Rows:
    """Return the course of the training of one network, by `EPOCH_COLUMNS`."""
    rows = []
    software = figures["epochs"].get(SOFTWARE, [])
    method = figures["epochs"].get(METHOD, [])
    for number in range(max(len(software), len(method))):
        crossbar = method[number] if number < len(method) else {}
        rows.append(
            [
                str(number + 1),
                with_interval(software[number]["test_accuracy"] if number < len(software) else None, si.percent),
                *(with_interval(crossbar.get(key), si.percent) for key in ("test_accuracy", "twin_test_accuracy")),
                with_interval(crossbar.get("agreement"), si.percent),
                with_interval(crossbar.get("update_elimination"), si.near_one),
                with_interval(crossbar.get("updates_per_weight"), si.ratio),
            ]
        )
    return rows


def network_sentences(figures: Mapping[str, Any]) -> list[str]:
    """Say how the training of a network ended."""
    found = []
    if "below_float" in figures:
        share = figures["below_float"]
        points = {end: None if share[end] is None else 100 * share[end] for end in ("mean", "low", "high")}
        below = with_interval(points, lambda value: f"{value:.2f}")
        found.append(f"At the end the crossbar is {below} points below the same network without a crossbar.")
        took = figures["converged_after"]
        if all(took.values()):
            means = {policy: si.ratio(figure["mean"], 2) for policy, figure in took.items()}
            found.append(
                f"Within one point of that network's final accuracy: {METHOD} after {means[METHOD]} epochs, {SOFTWARE} "
                f"after {means[SOFTWARE]}."
            )
    if "totals" in figures:
        updates = with_interval(figures["totals"]["updates_per_weight"], si.ratio)
        found.append(f"{figures['weights']:,} weights, each updated {updates} times over all epochs.")
    return found


def heading(result: Mapping[str, Any]) -> str:
    """Say in one line what was trained."""
    config = result["config"]
    done = len(result["finished"])
    state = "all" if done == result["parts"] else f"{done} of {result['parts']}"
    limit = f", {config['data']['limit']:,} training images" if config["data"]["limit"] else ""
    return (
        f"{config['data']['name']}{limit}, {config['training']['epochs']} epochs, {config['device']['preset']}, "
        f"{config['device']['levels']} levels per cell, {config['seeds']} seeds; {state} trainings finished"
    )


def print_reproduction(result: Mapping[str, Any], console: Console) -> None:
    """Print the claims beside what was measured, and how each network learnt."""
    console.print(f"[bold]{escape(heading(result))}[/]")
    for name, figures in result["networks"].items():
        readings = list(figures["savings"])
        if figures["epochs"].get(METHOD):
            first = figures["epochs"][METHOD][0]["update_elimination"]
            console.print(
                f"\n{escape(name)}: {with_interval(first, si.near_one)} of weight updates eliminated in epoch 1; "
                f"claimed are more than 98 %: {verdict(first, CLAIMED).words}."
            )
        columns = ("Saved in epoch 1", *(READINGS[reading] for reading in readings))
        rows = [
            [label, *(_judged(figures["savings"][reading][quantity], quantity) for reading in readings)]
            for quantity, label in SAVINGS.items()
        ]
        _print_table(console, f"{name}, against", columns, rows if readings else [])
        _print_table(console, f"{name}, course", EPOCH_COLUMNS, epoch_rows(figures))
        for sentence in network_sentences(figures):
            console.print(escape(sentence))
    for sentence in result["warnings"]:
        console.print(f"[bold yellow]Warning:[/] {escape(sentence)}")


def _judged(figure: Mapping[str, Any] | None, quantity: str) -> str:
    if figure is None or quantity not in CLAIMED_SAVINGS:
        return _saved(figure)
    return f"{_saved(figure)} {_SIGNS[verdict(figure, CLAIMED).holds]}"


def _print_table(console: Console, title: str, columns: Sequence[str], rows: Rows) -> None:
    if not rows:
        return
    table = Table(*columns, title=title, title_justify="left", title_style="bold", header_style="bold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
