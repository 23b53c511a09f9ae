"""What assumed values of presets change, in the terminal and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinbar.host.report import si
from twinbar.host.report.markdown import markdown_table

HEADINGS: Final = {
    "pulses": "Pulses of a write",
    "failed": "Writes that fail",
    "write_pj": "Energy of a write",
    "mac_pj": "Energy of a MAC",
}
TIMES_CHANCE: Final = 3
"""A change counts that is so many times the standard deviation between arrays, and `LEAST` at least."""
LEAST: Final = 0.05


def sensitive_rows(device: str, found: Mapping[str, Any]) -> list[list[str]]:
    """Return a row for each assumed value of a preset that moves a figure beyond chance."""
    rows = []
    for value in found["values"]:
        cells = [_cell(found, figure, value["change"][figure]) for figure in HEADINGS]
        if any(cell != si.MISSING for cell in cells):
            rows.append([device, value["key"], value["value"], *cells])
    return rows


def columns(step: float) -> tuple[str, ...]:
    """Return the headings of the table."""
    return ("Preset", "Assumed", f"Value, moved by ± {100 * step:.0f} %", *HEADINGS.values())


def print_sensitivity(result: Mapping[str, Any], console: Console) -> None:
    """Print what matters."""
    table = Table(*columns(result["step"]), header_style="bold")
    for device, found in result["devices"].items():
        for row in sensitive_rows(device, found):
            table.add_row(*map(escape, row))
    console.print(table)


def sensitivity_page(result: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of docs/sensitivity.md."""
    yield "# Assumed values that matter"
    yield ""
    yield (
        "What a preset assumes is marked in it. `twinbar validate --sensitivity --page docs/sensitivity.md` multiplies "
        f"each assumed value by {1 - result['step']:.1f} and by {1 + result['step']:.1f}, alone, and measures an array "
        "of 48 x 48 cells with 16 levels: writes of all cells by one level, and a product. Listed are changes of at "
        f"least {100 * LEAST:.0f} %, and of {TIMES_CHANCE} times what five arrays of the same preset differ by. A dash "
        "is no such change, or a value that the preset does not allow. Values that are 0 are not moved; a nominal "
        "voltage is moved while the ramps of writes stay where they are, so that the response holds at another voltage "
        "than that of the pulses. What energy tables assume has an interval in every report ([uncertainty](ledger.md))."
    )
    yield ""
    rows = [row for device, found in result["devices"].items() for row in sensitive_rows(device, found)]
    yield from markdown_table(columns(result["step"]), rows)
    quiet = [device for device, found in result["devices"].items() if not sensitive_rows(device, found)]
    if quiet:
        yield ""
        yield f"No assumed value of {', '.join(f'`{device}`' for device in quiet)} moves any of these figures."


def _cell(found: Mapping[str, Any], figure: str, ways: Sequence[float | None]) -> str:
    chance = found["chance"][figure]
    least = max(LEAST, TIMES_CHANCE * (chance or 0.0))
    if all(way is None or abs(way) < least for way in ways):
        return si.MISSING
    return " / ".join(si.MISSING if way is None else f"{100 * way:+.0f} %".replace("-", "−") for way in ways)
