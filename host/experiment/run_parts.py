"""From a configuration to the parts of a training run."""

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer

from twinbar.emulator.contract.bulk_operations import MakeEngine
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.engines.side_by_side import side_by_side
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.host.accounted_engine import Account
from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.observation import Observation
from twinbar.host.experiment.optimizers import optimizer_class
from twinbar.host.experiment.rate_schedule import RateSchedule
from twinbar.host.experiment.sections import NETWORKS
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.networks import lenet, mlp
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.host.board.connection import BoardConnection


def build_model(config: ExperimentConfig, data: Dataset) -> nn.Module:
    """Build the network in software, initialized by the seed."""
    height, width = data.image_shape
    if config.model.kind == "lenet":
        return lenet(
            height, width, data.classes, channels=data.channels, bias=config.model.bias, seed=config.engine.seed
        )
    return mlp(
        height * width * data.channels,
        config.model.hidden,
        data.classes,
        bias=config.model.bias,
        seed=config.engine.seed,
    )


def build_board(config: ExperimentConfig) -> "BoardConnection | None":
    """Make the connection to a board, if the run has one; nothing is opened yet."""
    engine = config.engine
    if engine.name != "board":
        return None
    from twinbar.host.board.connection import BoardConnection

    assert engine.port is not None
    record_line = None if engine.record_line is None else Path(engine.record_line)
    return BoardConnection(engine.port, engine.baud, engine.wait_s, engine.check, record_line=record_line)


def build_network(
    config: ExperimentConfig,
    model: nn.Module,
    crossbar: CrossbarConfig,
    account: Account,
    observation: Observation,
    board: "BoardConnection | None" = None,
    *,
    policy: UpdatePolicy[Any],
    calibrate: bool = True,
) -> CrossbarNetwork:
    """Put the network on the crossbar; the programs of its controller go to the observation, if it wants them.

    Without ``calibrate``, converters stay as they are until a checkpoint is loaded.
    """
    return put_on_crossbar(
        model,
        crossbar,
        account,
        exclude=config.model.exclude,
        weight_range=config.policy.weight_range,
        own_spread=config.model.kind not in NETWORKS,
        placement=config.array.mapping,
        sharing=config.array.sharing,
        copies=config.array.copies,
        keep_read_back=policy.keeps_read_back,
        keep_factors=policy.needs_factors,
        auxiliary=policy.auxiliary_arrays,
        range_margin=config.array.range_margin,
        range_tracking=config.array.range_tracking,
        input_range=config.array.input_range,
        make_engine=engine_maker(
            config.engine.name, observation, board, serial=crossbar.parts is not None, calibrate=calibrate
        ),
    )


def engine_maker(
    name: str,
    observation: Observation | None = None,
    board: "BoardConnection | None" = None,
    *,
    serial: bool = False,
    calibrate: bool = True,
) -> MakeEngine:
    """Return what makes an engine of a name.

    Parameters
    ----------
    name : str
    observation : Observation, optional
        Takes the programs of the engine's controller, if it wants any.
    board : BoardConnection, optional
        Makes the controller of the engine `board`.
    serial : bool
        The front end is of serial parts. What a command takes then depends on the commands before it, so that `fast`
        runs programs instead of its bulk kernels.
    calibrate : bool
        See `ControllerEngine`.
    """
    observed = observation is not None and bool(observation.sinks)
    if name == "fast" and not observed and not serial:
        return side_by_side(FastEngine)
    make = controller_maker(name) if board is None else board.make
    if observation is not None and observed:
        make = observation.wrap(make)
    engine: MakeEngine = partial(ControllerEngine, make=make, calibrate=calibrate)
    # A board is one controller, and a trace is that of one.
    return engine if board is not None or observed else side_by_side(engine)


def build_ledger(config: ExperimentConfig, crossbar: CrossbarConfig, tiles: int) -> Ledger:
    """Open the books of the run."""
    return Ledger.of_crossbar(load_energy_table(config.engine.energy_table), crossbar, tiles)


def build_optimizer(config: ExperimentConfig, module: nn.Module) -> Optimizer:
    """Make the optimizer of the twin; momentum and weight decay go to optimizers that have them."""
    training = config.training
    cls = optimizer_class(training.optimizer)
    options: dict[str, float] = {"lr": training.lr}
    accepted = cls.__init__.__code__.co_varnames[
        : cls.__init__.__code__.co_argcount + cls.__init__.__code__.co_kwonlyargcount
    ]
    if "momentum" in accepted:
        options["momentum"] = training.momentum
    if "weight_decay" in accepted:
        options["weight_decay"] = training.weight_decay
    elif training.weight_decay:
        raise ConfigError(
            f"training.weight_decay is {training.weight_decay}, but {training.optimizer} has none; leave it 0"
        )
    return cls(module.parameters(), **options)  # type: ignore[arg-type]


def build_schedule(config: ExperimentConfig, optimizer: Optimizer, steps: int) -> RateSchedule:
    """Make the schedule of the learning rate, which moves on with every optimizer step.

    Parameters
    ----------
    config : ExperimentConfig
    optimizer : Optimizer
    steps : int
        Optimizer steps of the whole training, over which the schedule runs.

    Notes
    -----
    "cosine" falls to 0 along half a cosine (Loshchilov and Hutter, ICLR 2017, without restarts), "linear" along a line,
    "step" by ten after half and after three quarters. `RateSchedule` computes each rate from the number of the step
    alone: torch's own `CosineAnnealingLR` multiplies up rounding errors from step to step.
    """

    def factor(step: int) -> float:
        progress = step / steps
        match config.training.schedule:
            case "cosine":
                return 0.5 * (1 + math.cos(math.pi * progress))
            case "linear":
                return 1 - progress
            case "step":
                return float(0.1 ** ((progress >= 0.5) + (progress >= 0.75)))
            case _:
                return 1.0

    return RateSchedule(optimizer, factor)


def layer_sizes(module: nn.Module) -> list[int]:
    """Return the widths of a multilayer perceptron, inputs and outputs included, such as 784, 256, 10."""
    shapes = [tuple(parameter.shape) for parameter in module.parameters() if parameter.dim() == 2]
    return [shapes[0][1], *(outputs for outputs, _ in shapes)]


def images_tensor(images: "torch.Tensor | object") -> torch.Tensor:
    """Turn uint8 images [n, height, width] or [n, height, width, channels] into float32 [n, channels, height, width].

    Their values are between 0 and 1.
    """
    scaled = torch.as_tensor(images).to(torch.float32).div_(255.0)
    return scaled.unsqueeze_(1) if scaled.dim() == 3 else scaled.permute(0, 3, 1, 2).contiguous()
