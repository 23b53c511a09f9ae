"""A small package with kernels, copied to a folder, edited and run again: what is compiled then?"""

import json
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

from twinbar.emulator.kernels.kernel_key import kernel_key

FILES = {
    "numbers.py": '''
"""Constants."""
import enum
from typing import Final
FACTOR: Final = 3
UNUSED: Final = 1
class Phase(enum.IntEnum):
    IDLE = 0
    BUSY = 1
''',
    "scalars.py": '''
"""A kernel that others call."""
from twinbar.emulator.kernels.compiled import inline
from small import numbers
@inline
def scaled(x):
    """Scale a number."""
    return x * numbers.FACTOR
''',
    "sums.py": '''
"""Kernels that call it."""
from twinbar.emulator.kernels.compiled import kernel
from small.numbers import Phase
from small.scalars import scaled
@kernel
def doubled(x):
    # Twice.
    return 2 * scaled(x)
@kernel
def busy(phases):
    return phases[Phase.BUSY]
''',
    "plain.py": "def greet():\n    return 'hello'\n",
}
RUN = """
import json, sys
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, begun):
        compiled.append(begun.data["dispatcher"].py_func.__qualname__)
    def on_end(self, ended):
        pass
event.register("numba:compile", Listener())
import numpy as np
from small import plain, sums
answers = [int(sums.doubled(5)), int(sums.busy(np.array([4, 7])))]
print(json.dumps({"answers": answers, "compiled": sorted(compiled)}))
"""


@dataclass
class Outcome:
    """What a run answered, which kernels it compiled, and what it said on standard error."""

    answers: list[int]
    compiled: list[str]
    err: str


class SmallPackage:
    """The package in a folder, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder), "PATH": ""}
        (folder / "small").mkdir()
        for name, text in FILES.items():
            (folder / "small" / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / "small" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def keys(self) -> dict[str, str]:
        """Return the key of every kernel, of modules that are loaded for that alone."""
        modules = {}
        try:
            for name in ("small", "small.numbers", "small.scalars", "small.sums"):
                modules[name] = sys.modules[name] = types.ModuleType(name)
                if name != "small":
                    path = self.folder.joinpath(*name.split(".")).with_suffix(".py")
                    exec(compile(path.read_text(), path, "exec"), vars(modules[name]))
                    setattr(modules["small"], name.removeprefix("small."), modules[name])
            sums = modules["small.sums"]
            return {name: kernel_key(getattr(sums, name)) for name in ("busy", "doubled", "scaled")}
        finally:
            for name in modules:
                del sys.modules[name]

    def run(self) -> Outcome:
        # Bytecode is kept by the second in which a file was changed: too coarse for edits of a test.
        done = subprocess.run(
            [sys.executable, "-B", "-c", RUN],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return Outcome(**json.loads(done.stdout), err=done.stderr)
