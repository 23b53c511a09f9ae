"""The run folder of a network that was trained in a loop of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbar.emulator.ledger.ledger import what_dominates
from twinbar.host.experiment.arrays import save_arrays
from twinbar.host.experiment.cell_figures import cell_figures
from twinbar.host.experiment.environment import describe_environment
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.saving import STEPS
from twinbar.host.report.metrics import write_metrics

if TYPE_CHECKING:
    from twinbar.host.network.network import Network


def write_report(network: "Network", path: Path) -> dict[str, Any]:
    """Write the files and the page that ``twinbar train`` writes, and return the content of report.json.

    Raises
    ------
    ConfigError
        If the folder holds anything, or cannot be written.
    """
    from twinbar.host.report.page import build_report

    report = report_of(network)
    with RunFolder.create(path, network.conversion.config) as folder:
        if network.books.rows:
            table = folder.table(STEPS)
            for row in network.books.rows:
                table.append(row)
            table.sync()
        if network.programmed:
            save_arrays(network.crossbar, folder)
        folder.write_report(report)
        write_metrics(report, folder.path / "metrics.csv")
    build_report(path)
    return report


def report_of(network: "Network") -> dict[str, Any]:
    """Return the content of report.json."""
    books, config = network.books, network.conversion.config
    training = books.ledgers["training"].summary()
    initialization = books.initialization(network.weights)
    return {
        "schema": 1,
        "config": config.to_json(),
        "environment": describe_environment(),
        "policy": config.policy.name,
        "data": None,
        "layer_sizes": None,
        "epochs": books.epochs,
        "totals": books.totals(network.weights),
        "device": config.device.preset,
        **cell_figures(network.crossbar),
        "initialization": initialization,
        "evaluation": books.ledgers["evaluation"].summary(),
        "layers": network.cost["layers"],
        "dominates": what_dominates(training),
        "energy_with_initialization_j": training["energy_j"]["total"] + initialization["energy_j"]["total"],
        "energy_table": config.engine.energy_table,
        "warnings": list(network.warnings),
    }
