"""Kernels run as plain Python too (``NUMBA_DISABLE_JIT``), which is how coverage sees them."""

import os
import subprocess
import sys

from twinbar.emulator.devices.physics import event_bits

# What another process computes with the same functions.
PRINTED = "import numpy as np; from twinbar.emulator.devices import physics as p; print(type(p.mix).__name__, {})"
DRAW = "p.event_bits(np.uint64(3), np.uint64(5))"


def test_uncompiled_kernels_give_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRINTED.format(DRAW)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    kind, value = done.stdout.split()
    assert kind == "function"
    assert int(value) == int(event_bits(3, 5))
