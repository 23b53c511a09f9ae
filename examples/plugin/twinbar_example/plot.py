"""The plot `accuracy-energy`: what accuracy a run had reached by the energy that it had taken."""

from itertools import accumulate

from twinbar.host.report import si
from twinbar.host.report.folder import LoadedRun
from twinbar.host.report.plot_kinds import RunPlot
from twinbar.host.report.style import BLUE, Plot, new_figure


def draw(run: LoadedRun) -> Plot | None:
    """Plot the test accuracy after each epoch over the energy up to then, the first programming included."""
    reached = [
        (epoch.energy_j["total"], 100 * epoch.test_accuracy)
        for epoch in run.report.epochs
        if epoch.test_accuracy is not None and "total" in epoch.energy_j
    ]
    if not reached:
        return None
    first = run.report.initialization.energy_j.get("total", 0.0) if run.report.initialization else 0.0
    *_, last = energies = [first + energy for energy in accumulate(energy for energy, _ in reached)]
    factor, unit = si.axis_unit(last, "J")
    figure = new_figure()
    axes = figure.add_subplot()
    axes.plot([factor * energy for energy in energies], [accuracy for _, accuracy in reached], "o-", color=BLUE)
    axes.set_xlabel(f"Energy of the whole system ({unit})")
    axes.set_ylabel("Test accuracy (%)")
    caption = f"Test accuracy after each epoch over the energy up to then; the run took {si.si(last, 'J')}."
    return Plot("accuracy-energy", "Accuracy by energy", caption, figure)


PLOT = RunPlot("accuracy-energy", draw)
