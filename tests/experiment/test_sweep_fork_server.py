"""Workers of a sweep are forked from a process that has loaded what they need, and that may be forked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
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


@pytest.mark.ci
def test_ctrl_c_while_workers_start_is_one_sentence(tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    command = ["-m", "twinbar", "sweep", "--data", "digits", "--vary", "device.levels=4,8", "--out", str(out)]
    begun = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True, start_new_session=True)
    started = psutil.Process(begun.pid)
    # The process that workers are forked from; its first task is to load PyTorch.
    while not any("sweep_preload" in " ".join(child.cmdline()) for child in started.children()):
        time.sleep(0.02)
    family = started.children()
    os.killpg(begun.pid, signal.SIGINT)  # what a terminal sends: to all of them
    assert begun.stderr is not None
    said = begun.stderr.read()
    # A shell shows 130 for both: CPython ends itself by the signal if that came while it executed a text.
    assert begun.wait() in (130, -signal.SIGINT)
    assert said.splitlines()[-1] == f"Interrupted; continue with: twinbar sweep --resume {out}"
    assert "Traceback" not in said
    assert psutil.wait_procs(family, timeout=60)[1] == []
