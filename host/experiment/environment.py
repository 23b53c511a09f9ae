"""Where a run was made: what somebody needs to know who repeats it."""

import os
import platform
from importlib.metadata import version
from typing import Any

import torch

_PACKAGES = ("twinbar", "torch", "numpy", "numba")


def describe_environment() -> dict[str, Any]:
    """Return versions, processor and threads."""
    return {
        **{package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
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
