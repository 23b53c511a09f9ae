"""Processor time of the exact solution of an array with resistive wires: to factor it, and for each further vector."""

import statistics
import time

import numpy as np

from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray

SIZE = 128
VECTORS = 20
REPEATS = 7


def main() -> None:
    """Measure and print medians."""
    rng = np.random.default_rng(0)
    conductance_s = rng.uniform(1e-6, 6e-5, (SIZE, SIZE))
    lines = LineResistances(row_ohm=1.0, column_ohm=1.0, driver_ohm=100.0, terminal_ohm=50.0)
    factored, solved = [], []
    for _ in range(REPEATS):
        began = time.process_time()
        array = NodalArray(conductance_s, lines)
        factored.append(time.process_time() - began)
        began = time.process_time()
        array.solve(rng.uniform(0, 0.2, (VECTORS, SIZE)))
        solved.append((time.process_time() - began) / VECTORS)
    milliseconds = (1e3 * statistics.median(times) for times in (factored, solved))
    print("{0} x {0} cells: {1:.0f} ms to set up and factor, {2:.1f} ms a vector".format(SIZE, *milliseconds))


if __name__ == "__main__":
    main()
