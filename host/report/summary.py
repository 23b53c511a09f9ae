"""The final tables of a run and of a comparison in the terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinbar.host.report import figures, title
from twinbar.host.report.energy import REFERENCE, dominance, imbalance, savings
from twinbar.host.report.schema import Compare, Report, parse_compare, parse_report


def _table(heading: str, columns: list[str]) -> Table:
    table = Table(title=heading, title_justify="left", title_style="bold", header_style="bold")
    first, *others = columns
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _print_warnings(console: Console, sentences: list[str]) -> None:
    for sentence in sentences:
        console.print(f"[bold yellow]Warning:[/] {escape(sentence)}")


def print_summary(report: dict[str, Any] | Report, console: Console) -> None:
    """Print the key figures of a run, writing beside the whole system, and the warnings.

    Parameters
    ----------
    report : dict or Report
        The content of ``report.json``.
    console : Console
        Where to print; colours and width are its own.

    Raises
    ------
    ConfigError
        If ``report`` is not a report.
    """
    checked = parse_report(report)
    heading = ", ".join([title.task(checked), *(f"{name} {value}" for name, value in title.facts(checked))])
    console.print(f"[bold]{escape(heading)}[/]")
    listed = figures.key_figures(checked)
    if not listed:
        console.print("No epoch has been completed yet.")
    else:
        table = _table("Result", ["Figure", "Value", ""])
        table.columns[2].justify = "left"
        for figure in listed:
            table.add_row(escape(figure.label), figure.value, f"[dim]{escape(figure.note)}[/]")
        console.print(table)
    pairs = figures.write_and_system(checked)
    if pairs:
        table = _table(
            "Write-only and whole system",
            ["Whole run", "Writing only", "Whole system", "Writing is", "With twin memory"],
        )
        for row in pairs:
            table.add_row(row.quantity, row.write, row.system, row.share, row.with_host)
        console.print(table)
    memory = figures.twin_table(checked)
    if memory:
        table = _table("Memory of the twin", list(figures.TWIN_COLUMNS))
        for line in memory:
            table.add_row(*line, end_section=line is memory[-2])
        console.print(table)
    sentence = dominance(checked.totals)
    if sentence is not None:
        console.print(escape(sentence))
    _print_warnings(console, [*checked.warnings, *filter(None, [imbalance(checked.totals)])])


def print_comparison(compare: dict[str, Any] | Compare, console: Console) -> None:
    """Print the policies of a comparison and what each saves against closed-loop.

    Parameters
    ----------
    compare : dict or Compare
        The content of ``compare.json``.
    console : Console
        Where to print.

    Raises
    ------
    ConfigError
        If ``compare`` is not a comparison.
    """
    checked = parse_compare(compare)
    console.print(f"[bold]{escape(title.task(next(iter(checked.policies.values()))))}[/]")
    written = figures.write_table(checked)
    if written:
        table = _table("Per write", list(figures.WRITE_COLUMNS))
        for line in written:
            table.add_row(*line)
        console.print(table)
        console.print(escape(figures.best_writes(checked) or ""))
    # A column for each policy: quantities are many, policies few, and terminals narrow.
    rows = figures.compare_table(checked)
    table = _table("", ["Writes" if written else "Policy", *(row[0] for row in rows)])
    table.title = None
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    for index, name in enumerate(figures.COMPARE_COLUMNS[1:], start=1):
        table.add_row(name, *(row[index] for row in rows), end_section=index == len(figures.COMPARE_COLUMNS) - 1)
    changes = {row[0]: row[1:] for row in figures.reduction_table(checked, with_factors=False)}
    if changes:
        table.add_row("[bold]Change[/]", *("reference" if row[0] == REFERENCE else "" for row in rows))
        for index, name in enumerate(figures.REDUCTION_COLUMNS.values()):
            table.add_row(name, *(changes[row[0]][index] if row[0] in changes else "" for row in rows))
    console.print(table)
    for name, report in checked.policies.items():
        sentence = savings(checked, name, REFERENCE)
        if sentence is not None:
            console.print(escape(sentence))
        own = [*report.warnings, *filter(None, [imbalance(report.totals)])]
        _print_warnings(console, [f"{name}: {text}" for text in own])
    _print_warnings(console, checked.warnings)
