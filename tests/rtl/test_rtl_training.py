import numpy as np

from twinbar.emulator.rtl.engine import RtlEngine
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress import SilentProgress
from twinbar.host.experiment.train import prepare_data
from twinbar.host.experiment.trainer import Trainer


def trained(engine):
    """Train a few steps; gives the engine, the ledger's summary and the losses."""
    config = ExperimentConfig().merge(
        {
            "data.limit": 96,
            "model.hidden": (12,),
            "array.rows": 64,
            "array.columns": 24,
            "training.batch_size": 16,
            "timing.settle_read": 3,
            "timing.convert": 3,
            "engine.name": engine,
        }
    )
    trainer = Trainer(config, prepare_data(config), SilentProgress())
    trainer.initialize()
    rows = [trainer.train_step([batch]) for batch in trainer.batches(0)[:4]]
    return trainer.network.session.engine, trainer.ledger.state_dict(), [row["loss"] for row in rows]


def test_training_leaves_the_conductances_and_the_ledger_of_the_fast_engine():
    fast, fast_ledger, fast_losses = trained("fast")
    rtl, rtl_ledger, rtl_losses = trained("rtl")
    assert fast.tiles >= 2
    assert isinstance(rtl, RtlEngine)
    assert np.array_equal(fast.conductances_s(), rtl.conductances_s())
    assert np.array_equal(fast.pulse_counts(), rtl.pulse_counts())
    assert fast.pulse_counts().sum() > 0
    assert rtl_losses == fast_losses
    assert rtl_ledger == fast_ledger
