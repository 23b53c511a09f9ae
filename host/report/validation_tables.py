"""The result of a validation, in the terminal and as a page."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinbar.host.report import si
from twinbar.host.report.markdown import markdown_table

COLUMNS: Final = ("Anchor", "Published", "Tolerance", "Twinbar", "Deviation", "Verdict")


def validation_rows(result: Mapping[str, Any], *, circular: bool) -> list[list[str]]:
    """Return a row for each anchor that is, or is not, circular, by `COLUMNS`."""
    return [_row(row) for row in result["anchors"] if row["circular"] is circular]


def summary(result: Mapping[str, Any]) -> str:
    """Say in a sentence how many anchors agree."""
    if not result["counted"]:
        return "No anchor that counts was run."
    return (
        f"{result['agreeing']} of {result['counted']} anchors that count ({si.percent(result['share'], 0)}), of "
        f"{result['sources']} sources, are within their tolerance."
    )


def print_validation(result: Mapping[str, Any], console: Console) -> None:
    """Print all anchors, and how many agree."""
    for circular, title in ((False, "Anchors"), (True, "Circular: a preset was made from these")):
        rows = validation_rows(result, circular=circular)
        if rows:
            table = Table(*COLUMNS, title=title, title_justify="left", title_style="bold", header_style="bold")
            for row in rows:
                table.add_row(*map(escape, row))
            console.print(table)
    console.print(summary(result))


def validation_page(result: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of docs/validation.md."""
    yield "# Validation"
    yield ""
    yield "Published figures beside those of the emulator, as `twinbar validate --page docs/validation.md` writes them."
    yield ""
    yield (
        "An anchor has a source, what exactly is published, and a tolerance; they stand in "
        "`host/validation/anchors.toml` before an anchor is run, with exceptions that it names. An anchor that a "
        "preset or an energy table was made from, or from the same data, is circular, and does not count. Figures "
        "that could not be verified in a source at hand are left out."
    )
    yield ""
    yield f"**{summary(result)}**"
    for circular, title in ((False, "Anchors"), (True, "Circular")):
        yield from ("", f"## {title}", "")
        yield from markdown_table(COLUMNS, validation_rows(result, circular=circular))
    missed = [row for row in result["anchors"] if row["agrees"] is False and (row["cause"] or not row["circular"])]
    if missed:
        yield from ("", "## What is missed, and why", "")
        for cause in dict.fromkeys(row["cause"] for row in missed):
            names = "; ".join(row["name"] for row in missed if row["cause"] == cause)
            yield f"* {names}: {cause or 'not explained yet.'}"
    yield from ("", "## Sources", "")
    for source in dict.fromkeys(row["source"] for row in result["anchors"]):
        yield f"* {source}"


def _row(row: Mapping[str, Any]) -> list[str]:
    value = f"{row['value']:.4g} {row['unit']}".removesuffix(" 1")
    bounded = row["bound"] is not None
    published = row["published"] if bounded else f"{value} ({row['published']})"
    tolerance = "bound" if bounded else f"± {100 * row['tolerance']:.3g} %"
    if row["measured"] is None:
        return [row["name"], published, tolerance, si.MISSING, si.MISSING, f"not run: {row['why_not']}"]
    deviation = si.MISSING if bounded else f"{100 * row['deviation']:+.1f} %".replace("-", "−")
    measured = f"{row['measured']:.4g} {row['unit']}".removesuffix(" 1")
    return [row["name"], published, tolerance, measured, deviation, "within" if row["agrees"] else "missed"]
