"""A residual CNN with batch normalization trains under Lightning's Trainer, and is resumed exactly."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

lightning = pytest.importorskip("lightning", reason="needs Lightning (pip install lightning), which the group dev has")


@pytest.mark.filterwarnings("ignore")
def test_it_trains_and_a_resumed_training_ends_the_same(root: Path, tmp_path: Path) -> None:
    example = runpy.run_path(str(root / "examples" / "lightning_training.py"))
    quiet = {
        "max_epochs": 2,
        "limit_train_batches": 15,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }

    def fit(folder: Path, **choices: Any) -> Any:
        lightning.seed_everything(0)
        classifier = example["InSituClassifier"]()
        run = example["trainer"](str(folder), **quiet)
        run.fit(classifier, *example["loaders"](), **choices)
        return classifier, float(run.callback_metrics["accuracy"])

    whole, accuracy = fit(tmp_path / "whole")
    assert accuracy > 0.5
    assert whole.net.cost["steps"] == 2 * 15
    assert set(whole.net.cost["layers"]) == {"0", "3.body.0", "3.body.3", "5.body.0", "5.body.3", "7"}
    resumed, again = fit(tmp_path / "resumed", ckpt_path=str(tmp_path / "whole" / "epoch=0.ckpt"))
    assert again == accuracy
    assert resumed.net.cost["energy_j"] == whole.net.cost["energy_j"]
    for name, value in whole.net.module.state_dict().items():
        assert torch.equal(value, resumed.net.module.state_dict()[name]), name
