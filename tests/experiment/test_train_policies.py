"""Policies and options do in training what they are for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.hw.errors import ConfigError

CHANCE = 0.1
UNEVEN: dict[str, Any] = {"device.levels": 4, "device.level_spacing": (0.0, 0.1, 0.4, 1.0)}


def totals(run: Any) -> dict[str, Any]:
    return run.report["totals"]


def accuracy(run: Any) -> float:
    return run.report["epochs"][-1]["test_accuracy"]


@pytest.mark.parametrize("policy", ["siamese", "closed-loop", "closed-loop-analog", "float"])
def test_every_policy_learns(train_run: Callable[..., Any], policy: str) -> None:
    run = train_run({"policy.name": policy})
    assert accuracy(run) > 0.6
    losses = [epoch["train_loss"] for epoch in run.report["epochs"]]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1.2


def test_siamese_comes_close_to_software_on_all_digits(train_run: Callable[..., Any]) -> None:
    changes = {"data.limit": None, "model.hidden": (64,), "training.epochs": 6}
    siamese, software = (train_run(changes | {"policy.name": name}) for name in ("siamese", "float"))
    assert accuracy(software) > 0.95
    assert accuracy(siamese) > accuracy(software) - 0.03
    assert totals(siamese)["update_elimination"] > 0.99


@pytest.mark.parametrize("policy", ["siamese", "closed-loop", "closed-loop-erase", "selective-verify"])
def test_levels_need_not_be_evenly_spaced(train_run: Callable[..., Any], policy: str) -> None:
    run = train_run({"device.levels": 8, "device.level_spacing": "noise", "policy.name": policy})
    assert accuracy(run) > 0.6
    arrays = np.load(run.folder / "arrays.npz")
    levels_s, target = arrays["levels_s"], arrays["target_level"]
    gaps = np.diff(levels_s)
    # Reads scatter most at the highest level.
    assert gaps[-1] > 1.5 * gaps[0]
    assert (levels_s[0], levels_s[-1]) == (pytest.approx(1e-6), pytest.approx(10e-6))
    # All are in use, and most cells that are asked for a level are nearest to it.
    held = arrays["conductance_s"][arrays["mapped"]]
    nearest = np.abs(held[:, None] - levels_s).argmin(axis=1)
    assert set(np.unique(target[arrays["mapped"]])) == set(range(8))
    if policy != "selective-verify":
        assert np.mean(nearest == target[arrays["mapped"]]) > 0.8


def test_siamese_writes_a_hundredth_of_closed_loop(train_run: Callable[..., Any]) -> None:
    siamese, closed = (totals(train_run({"policy.name": name})) for name in ("siamese", "closed-loop"))
    assert closed["cell_writes"] == closed["cells"] * closed["steps"]
    assert closed["write_elimination"] == 0
    assert siamese["cell_writes"] < 0.02 * closed["cell_writes"]
    assert siamese["energy_j"]["write"] < 0.1 * closed["energy_j"]["write"]
    assert siamese["cycles"]["write"] < 0.2 * closed["cycles"]["write"]
    # Both make the same forward passes.
    assert siamese["actions"]["convert_forward"] == closed["actions"]["convert_forward"]


def test_analog_targets_cost_more_than_levels(train_run: Callable[..., Any]) -> None:
    closed, analog = (totals(train_run({"policy.name": name})) for name in ("closed-loop", "closed-loop-analog"))
    assert analog["cell_writes"] == closed["cell_writes"]
    assert sum(analog["pulses"].values()) > 2 * sum(closed["pulses"].values())
    assert analog["energy_j"]["write"] > closed["energy_j"]["write"]


def test_a_higher_threshold_writes_less(train_run: Callable[..., Any]) -> None:
    low, high = (totals(train_run({"policy.threshold": value, "policy.threshold_end": value})) for value in (0.5, 1.2))
    assert high["weight_updates"] < 0.7 * low["weight_updates"]


@pytest.mark.parametrize("compensation", ["none", "residual", "read-back"])
def test_every_compensation_trains(train_run: Callable[..., Any], compensation: str) -> None:
    assert accuracy(train_run({"policy.compensation": compensation})) > 0.5


def test_accumulation_makes_fewer_steps_and_counts_them(train_run: Callable[..., Any]) -> None:
    # With a quarter of the steps it takes more epochs to learn as much.
    one, four = train_run(), train_run({"training.accumulate": 4, "training.epochs": 6})
    # 30 batches an epoch make 8 steps, the last one from two batches.
    assert [epoch["steps"] for epoch in four.report["epochs"]] == [8] * 6
    assert totals(four)["cells"] == totals(one)["cells"]
    assert totals(four)["update_elimination"] == 1 - totals(four)["weight_updates"] / (2368 * 48)
    assert accuracy(four) > 3 * CHANCE


def test_four_batches_accumulated_are_one_batch_of_four_times_the_size(train_run: Callable[..., Any]) -> None:
    changes = {"policy.name": "float", "data.limit": 480, "training.epochs": 1}
    parts = train_run(changes | {"training.batch_size": 20, "training.accumulate": 4}).report["epochs"][0]
    whole = train_run(changes | {"training.batch_size": 80}).report["epochs"][0]
    assert parts["steps"] == whole["steps"] == 6
    assert parts["train_loss"] == pytest.approx(whole["train_loss"], rel=1e-5)
    assert parts["test_accuracy"] == pytest.approx(whole["test_accuracy"], abs=0.01)


def test_write_every_waits_and_ends_the_epoch_with_a_write(train_run: Callable[..., Any]) -> None:
    writes = writes_by_step(train_run({"policy.write_every": 7, "policy.threshold": 1.0}))
    allowed = {step for step in writes if step % 7 == 0} | {30, 60, 90}
    assert {step for step, count in writes.items() if count} <= allowed
    assert writes[7] > 0
    assert writes[30] > 0


def test_write_lists_come_more_rarely_toward_the_end(train_run: Callable[..., Any]) -> None:
    changes = {"policy.write_every": 1, "policy.write_every_end": 10, "policy.threshold": 0.5}
    writes = writes_by_step(train_run(changes))
    # n(s) = 1 + s / 10 of 90 steps: tests/update/test_write_times.py has these steps by hand; epochs end with a list.
    assert [step for step, count in writes.items() if count][:11] == [2, 3, 4, 5, 7, 9, 11, 13, 15, 18, 21]
    assert writes[30] > 0
    assert sum(count > 0 for count in writes.values()) <= 23 + 3


def writes_by_step(run: Any) -> dict[int, int]:
    steps = (run.folder / "steps.csv").read_text().splitlines()
    header, rows = steps[0].split(","), [line.split(",") for line in steps[1:]]
    return {int(row[header.index("step")]): int(row[header.index("cell_writes")]) for row in rows}


def test_a_validation_split_is_held_out_and_evaluated(train_run: Callable[..., Any]) -> None:
    run = train_run({"data.validation": 0.25})
    for epoch in run.report["epochs"]:
        assert epoch["steps"] == 23  # 450 images remain
        assert 0 <= epoch["validation_accuracy"] <= 1
        assert "twin_validation_accuracy" in epoch
    assert run.report["epochs"][-1]["validation_accuracy"] > 3 * CHANCE
    assert "validation_accuracy" not in train_run().report["epochs"][0]


def test_one_image_per_batch(train_run: Callable[..., Any]) -> None:
    run = train_run({"training.batch_size": 1, "data.limit": 40, "training.epochs": 1, "training.lr": 0.005})
    (epoch,) = run.report["epochs"]
    assert epoch["steps"] == 40
    assert 0 < epoch["energy_j"]["total"] < float("inf")
    assert 0 < epoch["update_elimination"] < 1


def test_sums_that_need_float64_train_too(train_run: Callable[..., Any]) -> None:
    wide = {"array.input_bits": 8, "array.grid_bits": 16, "array.rows": 64}
    assert accuracy(train_run(wide)) > 0.6


@pytest.mark.parametrize("change", [{"array.inputs": "planes"}, {"array.pairs": "separate"}], ids=str)
def test_other_ways_to_multiply_train_too(train_run: Callable[..., Any], change: dict[str, Any]) -> None:
    run = train_run(change)
    assert accuracy(run) > 0.6
    forward = totals(run)["actions"]["convert_forward"] / totals(train_run())["actions"]["convert_forward"]
    if "array.inputs" in change:
        assert 1.5 < forward <= 4  # four planes, the empty ones skipped
    else:
        assert forward == pytest.approx(2, rel=0.01)


def test_cells_that_drift_are_trained_through_their_ticks(train_run: Callable[..., Any]) -> None:
    still, drifting = (
        train_run({"device.preset": "ibm-pcm", "array.tick_s": seconds, "training.epochs": 1})
        for seconds in (1e-3, 1e4)
    )
    assert still.report["epochs"][0]["test_accuracy"] != drifting.report["epochs"][0]["test_accuracy"]
    assert accuracy(drifting) > CHANCE


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.01), ("rmsprop", 0.003)])
def test_any_optimizer_of_torch(train_run: Callable[..., Any], optimizer: str, lr: float) -> None:
    assert accuracy(train_run({"training.optimizer": optimizer, "training.lr": lr})) > 0.5


def test_schedules_differ_and_end_where_they_should() -> None:
    import torch

    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.run_parts import build_schedule

    def rates(schedule: str) -> list[float]:
        config = ExperimentConfig().merge({"training.schedule": schedule, "training.lr": 0.8})
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
        course = build_schedule(config, optimizer, steps=4)
        found = [optimizer.param_groups[0]["lr"]]
        for _ in range(4):
            course.step()
            found.append(optimizer.param_groups[0]["lr"])
        return found

    assert rates("constant") == [0.8] * 5
    assert rates("linear") == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    assert rates("step") == pytest.approx([0.8, 0.8, 0.08, 0.008, 0.008])
    assert rates("cosine") == pytest.approx([0.8, 0.4 * (1 + 0.5**0.5), 0.4, 0.4 * (1 - 0.5**0.5), 0.0])


def test_rates_are_those_of_pytorchs_own_schedule_whose_checkpoints_are_read() -> None:
    import torch

    from twinbar.host.experiment.rate_schedule import RateSchedule

    def factor(step: int) -> float:
        return 1 / (1 + 0.3 * step)

    mine, theirs = (torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.7) for _ in range(2))
    courses = RateSchedule(mine, factor), torch.optim.lr_scheduler.LambdaLR(theirs, factor)
    for _ in range(5):
        assert mine.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]
        theirs.step()
        for course in courses:
            course.step()
    mine.param_groups[0]["lr"] = 0.7
    resumed = RateSchedule(mine, factor)
    resumed.load_state_dict(courses[1].state_dict())
    assert resumed.state_dict() == courses[0].state_dict()
    resumed.step()
    courses[1].step()
    assert mine.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"policy.threshold": 31.0},
            "policy.threshold_end is 31 level spacings, but a pair of cells with 16 levels spans 30: nothing would",
        ),
        (
            {"device.levels": 4, "policy.common_levels": 4},
            r"policy.common_levels is 4, but cells with 4 levels \(device.levels\) are 3 above the lowest one at most",
        ),
        (
            UNEVEN | {"policy.common_levels": 1},
            "policy.common_levels is 1, by which either cell of a pair can take a change, and with device.level_",
        ),
        (
            UNEVEN | {"policy.name": "chi"},
            "this policy counts in evenly spaced levels, and device.level_spacing is",
        ),
        (UNEVEN | {"policy.name": "low-rank"}, "this policy counts in evenly spaced levels"),
        (UNEVEN | {"policy.name": "closed-loop-analog"}, "this policy writes to 256 evenly spaced targets instead of"),
        (UNEVEN | {"policy.name": "tiki-taka"}, "this policy writes to 256 evenly spaced targets instead of levels"),
        (
            {"device.levels": 12, "device.level_spacing": "power-of-two"},
            "device.level_spacing puts levels 0 and 1 of 12 0.19 ADC codes apart, and reads cannot tell them from each",
        ),
    ],
    ids=[
        "nothing would be written",
        "more levels than there are",
        "either cell",
        "blind pulses",
        "low rank",
        "analog targets",
        "two arrays",
        "levels that share a code",
    ],
)
def test_settings_that_the_cells_contradict_are_refused_before_anything_is_programmed(
    train_run: Callable[..., Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        train_run(changes)
