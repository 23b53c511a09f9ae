"""The outputs of a layer from those of its tiles, compiled: partial sums added, columns paired and put in order."""

import numpy as np

from twinbar.emulator.kernels.compiled import kernel


@kernel
def gather_outputs(codes, paired, interleaved, scale, totals, outputs):
    """Add the sums of the row tiles, and put the outputs of the column tiles in order.

    Parameters
    ----------
    codes : int32 or int64 [row tiles, column tiles, vectors, columns]
    paired : bool
        Whether columns are differences already; else neighbouring columns are subtracted.
    interleaved : bool
        Whether neighbouring outputs lie on different tiles (`twinbar.host.nn.mapping.LayerMap.placement`).
    scale : float
        Factor of all outputs; float32 here.
    totals : int64 [columns]
        Room for the sums of a tile's outputs.
    outputs : float32 [vectors, outputs]
        Filled.
    """
    row_tiles, column_tiles, vectors, columns = codes.shape
    most = outputs.shape[1]
    factor = np.float32(scale)
    width = columns if paired else columns // 2
    for c in range(column_tiles):
        for n in range(vectors):
            # Row tile by row tile: each adds neighbouring codes, which vectorizes.
            for k in range(columns):
                totals[k] = codes[0, c, n, k]
            for r in range(1, row_tiles):
                for k in range(columns):
                    totals[k] += codes[r, c, n, k]
            for k in range(width):
                place = k * column_tiles + c if interleaved else c * width + k
                if place >= most:
                    break
                total = totals[k] if paired else totals[2 * k] - totals[2 * k + 1]
                outputs[n, place] = np.float32(total) * factor
