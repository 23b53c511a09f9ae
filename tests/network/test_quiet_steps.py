"""Steps in which nothing has to be written: they are entered, and leave levels and what was noted of them alone."""

import csv
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import MakeEngine, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.events.events_controller import EventsController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.update.policies.siamese import Siamese

EMPTY = WriteList(np.zeros(3, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8))


def on_controller(make_controller: Any) -> MakeEngine:
    return lambda *arguments, **options: ControllerEngine(*arguments, make=make_controller, **options)


@pytest.mark.parametrize(
    "make_engine",
    [FastEngine, on_controller(FastController), on_controller(EventsController)],
    ids=["bulk", "program", "events"],
)
def test_an_empty_list_takes_nothing(make_engine: MakeEngine, make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = make_engine(make_crossbar(), 2, np.array([4, 4]))
    result = engine.write(EMPTY)
    assert [len(part) for part in (result.codes, result.sets, result.resets, result.ok)] == [0, 0, 0, 0]
    assert result.activity == Activity()


def test_what_is_noted_of_levels_is_the_same_whether_layers_are_looked_at_or_not(
    train_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small batches at a low rate: some steps write no cell, others a few.
    changes = {"training.batch_size": 4, "training.lr": 0.01, "data.limit": 160}
    quick = train_run(changes)
    with (quick.folder / "steps.csv").open() as rows:
        writes = [int(row["cell_writes"]) for row in csv.DictReader(rows)]
    assert 0 in writes
    assert any(writes)
    monkeypatch.setattr(Siamese, "changes_what_it_lists", False)
    # The same number of threads once more makes it a run of its own.
    thorough = train_run(changes | {"engine.threads": 1})
    assert thorough.folder != quick.folder
    for figures in ("twin", "energy_j"):
        assert quick.report["totals"][figures] == thorough.report["totals"][figures]
