"""The kernels of a sweep: one process of a machine compiles them, and the others load them."""

import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.python_arguments import taken_up
from twinbar.hw.user_cache import user_cache

_loaded = threading.Event()
"""Set where this process, or the one that it was forked from, has the kernels."""


def compile_once() -> None:
    """Compile the kernels of a training, of which one process of a machine compiles them and the others load them."""
    if _loaded.is_set():
        return
    folder = user_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "sweep-kernels.lock"):
            _compile()
    except OSError:  # a cache that cannot be written: each process compiles for itself
        _compile()


def load_kernels() -> None:
    """Load the kernels if a sweep has compiled them before; leave it to `compile_once` otherwise."""
    if _are_compiled():
        compile_once()


def _compile() -> None:
    """Load the kernels; where some are missing, or the program has changed, compile those of the host too."""
    from twinbar.emulator.kernels.kernel_notice import NOTICE
    from twinbar.emulator.warm_up import warm_up

    before = NOTICE.compiled
    warm_up("training")
    if NOTICE.compiled > before or not _are_compiled():
        _train_a_little()
        with suppress(OSError):
            _mark().write_text(_program_state(), encoding="ascii")
    _loaded.set()


def _mark() -> Path:
    """Return the file that says for which files of this program all kernels were compiled."""
    return user_cache() / "sweep-kernels.txt"


def _are_compiled() -> bool:
    return _mark().is_file() and _mark().read_text(encoding="ascii") == _program_state()


def _program_state() -> str:
    """Return what changes with the files of this program."""
    files = [path.stat() for path in Path(__file__).resolve().parent.parent.rglob("*.py")]
    return f"{len(files)} {max(file.st_mtime_ns for file in files)}"


def _train_a_little() -> None:
    """Train on a few images, which compiles what every training needs beside the emulator's kernels."""
    from twinbar.host.experiment.train import train

    config = ExperimentConfig().merge(
        {"data.limit": 64, "data.pool": 2, "training.epochs": 1, "training.batch_size": 16, "engine.threads": 1}
    )
    with (
        tempfile.TemporaryDirectory(prefix="twinbar-kernels-") as scratch,
        taken_up(Path(scratch) / "run", ExperimentConfig, config) as folder,
    ):
        train(config, folder, SilentProgress(), folder.resumed, interruption=Interruption())
