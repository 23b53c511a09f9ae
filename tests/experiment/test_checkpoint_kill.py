"""SIGKILL at every step of saving a checkpoint: what is loaded afterwards is the old state or the new one, whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from twinbar.host.experiment.checkpoint import load_checkpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

EACH_STEP = """
import json, os, shutil, signal, sys
import numpy as np
from pathlib import Path
from twinbar.host.experiment.checkpoint import load_checkpoint, save_checkpoint

start, folder = Path(sys.argv[1]), Path(sys.argv[2])
for step in (1, 2):
    save_checkpoint(start, {"step": step, "values": np.full(50000, step)})

def count_down(steps):
    # Python announces every system call that touches names of files; fsync it does not, so that is wrapped.
    left = [steps]
    def tick():
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
    watched = {"open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir"}
    sys.addaudithook(lambda event, _: tick() if event in watched else None)
    fsync = os.fsync
    os.fsync = lambda descriptor: (tick(), fsync(descriptor))

outcomes = []
for steps in range(1000):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(start, folder)
    child = os.fork()
    if child == 0:
        count_down(steps)
        save_checkpoint(folder, {"step": 3, "values": np.full(50000, 3)})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found = load_checkpoint(folder, lambda sentence: sys.exit(sentence))
    assert np.all(found["values"] == found["step"])
    save_checkpoint(folder, {"step": 4})
    outcomes.append((found["step"], len(os.listdir(folder)), load_checkpoint(folder)["step"]))
    if status == 0:
        break
print(json.dumps(outcomes))
"""

MID_WRITE = """
import os, resource, signal, sys
import numpy as np
from pathlib import Path
from twinbar.host.experiment.checkpoint import save_checkpoint

folder = Path(sys.argv[1])
save_checkpoint(folder, {"step": 1, "values": np.full(50000, 1)})
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system ends the process when a file passes the limit
resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
save_checkpoint(folder, {"step": 2, "values": np.full(50000, 2)})
"""

FOREVER = """
import sys
import numpy as np
from pathlib import Path
from twinbar.host.experiment.checkpoint import save_checkpoint

step = 0
while True:
    step += 1
    save_checkpoint(Path(sys.argv[1]), {"step": step, "values": np.full(20000, step)})
    print(step, flush=True)
"""


def test_a_kill_at_any_step_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", EACH_STEP, str(tmp_path / "start"), str(tmp_path / "work")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    states = [state for state, _, _ in outcomes]
    # Killed early there is the old state, killed late the new one, and once new it stays new.
    assert set(states) == {2, 3}
    assert states == sorted(states)
    assert len(states) >= 7
    # Whatever the kill left behind, the next checkpoint is the newest and tidies up.
    assert {count for _, count, _ in outcomes} == {2}
    assert {state for _, _, state in outcomes} == {4}


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_state(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MID_WRITE, str(tmp_path)], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGXFSZ
    torn = [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]
    assert [path.stat().st_size for path in torn] == [200000]
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found["step"] == 1


def test_a_kill_at_a_random_moment_loses_no_finished_checkpoint(tmp_path: Path) -> None:
    for trial in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", FOREVER, str(tmp_path / str(trial))], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.013 * (trial + 1))
        child.send_signal(signal.SIGKILL)
        reported = [1] + [int(line) for line in child.stdout.read().splitlines()]
        child.wait()
        found = load_checkpoint(tmp_path / str(trial))
        assert found is not None
        assert found["step"] in (reported[-1], reported[-1] + 1)
        assert np.all(found["values"] == found["step"])
