"""The HTML page of a folder: one file that holds everything, and its plots as files beside it."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

from twinbar.host.experiment.reproduction_config import REPRODUCTION
from twinbar.host.experiment.sweep_config import SWEEP
from twinbar.host.report import figures, si, title
from twinbar.host.report.energy import REFERENCE, dominance, host_j, imbalance, savings
from twinbar.host.report.files import write_bytes, write_text
from twinbar.host.report.folder import LoadedComparison, LoadedRun, load
from twinbar.host.report.known_plots import draw_plots
from twinbar.host.report.metrics import metrics_csv
from twinbar.host.report.page_parts import INDEX, PLOTS, draw_files, flat_settings, render
from twinbar.host.report.reproduction_page import build_reproduction
from twinbar.host.report.schema import Report
from twinbar.host.report.sweep_page import build_sweep
from twinbar.hw.registry import file_name

_DATA: Final = {
    "report.json": "everything",
    "metrics.csv": "epochs",
    "steps.csv": "steps",
    "arrays.npz": "cells",
    "config.toml": "configuration",
}
"""Files of a run folder, and what they hold; metrics.csv is made with the page."""


def _common(report: Report) -> dict[str, Any]:
    return {
        "task": title.task(report),
        "settings": flat_settings(report.config),
        "environment": flat_settings(report.environment),
    }


def _absent(folder: LoadedRun) -> list[str]:
    """Say which plots are missing or cut off because a file is."""
    notes = []
    if folder.steps is None:
        notes.append("The folder has no steps.csv: plots of single steps are left out.")
    elif folder.report.totals.steps is not None and len(folder.steps) != folder.report.totals.steps:
        notes.append(
            f"steps.csv has {len(folder.steps):,} of the {folder.report.totals.steps:,} steps of report.json, so that "
            "plots of single steps do not show the whole run; restore it from a copy, or train again."
        )
    if folder.cells is None and folder.report.on_crossbar:
        notes.append("The folder has no arrays.npz: plots of the cells are left out.")
    return notes


def render_run(folder: LoadedRun, plots: dict[str, dict[str, Any]], notes: Sequence[str] = ()) -> str:
    """Return the HTML page of a run.

    Parameters
    ----------
    folder : LoadedRun
    plots : dict
        By name of plot: title, caption, wide, and the SVG element.
    notes : sequence of str
        Sentences on plots that are missing.
    """
    report = folder.report
    warnings = list(report.warnings)
    unbalanced = imbalance(report.totals)
    if unbalanced is not None:
        warnings.append(unbalanced)
    columns, rows = figures.epoch_table(report)
    return render(
        "run.html.j2",
        **_common(report),
        policy=title.policy_name(report),
        facts=title.facts(report),
        warnings=warnings,
        notes=[*_absent(folder), *notes],
        key_figures=figures.key_figures(report),
        pairs=figures.write_and_system(report),
        dominance=dominance(report.totals),
        writing=figures.writing_figures(report.totals),
        twin_columns=figures.TWIN_COLUMNS,
        twin=figures.twin_table(report),
        energy=figures.energy_table(report),
        area=figures.area_parts(report),
        efficiency=report.totals.efficiency is not None,
        energy_table=report.energy_table,
        tiles=si.count(report.tiles),
        with_host=host_j(report.totals) > 0,
        intervals=bool(report.totals.energy_uncertainty_j),
        columns=columns,
        rows=rows,
        initialization=figures.initialization_note(report),
        on_crossbar=report.on_crossbar,
        data_files=[
            (name, about) for name, about in _DATA.items() if name == "metrics.csv" or (folder.path / name).is_file()
        ],
        plots=plots,
    )


def render_compare(folder: LoadedComparison, plots: dict[str, dict[str, Any]], notes: Sequence[str] = ()) -> str:
    """Return the HTML page of a comparison; parameters as in `render_run`."""
    compare = folder.compare
    first = next(iter(compare.policies.values()))
    warnings = list(compare.warnings)
    for name, report in compare.policies.items():
        own = [*report.warnings, *filter(None, [imbalance(report.totals)])]
        warnings += [f"{name}: {sentence}" for sentence in own]
    return render(
        "compare.html.j2",
        **_common(first),
        policies=list(compare.policies),
        facts=title.facts(_crossbar_run(compare.policies), with_policy=False),
        warnings=warnings,
        notes=notes,
        columns=figures.COMPARE_COLUMNS,
        rows=figures.compare_table(compare),
        write_columns=figures.WRITE_COLUMNS,
        write_rows=figures.write_table(compare),
        best_writes=figures.best_writes(compare),
        reference=REFERENCE,
        reduction_columns=figures.REDUCTION_COLUMNS,
        reductions=figures.reduction_table(compare),
        interval_columns=figures.INTERVAL_COLUMNS,
        intervals=figures.interval_table(compare),
        savings=[text for name in compare.policies if (text := savings(compare, name, REFERENCE))],
        pages={name: file_name(name) for name in folder.runs},
        plots=plots,
    )


def _crossbar_run(reports: dict[str, Report]) -> Report:
    """Return the first run that had a crossbar: its settings describe the comparison."""
    return next((report for report in reports.values() if report.on_crossbar), next(iter(reports.values())))


def _publish(path: Path, files: list[tuple[str, bytes]], page: str) -> None:
    for name, content in files:
        write_bytes(path / PLOTS / name, content)
    write_text(path / INDEX, page)


def _build_run(
    folder: LoadedRun, formats: Collection[str], further: Sequence[str], problem: Callable[[str], None]
) -> None:
    notes: list[str] = []
    plots, files = draw_files(draw_plots(folder, further, notes.append), folder.path, formats)
    page = render_run(folder, plots, [f"Left out: {sentence}." for sentence in notes])
    rows = [epoch.model_dump(exclude_unset=True) for epoch in folder.report.epochs]
    write_text(folder.path / "metrics.csv", metrics_csv({"epochs": rows}))
    _publish(folder.path, files, page)
    for sentence in notes:
        problem(sentence)


def build_report(
    folder: Path,
    progress: Callable[[Path], None] | None = None,
    formats: Collection[str] = (),
    further: Sequence[str] = (),
    problem: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Build everything that is derived from the data of a folder: plots, ``metrics.csv`` and the HTML page.

    A comparison's run folders are built too. All data are read and checked before the first file is written.

    Parameters
    ----------
    folder : Path
        A run folder, or that of a comparison, a sweep or a reproduction.
    progress : callable, optional
        Called with each page that is complete.
    formats : collection of str, optional
        Formats in which plots are drawn in addition to SVG: keys of `EXTRA_FORMATS`, and widths such as ``89mm``.
    further : sequence of str
        Further plots, beyond the built-in ones and those of plug-ins, as ``package.module:NAME``.
    problem : callable, optional
        Takes one sentence for each plot of a plug-in that is left out; the page says it too.

    Returns
    -------
    Path
        The HTML page; that of a reproduction is in Markdown.

    Raises
    ------
    ConfigError
        If the folder is neither, a file in it is damaged, a file cannot be written, or a further plot not drawn.
    """
    done = progress or (lambda _: None)
    if (Path(folder) / SWEEP).is_file():
        page = build_sweep(Path(folder), formats)
        done(page)
        return page
    if (Path(folder) / REPRODUCTION).is_file():
        page = build_reproduction(Path(folder))
        done(page)
        return page
    loaded = load(Path(folder))
    if isinstance(loaded, LoadedRun):
        _build_run(loaded, formats, further, problem)
    else:
        for run in loaded.runs.values():
            _build_run(run, formats, further, problem)
            done(run.path / INDEX)
        notes: list[str] = []
        plots, files = draw_files(draw_plots(loaded, further, notes.append), loaded.path, formats)
        _publish(loaded.path, files, render_compare(loaded, plots, [f"Left out: {sentence}." for sentence in notes]))
    done(loaded.path / INDEX)
    return loaded.path / INDEX
