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


def exported(tmp_path_factory: pytest.TempPathFactory, name: str, *options: str) -> Path:
    """Return what ``twinbar core`` writes; made once for all processes."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / name, shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            with pytest.raises(SystemExit) as outcome:
                main(["core", "--out", str(folder), *options])
            assert outcome.value.code in (0, None)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def core_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the controller of `bus_values`; nobody changes it."""
    return exported(tmp_path_factory, "exported-core", *OPTIONS)


@pytest.fixture(scope="session")
def chip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small controller for a chip; nobody changes it."""
    sizes = ("--rows", "4", "--columns", "4", "--command-depth", "4", "--response-depth", "4")
    return exported(tmp_path_factory, "exported-chip", "--chip", *sizes)


@pytest.fixture
def icarus() -> None:
    """Need the simulator."""
    needed("iverilog", "iverilog")


@pytest.fixture
def verilator() -> None:
    """Need the simulator."""
    needed("verilator", "verilator")
