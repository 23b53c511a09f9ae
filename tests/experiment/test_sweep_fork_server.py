"""Workers of a sweep are forked from a process that has loaded what they need, and that may be forked."""

import subprocess
import sys
from pathlib import Path

import pytest

from twinbar.host.experiment.sweep_fork_server import METHOD

pytestmark = pytest.mark.skipif(METHOD == "spawn", reason="workers are forked on Linux only")

LOOKS = """
import json, multiprocessing, os, sys
from twinbar.host.experiment.sweep_fork_server import environment_of_workers, start_fork_server

def look(pipe, environment):
    os.environ.update(environment)
    loaded = {name for name in ("torch", "distributed.worker", "twinbar.host.experiment.train") if name in sys.modules}
    path = os.environ.get("PYTHONPATH")
    pipe.send((sorted(loaded), len(os.listdir("/proc/self/task")), path, sys.modules["torch"].__file__))

if __name__ == "__main__":
    before = dict(os.environ)
    start_fork_server()
    assert dict(os.environ) == before
    start_fork_server()  # there is one already
    context = multiprocessing.get_context("forkserver")
    here, there = context.Pipe()
    process = context.Process(target=look, args=(there, environment_of_workers()))
    process.start()
    print(json.dumps(here.recv()))
    process.join()
    print(process.exitcode, "torch" in sys.modules)
"""


def test_a_worker_starts_with_everything_loaded_and_one_thread(tmp_path: Path) -> None:
    program = tmp_path / "program" / "looks.py"
    program.parent.mkdir()
    program.write_text(LOOKS)
    # What lies in the user's folder is not taken for a module.
    (tmp_path / "torch.py").write_text("raise SystemError('not this one')")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == ""
    found, ended = done.stdout.splitlines()
    assert found.startswith('[["distributed.worker", "torch", "twinbar.host.experiment.train"], 1, ')
    assert str(tmp_path) not in found  # neither its torch.py, nor the path of the process that it is forked from
    assert ended == "0 False"
