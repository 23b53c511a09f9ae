"""The plots of the pages: those of ``plots/``, and those of plug-ins."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from twinbar.host.report.folder import LoadedComparison, LoadedRun
from twinbar.host.report.plot_kinds import ComparePlot, RunPlot
from twinbar.host.report.style import Plot, drawing
from twinbar.hw.built_in import declared
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import Registry, Unfit

_Plot = RunPlot | ComparePlot


def _accept(found: object) -> _Plot:
    if not isinstance(found, RunPlot | ComparePlot):
        raise Unfit(f"is {found!r}; it must be a RunPlot or a ComparePlot of twinbar.host.report.plot_kinds")
    return found


def _name_of(plot: _Plot) -> str:
    # The pages of runs and of comparisons both have an accuracy.
    return plot.name if isinstance(plot, RunPlot) else f"compare-{plot.name}"


KNOWN_PLOTS: Final[Registry[_Plot]] = Registry(
    "plot", "twinbar.plots", declared("twinbar.host.report.plots", "PLOTS", _name_of), _accept, _name_of
)


def draw_plots(
    folder: LoadedRun | LoadedComparison,
    further: Sequence[str] = (),
    problem: Callable[[str], None] = lambda text: None,
) -> list[Plot]:
    """Draw the plots of a folder; those whose data it lacks are left out.

    Parameters
    ----------
    folder : LoadedRun or LoadedComparison
    further : sequence of str
        Names of further plots, beyond the built-in ones and those of plug-ins, as ``package.module:NAME``.
    problem : callable
        Takes one sentence for each plot of a plug-in that is left out because it cannot be imported or drawn.

    Raises
    ------
    ConfigError
        If one of ``further`` cannot be imported or drawn.
    """
    drawn = [_draw(plot, folder) for plot in KNOWN_PLOTS.built_in().values()]
    for name, plot in KNOWN_PLOTS.plugged(problem).items():
        try:
            drawn.append(_draw_foreign(KNOWN_PLOTS.describe(name), plot, folder))
        except ConfigError as error:
            problem(str(error))
    drawn += [_draw_foreign(KNOWN_PLOTS.describe(name), KNOWN_PLOTS.load(name), folder) for name in further]
    return list({plot.name: plot for plot in drawn if plot is not None}.values())


def _draw(plot: _Plot, folder: LoadedRun | LoadedComparison) -> Plot | None:
    with drawing():
        if isinstance(plot, RunPlot):
            drawn = plot.draw(folder) if isinstance(folder, LoadedRun) else None
        else:
            drawn = plot.draw(folder) if isinstance(folder, LoadedComparison) else None
    return drawn


def _draw_foreign(what: str, plot: _Plot, folder: LoadedRun | LoadedComparison) -> Plot | None:
    try:
        drawn = _draw(plot, folder)
    except Exception as error:
        raise ConfigError(f"{what} cannot be drawn: {type(error).__name__}: {error}") from error
    if drawn is not None and not isinstance(drawn, Plot):
        raise ConfigError(f"{what} gave {drawn!r}; it must be a twinbar.host.report.style.Plot, or None")
    return None if drawn is None else replace(drawn, name=plot.name)
