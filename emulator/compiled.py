"""Where compiled functions are kept between processes.

Numba recompiles a function when its own file has changed, but not when a file has changed whose functions or constants
it took in: kernels would go on with an older physics. The cache therefore lies in a folder named after everything that
kernels are made of; it is the user's, so that a read-only installation caches too.
"""

import hashlib
from pathlib import Path

import numba
from numba.core import config
from platformdirs import user_cache_path

_EMULATOR = Path(__file__).parent


def _sources() -> list[Path]:
    from twinbar.hw import timing

    hw = Path(timing.__file__).parent
    constants = [path for folder in (".", "protocol", "parts") for path in sorted(hw.glob(f"{folder}/*.py"))]
    return [*constants, *sorted(_EMULATOR.rglob("*.py"))]


def _fingerprint() -> str:
    """Give a digest of the sources that compiled functions are made of."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# A user's own NUMBA_CACHE_DIR is respected; then so is Numba's rule, for better or worse.
if not config.CACHE_DIR:  # type: ignore[attr-defined]
    config.CACHE_DIR = str(user_cache_path("twinbar") / "kernels" / _fingerprint())  # type: ignore[attr-defined]

inline = numba.njit(inline="always", cache=True)
"""Compile into the caller: these functions run hundreds of millions of times a second."""

kernel = numba.njit(cache=True, _nrt=False)  # type: ignore[call-overload]
"""Compile without reference counts, which would take most of the time of functions that look at many arrays.

The caller holds all arrays; a kernel cannot make one.
"""
