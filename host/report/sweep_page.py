"""The page of a sweep, and its tables as Markdown and LaTeX."""

import json
from pathlib import Path
from typing import Any, Final

from twinbar.host.experiment.sweep_config import SWEEP
from twinbar.host.report.files import write_bytes, write_text
from twinbar.host.report.markdown import markdown_table
from twinbar.host.report.page_parts import INDEX, PLOTS, draw_files, flat_settings, render
from twinbar.host.report.sweep_plots import draw_sweep
from twinbar.host.report.sweep_tables import heading_of, latex_table, legend_of, sweep_rows
from twinbar.hw.reading import reading

MARKDOWN: Final = "sweep.md"
LATEX: Final = "sweep.tex"
_AGAIN: Final = "resume the sweep, which writes it again"


def build_sweep(folder: Path, formats: Any = ()) -> Path:
    """Draw the plots of a sweep, and write its page and tables.

    Parameters
    ----------
    folder : Path
        Holds ``sweep.json``.
    formats : collection of str
        Further formats of the plots, as of `twinbar.host.report.page.build_report`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError
        If the data are damaged, or a file cannot be written.
    """
    with reading(folder / SWEEP, "what `twinbar sweep` writes", _AGAIN):
        result = json.loads((folder / SWEEP).read_text(encoding="utf-8"))
        heading, rows = sweep_rows(result)
        shown, files = draw_files(draw_sweep(result), folder, formats)
        page = render(
            "sweep.html.j2",
            facts=_facts(result),
            warnings=result["warnings"],
            settings=flat_settings(result["config"]),
            environment=flat_settings(result["environment"]),
            notes=[],
            columns=heading,
            rows=[list(map(_without_break, row)) for row in rows],
            heading=heading_of(result),
            legend=legend_of(result),
            plots=shown,
            failed=[(run["run"], run["failed"]) for run in result["runs"] if run["failed"]],
        )
    for name, content in files:
        write_bytes(folder / PLOTS / name, content)
    write_text(folder / MARKDOWN, "\n".join(markdown_table(heading, rows)) + f"\n\n{legend_of(result)}\n")
    write_text(folder / LATEX, "\n".join(latex_table(heading, rows)) + "\n")
    write_text(folder / INDEX, page)
    return folder / INDEX


def _without_break(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    config = result["config"]
    how = f"search, {config['trials']:,} settings" if config["trials"] else f"grid, {len(result['points']):,} settings"
    varied = [axis["key"] for axis in result["space"]]
    common = {"Policy": ("policy", "name"), "Device": ("device", "preset")}
    return [
        ("Data", str(config["data"]["name"])),
        ("Varied", ", ".join(varied) or "nothing but the seed"),
        ("Kind", how),
        ("Seeds", str(config["seeds"])),
        *(
            (label, str(config[section][key]))
            for label, (section, key) in common.items()
            if f"{section}.{key}" not in varied
        ),
    ]
