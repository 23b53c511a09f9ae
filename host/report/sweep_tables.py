"""The tables of a sweep: its settings with their figures over seeds, for terminals, pages, Markdown and LaTeX."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinbar.host.experiment.search_space import shown_value
from twinbar.host.experiment.sweep_figures import ACCURACIES, COSTS, FIGURES, pareto_front
from twinbar.host.report import si

MOST_ROWS: Final = 20
"""Rows on a terminal; files and pages have all."""
_ON_TERMINAL: Final = ("updates_per_weight", "write_energy_j", "total_energy_j")
"""Costs on a terminal, which is narrow."""
_LATEX: Final = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "–": "--",
    "\N{NO-BREAK SPACE}": "~",
}


def accuracy_of(result: Mapping[str, Any]) -> str | None:
    """Return the figure that says how well the runs have learnt, or None where none of them has."""
    return next((name for name in ACCURACIES if any(name in point["figures"] for point in result["points"])), None)


def ranked(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the settings that have figures, those that have learnt best first."""
    by = accuracy_of(result)
    found = [point for point in result["points"] if point["figures"]]
    if by is None:
        return found
    sign = -1 if FIGURES[by].more_is_better else 1
    last = math.inf  # what has not got the figure is no better than what has
    return sorted(found, key=lambda point: sign * point["figures"][by]["mean"] if by in point["figures"] else last)


def goals_of(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the figures whose best compromises are marked: the goals of a search, else accuracy and whole energy."""
    if result["config"]["trials"]:
        return tuple(result["config"]["goals"])
    by = accuracy_of(result)
    return () if by is None else (by, "total_energy_j")


def front_of(points: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[int]:
    """Return the positions of the settings that no other setting beats at all of some figures."""
    having = [number for number, point in enumerate(points) if all(name in point["figures"] for name in names)]
    if not names:
        return []
    values = [tuple(points[number]["figures"][name]["mean"] for name in names) for number in having]
    return [having[place] for place in pareto_front(values, [FIGURES[name].more_is_better for name in names])]


def show_figure(name: str, figure: Mapping[str, Any] | None) -> str:
    """Format a figure as its mean and half of its interval, which is left out where there is one run."""
    if figure is None:
        return si.MISSING
    unit, mean = FIGURES[name].unit, figure["mean"]
    half = None if figure["low"] is None else figure["high"] - mean
    if unit == "%":
        return f"{100 * mean:.2f} %" if half is None else f"{100 * mean:.2f} ± {100 * half:.2f} %"
    if unit:
        return si.si(mean, unit) if half is None else f"{si.si(mean, unit)} ± {si.si(half, unit, 2)}"
    text = f"{mean:,.4g}" if abs(mean) < 1000 else f"{mean:,.0f}"
    if half is None:
        return text
    if half <= 0:
        return f"{text} ± 0"
    # As many decimals as show two digits of the interval.
    decimals = max(0, 1 - math.floor(math.log10(half)))
    return f"{mean:,.{decimals}f} ± {half:,.{decimals}f}"


def columns_of(result: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the keys that are varied, and the names of the figures that the table has."""
    keys = [axis["key"] for axis in result["space"]]
    goals = list(goals_of(result))
    wanted = [*goals, *ACCURACIES, *COSTS]
    names = [name for name in FIGURES if name in wanted and any(name in point["figures"] for point in result["points"])]
    return keys, names


def sweep_rows(result: Mapping[str, Any], wanted: Sequence[str] | None = None) -> tuple[list[str], list[list[str]]]:
    """Return heading and rows of the table: a mark of the best compromises, the settings, the figures.

    Settings of which all runs failed come last.

    Parameters
    ----------
    result : mapping
        The content of sweep.json.
    wanted : sequence of str, optional
        Figures, of those that `columns_of` gives.
    """
    keys, names = columns_of(result)
    names = [name for name in names if wanted is None or name in wanted]
    points = ranked(result)
    front = set(front_of(points, goals_of(result)))
    failures = Counter(repr(run["settings"]) for run in result["runs"] if run["failed"])
    points += [point for point in result["points"] if not point["figures"] and failures[repr(point["settings"])]]
    rows = [
        [
            "●" if number in front else "",
            *(shown_value(point["settings"].get(key, "")) for key in keys),
            _count_runs(len(point["runs"]), failures[repr(point["settings"])]),
            *(show_figure(name, point["figures"].get(name)) for name in names),
        ]
        for number, point in enumerate(points)
    ]
    return ["", *keys, "Runs", *(FIGURES[name].label for name in names)], rows


def _count_runs(finished: int, failed: int) -> str:
    return f"{finished}, {failed} failed" if failed else str(finished)


def legend_of(result: Mapping[str, Any]) -> str:
    """Say what the mark and the intervals mean."""
    goals = [FIGURES[name].label.lower() for name in goals_of(result)]
    marked = ""
    if len(goals) == 1:
        marked = f" ● marks the best {goals[0]}."
    elif goals:
        marked = f" ● marks the Pareto front of {', '.join(goals[:-1])} and {goals[-1]}."
    intervals = " Intervals are 95 %, over seeds." if result["config"]["seeds"] > 1 else ""
    return f"Costs cover the whole run except the first programming.{intervals}{marked}"


def heading_of(result: Mapping[str, Any]) -> str:
    """Say how much of the sweep is finished, and what it took."""
    done = sum(1 for run in result["runs"] if run["figures"])
    failed = sum(1 for run in result["runs"] if run["failed"])
    text = f"{done:,} of {result['planned']:,} runs finished"
    text += f", {failed:,} failed" if failed else ""
    took = si.duration(sum(run["host_seconds"] or 0.0 for run in result["runs"]))
    return f"{text}; they took {took} of training on {result['environment']['cores']} cores"


def print_sweep(result: Mapping[str, Any], console: Console) -> None:
    """Print the table of a sweep, the best settings first."""
    heading, rows = sweep_rows(result, [*goals_of(result), *ACCURACIES, *_ON_TERMINAL])
    table = Table(title=f"Sweep: {heading_of(result)}", title_justify="left", title_style="bold")
    for name in heading:
        table.add_column(escape(name), justify="left" if name in ("", *columns_of(result)[0]) else "right")
    for row in rows[:MOST_ROWS]:
        table.add_row(*map(escape, row))
    console.print(table)
    if len(rows) > MOST_ROWS:
        console.print(f"The page has the other {len(rows) - MOST_ROWS:,} rows.")
    console.print(legend_of(result), highlight=False)


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table in LaTeX, with the rules of the package booktabs."""
    yield rf"\begin{{tabular}}{{{'l' * len(columns)}}}"
    yield r"\toprule"
    yield " & ".join(map(_latex, columns)) + r" \\"
    yield r"\midrule"
    for row in rows:
        yield " & ".join(map(_latex, row)) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text).replace("●", r"$\bullet$")
