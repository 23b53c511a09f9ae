"""Runs the circuits of this folder in ngspice."""

import re
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.hw.errors import ConfigError, ToolMissingError, TwinbarError
from twinbar.hw.tools import locate, run_tool

Samples = npt.NDArray[np.float64]

LIBRARY: Final = "front_end.lib"


def find_ngspice() -> str:
    """Return the path of ngspice.

    Raises
    ------
    ToolMissingError
        If there is none.
    """
    found = locate("ngspice")
    if found is None:
        raise ToolMissingError("ngspice is missing; `apt-get install ngspice` brings it")
    return found


def circuit(bench: str, parameters: Mapping[str, float] | None = None) -> str:
    """Return the text of a bench with some of its parameters changed.

    Parameters
    ----------
    bench : str
        Name of a ``.cir`` file of this folder.
    parameters : mapping of str to float, optional
        Values of ``.param`` lines.

    Raises
    ------
    ConfigError
        If the bench has no such parameter.
    """
    text = _text(f"{bench}.cir")
    for name, value in (parameters or {}).items():
        text, found = re.subn(rf"^\.param {name}=.*$", f".param {name}={value:.9g}", text, flags=re.MULTILINE)
        if not found:
            known = ", ".join(re.findall(r"^\.param (\w+)=", text, flags=re.MULTILINE))
            raise ConfigError(f"the bench {bench} has no parameter {name!r}; it has {known}")
    return text


def run_bench(bench: str, parameters: Mapping[str, float] | None = None) -> dict[str, Samples]:
    """Run a bench.

    Parameters
    ----------
    bench, parameters
        See `circuit`.

    Returns
    -------
    dict of str to float64 [samples, 1 + signals]
        What it writes, by the name of the file: the swept source or the time in seconds, then volts.

    Raises
    ------
    ToolMissingError
        If there is no ngspice.
    TwinbarError
        If a simulation does not end.
    """
    ngspice = find_ngspice()
    with tempfile.TemporaryDirectory(prefix="twinbar-") as name:
        folder = Path(name)
        (folder / LIBRARY).write_text(_text(LIBRARY), encoding="utf-8")
        (folder / f"{bench}.cir").write_text(circuit(bench, parameters), encoding="utf-8")
        said = run_tool([ngspice, "-b", f"{bench}.cir"], folder, may_fail=True)
        found = {file.stem: np.loadtxt(file) for file in folder.glob("*.txt")}
    if set(found) != set(re.findall(r"^wrdata (\w+)\.txt", _text(f"{bench}.cir"), flags=re.MULTILINE)):
        raise TwinbarError(f"ngspice did not finish the bench {bench}:\n{said[-2000:]}")
    return found


def _text(name: str) -> str:
    return (resources.files("twinbar.boards.analog") / name).read_text(encoding="utf-8")
