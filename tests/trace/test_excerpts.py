"""What timelines and waveforms show, and that a resumed run ends with those of a run that was left alone."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossbar_choices import shape_of
from shared_netlists import WIDE

from twinbar.emulator.contract.program import Pin, PinPulse, Program
from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment import saving, trainer
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.observation import Observation
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.state_tree import flatten_state, restore_state
from twinbar.host.experiment.task import prepare_data
from twinbar.host.experiment.train import train
from twinbar.host.trace.drawing import draw_wave
from twinbar.host.trace.excerpt import Excerpt
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

SMALL: dict[str, Any] = {  # six steps, the first two without writes: siamese waits until a weight is a level off
    "data.limit": 48,
    "data.pool": 2,
    "model.hidden": (8,),
    **{f"array.{name}": value for name, value in shape_of(WIDE).items()},
    "training.lr": 0.2,
    "training.epochs": 1,
    "training.batch_size": 8,
    "engine.threads": 1,
    "trace.timeline": True,
}


class Killed(Exception):
    """Stands for the end of a process between two statements."""


def images(config: ExperimentConfig) -> Dataset:
    """Few images to evaluate: what is drawn does not depend on them."""
    data = prepare_data(config)
    return replace(data, test_images=data.test_images[:8], test_labels=data.test_labels[:8])


def run(folder: Path, changes: dict[str, Any] | None = None) -> None:
    config = ExperimentConfig().merge(SMALL | (changes or {}))
    resumed = (folder / "config.toml").exists()
    opened = RunFolder.open(folder, changes=changes) if resumed else RunFolder.create(folder, config)
    with opened as run_folder:
        train(run_folder.config, run_folder, SilentProgress(), resumed, images(config))


def run_until(folder: Path, step: int, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any] | None = None) -> None:
    """Run, and be killed before a step; a checkpoint is made after every one before it."""
    real = trainer.Trainer.train_step

    def train_step(self: trainer.Trainer, batches: list[Any]) -> dict[str, Any]:
        if self.step + 1 == step:
            raise Killed
        return real(self, batches)

    with monkeypatch.context() as patch:
        patch.setattr(saving, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(trainer.Trainer, "train_step", train_step)
        with pytest.raises(Killed):
            run(folder, changes)


def shown(folder: Path) -> Counter[str]:
    """Count what a timeline shows of the tiles, without the streams and the converters."""
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    tiles = [event for event in events if event["ph"] == "X" and names[event["pid"]].startswith("tile")]
    return Counter(event["name"] for event in tiles)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Runs that were left alone, by the steps that they show."""
    folders = {}
    for steps in (1, 3, 50):
        folders[steps] = tmp_path_factory.mktemp("excerpts") / f"run{steps}"
        run(folders[steps], {"trace.steps": steps})
    return folders


def test_it_waits_for_a_step_that_pulses_cells(alone: dict[int, Path]) -> None:
    table = np.genfromtxt(alone[1] / "steps.csv", delimiter=",", names=True)
    assert table["cell_writes"][0] == 0
    first = int(np.flatnonzero(table["cell_writes"])[0])
    counts = shown(alone[1])
    assert counts["MULTIPLY"] > 0
    assert counts["WRITE"] == table["cell_writes"][first]
    assert counts["pulse"] == table["pulses_set"][first] + table["pulses_reset"][first] > 0
    assert shown(alone[3])["WRITE"] == table["cell_writes"][first : first + 3].sum()


@pytest.mark.parametrize(("steps", "stops"), [(1, (2,)), (1, (5,)), (3, (4, 5)), (50, (5, 6))])
def test_a_killed_run_ends_with_the_timeline_of_one_that_was_not(
    steps: int, stops: tuple[int, ...], alone: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    for stop in stops:
        run_until(folder, stop, monkeypatch, {"trace.steps": steps})
    run(folder)
    assert (folder / "trace.json").read_bytes() == (alone[steps] / "trace.json").read_bytes()


def test_what_was_drawn_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    run_until(folder, 5, monkeypatch)
    assert shown(folder)["WRITE"]
    (folder / "trace.json").write_text("as it was")
    run_until(folder, 6, monkeypatch)
    run(folder)
    run(folder)  # it has ended
    assert (folder / "trace.json").read_text() == "as it was"
    # Only another number of steps asks for another one.
    run_until(tmp_path / "more", 5, monkeypatch)
    before = (tmp_path / "more" / "trace.json").read_bytes()
    run(tmp_path / "more", {"trace.steps": 2})
    assert (tmp_path / "more" / "trace.json").read_bytes() != before


def test_a_picture_that_is_asked_for_later_leaves_the_other_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twinbar.host.experiment import observation

    drawn: list[int] = []
    monkeypatch.setattr(observation, "draw_wave", lambda excerpt, *_: drawn.append(len(excerpt.programs)))
    folder = tmp_path / "run"
    run_until(folder, 5, monkeypatch)
    (folder / "trace.json").write_text("as it was")
    run(folder, {"trace.wave": True})
    assert (folder / "trace.json").read_text() == "as it was"
    assert len(drawn) == 1
    assert drawn[0] > 1


def observed(config: ExperimentConfig, folder: Path) -> tuple[trainer.Trainer, Observation]:
    """Make a trainer whose array is programmed, and return what observes it, too."""
    one = trainer.Trainer(config, images(config), SilentProgress(), folder)
    one.initialize()
    return one, one.observation


def test_a_changed_array_begins_it_anew(tmp_path: Path) -> None:
    config = ExperimentConfig().merge(SMALL | {"trace.steps": 3})
    one, observation = observed(config, tmp_path)
    one.train_step(next(one.remaining_batches(1)))
    assert observation.state_dict()["excerpt"]["programs"]
    observation.on_array_changed(one)
    saved = observation.state_dict()
    assert (saved["left"], saved["excerpt"]["programs"]) == (3, [])


def test_an_excerpt_is_restored_as_it_was() -> None:
    excerpt = Excerpt()
    excerpt.begin({"g": np.arange(4)})
    commands = pack(Opcode.READ, np.zeros(3, np.int64), row=1, column=[0, 1, 2])
    pins = (PinPulse(Pin.FAULT, 4, 9, 1),)
    excerpt.programs.append((7, Program(commands, np.array([0, 5, 5]), np.array([True, False]), pins, "read")))
    excerpt.pulses = True
    again = Excerpt()
    again.load_state_dict(restore_state(*flatten_state(excerpt.state_dict())))
    assert (again.is_open, again.pulses, again.multiplies) == (False, True, False)
    assert again.state["g"].tolist() == [0, 1, 2, 3]
    ((tick, program),) = again.programs
    assert tick == 7
    assert program.commands.tolist() == commands.tolist()
    assert program.arrivals is not None
    assert program.arrivals.tolist() == [0, 5, 5]
    assert program.ready.tolist() == [True, False]
    assert (tuple(program.pins), program.kind) == (pins, "read")


@pytest.mark.parametrize("engine", ["fast", "rtl"])
def test_a_missing_compiler_is_told_before_anything_is_made(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolMissingError, match="no C\\+\\+ compiler was found"):
        run(tmp_path / "run", {"trace.wave": True, "engine.name": engine})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.compiler
@pytest.mark.usefixtures("quick_traces")
def test_waveforms_are_those_of_one_drawing_and_none_is_empty(tmp_path: Path) -> None:
    # So many steps are never all observed: the excerpt is not drawn and cleared.
    config = ExperimentConfig().merge(SMALL | {"trace.timeline": False, "trace.wave": True, "trace.steps": 1000})
    one, observation = observed(config, tmp_path)
    (excerpt,) = observation.sinks
    assert isinstance(excerpt, Excerpt)
    for batches in one.remaining_batches(1):
        one.train_step(batches)
        if excerpt.shows_all:
            break
    # One short program of each kind is enough to see.
    kinds = {program.kind: (tick, program) for tick, program in excerpt.programs}
    excerpt.programs = [kinds["forward"], kinds["write"]]
    stale = ["wave.vcd", "wave.gtkw", "wave-007-write.vcd", "wave-007-write.sucl", "wave-007-write.names/state.txt"]
    other = ["waves.vcd", "wave-notes.txt", "trace.json"]
    for name in (*stale, *other):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    written = draw_wave(excerpt, build_crossbar(config), tmp_path / "wave.vcd", "rtl")
    assert [path.name for path in written] == ["wave-000-forward.vcd", "wave-001-write.vcd"]
    assert all(path.stat().st_size > 1000 and path.with_suffix(".gtkw").stat().st_size > 100 for path in written)
    assert not any((tmp_path / name).exists() for name in stale)
    assert all((tmp_path / name).read_text() == "old" for name in other)
