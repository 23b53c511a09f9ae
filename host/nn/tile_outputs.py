"""The outputs of a layer from those of its tiles, compiled: partial sums added, columns paired and put in order."""

import numpy as np

from twinbar.emulator.kernels.compiled import kernel


@kernel
def gather_outputs(codes, paired, interleaved, scale, outputs):
    """Add the sums of the row tiles, and put the outputs of the column tiles in order.

    Parameters
    ----------
    codes : int32 or int64 [row tiles, column tiles, vectors, columns]
    paired : bool
        Whether columns are differences already; else neighbouring columns are subtracted.
    interleaved : bool
        Whether neighbouring outputs lie on different tiles (`twinbar.host.nn.mapping.LayerMap.placement`).
    scale : float32
        Factor of all outputs.
    outputs : float32 [vectors, outputs]
        Filled.
    """
    row_tiles, column_tiles, vectors, columns = codes.shape
    most = outputs.shape[1]
    width = columns if paired else columns // 2
    for c in range(column_tiles):
        for n in range(vectors):
            for k in range(width):
                place = k * column_tiles + c if interleaved else c * width + k
                if place >= most:
                    break
                total = np.int64(0)
                if paired:
                    for r in range(row_tiles):
                        total += codes[r, c, n, k]
                else:
                    for r in range(row_tiles):
                        total += np.int64(codes[r, c, n, 2 * k]) - np.int64(codes[r, c, n, 2 * k + 1])
                outputs[n, place] = np.float32(total) * scale
