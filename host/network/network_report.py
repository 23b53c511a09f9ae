"""The run folder of a network that was trained in the user's own loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinbar.emulator.ledger.ledger import what_dominates
from twinbar.host.experiment.arrays import save_arrays
from twinbar.host.experiment.cell_figures import cell_figures
from twinbar.host.experiment.environment import describe_environment
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.saving import STEPS
from twinbar.host.network.books import Books
from twinbar.host.network.conversion import Conversion
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.report.metrics import write_metrics


def write_report(
    conversion: Conversion,
    crossbar: CrossbarNetwork,
    books: Books,
    warnings: Sequence[str],
    path: Path,
    *,
    programmed: bool,
) -> dict[str, Any]:
    """Write the files and the page that ``twinbar train`` writes, and return the content of report.json.

    Parameters
    ----------
    conversion : Conversion
    crossbar : CrossbarNetwork
    books : Books
    warnings : sequence of str
    path : Path
        New or empty folder.
    programmed : bool
        Whether the cells were ever programmed; else there are none to save.

    Raises
    ------
    ConfigError
        If the folder holds anything, or cannot be written.
    """
    from twinbar.host.report.page import build_report

    report = report_of(conversion, crossbar, books, warnings)
    with RunFolder.create(path, conversion.config) as folder:
        if books.rows:
            table = folder.table(STEPS)
            for row in books.rows:
                table.append(row)
            table.sync()
        if programmed:
            save_arrays(crossbar, folder)
        folder.write_report(report)
        write_metrics(report, folder.path / "metrics.csv")
    build_report(path)
    return report


def report_of(
    conversion: Conversion, crossbar: CrossbarNetwork, books: Books, warnings: Sequence[str]
) -> dict[str, Any]:
    """Return the content of report.json."""
    config = conversion.config
    training = books.ledgers["training"].summary()
    initialization = books.initialization(crossbar.weights)
    return {
        "schema": 1,
        "config": config.to_json(),
        "environment": describe_environment(),
        "policy": config.policy.name,
        "data": None,
        "layer_sizes": None,
        "epochs": books.epochs,
        "totals": books.totals(crossbar.weights),
        "device": config.device.preset,
        **cell_figures(crossbar),
        "initialization": initialization,
        "evaluation": books.ledgers["evaluation"].summary(),
        "layers": books.cost(crossbar.weights)["layers"],
        "dominates": what_dominates(training),
        "energy_with_initialization_j": training["energy_j"]["total"] + initialization["energy_j"]["total"],
        "energy_table": config.engine.energy_table,
        "area": books.ledgers["training"].area,
        "warnings": list(warnings),
    }
