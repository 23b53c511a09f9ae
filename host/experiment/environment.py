"""Where a run was made: what somebody needs to know who repeats it."""

import os
import platform
from importlib.metadata import version
from typing import Any

_PACKAGES = ("twinbar", "torch", "numpy", "numba")


def describe_environment(threads: int | None = None) -> dict[str, Any]:
    """Return versions, processor and threads.

    Parameters
    ----------
    threads : int, optional
        Threads of a run, where other processes train; by default those that PyTorch uses here.
    """
    if threads is None:
        import torch  # takes more than a second, which a process that trains nothing itself need not spend

        threads = torch.get_num_threads()
    return {
        **{package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": threads,
    }


def processor_name() -> str:
    """Return the processor's name, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
