"""What the report says of the cells of a network."""

from typing import Any

import numpy as np

from twinbar.host.nn.crossbar_network import CrossbarNetwork


def cell_figures(network: CrossbarNetwork) -> dict[str, Any]:
    """Return the entries of report.json on levels, tiles and wear; pulses are those of cells that hold weights."""
    engine = network.session.engine
    levels = network.layers[0].matmul.cells.levels
    pulses = engine.pulse_counts()[network.mapped_cells()]
    chained = {}
    if network.session.engine.config.array.chained_layers:
        chained["chains"] = {
            "layers": [{"names": chain.names, **chain.state_dict()} for chain in network.chains],
            "unchained": network.unchained,
        }
    return {
        **chained,
        "levels_per_cell": levels,
        "weight_values": 2 * levels - 1,
        "tiles": engine.tiles,
        "controllers": getattr(engine, "controllers", 1),
        "wear": {
            "max_pulses_per_cell": int(pulses.max()),
            "mean_pulses_per_cell": float(pulses.mean()),
            "total_pulses": int(pulses.sum(dtype=np.int64)),
        },
    }
