"""What a plot of a page is: a name, and how it is drawn from the data of a folder."""

from collections.abc import Callable
from dataclasses import dataclass

from twinbar.host.report.folder import LoadedComparison, LoadedRun
from twinbar.host.report.style import Plot


@dataclass(frozen=True)
class RunPlot:
    """A plot on the page of a run.

    Parameters
    ----------
    name : str
        Name of its files, without suffix.
    draw : callable
        Takes the `LoadedRun` and gives a `Plot`; None where the folder lacks what it shows. The style of the page is
        applied meanwhile.
    """

    name: str
    draw: Callable[[LoadedRun], Plot | None]


@dataclass(frozen=True)
class ComparePlot:
    """A plot on the page of a comparison.

    Parameters
    ----------
    name : str
        Name of its files, without suffix.
    draw : callable
        Takes the `LoadedComparison`; all else is as in `RunPlot`.
    """

    name: str
    draw: Callable[[LoadedComparison], Plot | None]
