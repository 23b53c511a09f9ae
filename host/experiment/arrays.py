"""The states of all cells at the end of a run, as a file that plots and users read."""

import io

import numpy as np

from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapping import tile_names

FILE = "arrays.npz"


def save_arrays(network: CrossbarNetwork, folder: RunFolder) -> None:
    """Write ``arrays.npz``.

    Its arrays: ``pulses`` uint32 and ``conductance_s`` float32 [tiles, rows, columns], ``mapped`` bool of the same
    shape (cells that hold weights), ``target_level`` int16 (-1 where a cell holds none), ``levels_s`` float64 [levels]
    (nominal conductances), ``tile_names``.
    """
    engine = network.session.engine
    array = engine.config.array
    targets = np.full(engine.tiles * array.cells, -1, np.int16)
    for layer in network.layers:
        addresses, levels = layer.matmul.cells.targets()
        every, owner = network.session.copies.of_cells(addresses)
        targets[every] = levels[owner]
    cells = engine.config.cells
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        pulses=engine.pulse_counts(),
        conductance_s=engine.conductances_s().astype(np.float32),
        mapped=network.mapped_cells(),
        target_level=targets.reshape(engine.tiles, array.rows, array.columns),
        levels_s=engine.config.levels.between(cells.g_min_s, cells.g_max_s),
        tile_names=np.array(tile_names(network.maps)),
    )
    folder.write(FILE, buffer.getvalue())
