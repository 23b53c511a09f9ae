"""Callbacks that pass a run's figures on: to TensorBoard, Weights & Biases, a table, or a Lightning trainer.

What they write with is imported when one is made; Twinbar needs none of it.
"""

from twinbar.host.loggers.csv_logger import CsvLogger
from twinbar.host.loggers.lightning_logger import lightning_logger
from twinbar.host.loggers.tensorboard_logger import TensorBoardLogger
from twinbar.host.loggers.wandb_logger import WandbLogger

__all__ = ["CsvLogger", "TensorBoardLogger", "WandbLogger", "lightning_logger"]
