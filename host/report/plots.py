"""All plots of a folder, in the order of the page."""

from twinbar.host.report import plots_compare, plots_conductance, plots_energy, plots_training, plots_wear
from twinbar.host.report.folder import CompareFolder, RunFolder
from twinbar.host.report.style import Plot, drawing


def run_plots(run: RunFolder) -> list[Plot]:
    """Draw the plots of a run; those whose data the folder lacks are left out."""
    report = run.report
    with drawing():
        drawn = (
            plots_training.accuracy(report),
            plots_training.loss(run.steps),
            plots_training.updates(report, run.steps),
            plots_energy.energy_per_epoch(report),
            plots_energy.energy_whole_run(report),
            plots_wear.wear_map(run.cells),
            plots_wear.wear_distribution(run.cells),
            plots_conductance.conductance_histogram(run.cells),
        )
    return [plot for plot in drawn if plot is not None]


def compare_plots(folder: CompareFolder) -> list[Plot]:
    """Draw the plots of a comparison; those whose data the folder lacks are left out."""
    reports = folder.compare.policies
    steps = {name: run.steps for name, run in folder.runs.items() if run.steps is not None}
    with drawing():
        drawn = (
            plots_compare.cost(reports),
            plots_compare.energy_by_account(reports),
            plots_compare.final_accuracy(reports),
            plots_training.policy_accuracy(reports),
            plots_training.policy_writes(steps),
        )
    return [plot for plot in drawn if plot is not None]
