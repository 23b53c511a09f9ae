"""One exported core for all tests of this folder, and for all processes that run them."""

import os
import shutil
from pathlib import Path

import pytest
from bus_values import OPTIONS
from filelock import FileLock

from twinbar.host.cli import main


def needed(program: str, package: str) -> None:
    """Skip a test without a simulator; continuous integration has them."""
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"CI needs {program} (apt install {package})"
        pytest.skip(f"needs {program} (apt install {package})")


@pytest.fixture(scope="session")
def core_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what ``twinbar core`` writes for the controller of `bus_values`; nobody changes it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "exported-core", shared / "exported-core.done"
    with FileLock(shared / "exported-core.lock"):
        if not done.exists():
            with pytest.raises(SystemExit) as outcome:
                main(["core", "--out", str(folder), *OPTIONS])
            assert outcome.value.code in (0, None)
            done.touch()
    return folder


@pytest.fixture
def icarus() -> None:
    """Need the simulator."""
    needed("iverilog", "iverilog")


@pytest.fixture
def verilator() -> None:
    """Need the simulator."""
    needed("verilator", "verilator")
