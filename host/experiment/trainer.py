"""In-situ training: forward on the crossbar, backward on the twin, sparse closed-loop writes, everything accounted.

A run is a function of its configuration: the order of images, the cells and all noise follow from the seed, so that a
run that was killed goes on from its checkpoint to the same result. The loop itself is short; whatever follows it (the
account, the watch, traces, progress, checkpoints) is a callback (`twinbar.host.experiment.callbacks`).
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.ticks import tick_of
from twinbar.emulator.ledger.ledger import Kind
from twinbar.host.data.dataset import Dataset
from twinbar.host.data.examples import Examples
from twinbar.host.experiment import resolved_crossbar, run_parts
from twinbar.host.experiment.account import Account
from twinbar.host.experiment.callbacks import Callbacks
from twinbar.host.experiment.cell_figures import cell_figures
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.environment import describe_environment
from twinbar.host.experiment.epoch import EpochCounts, epoch_entry, total_counts, update_figures
from twinbar.host.experiment.evaluate import Evaluation, evaluate
from twinbar.host.experiment.observation import Observation
from twinbar.host.experiment.policy_state import policy_state, restore_policy
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.shown_progress import ShownProgress
from twinbar.host.experiment.task import Task
from twinbar.host.experiment.trial import try_out
from twinbar.host.experiment.watch import Watch
from twinbar.host.network.pipelined_pass import pipelined
from twinbar.host.network.programmer import Programmed, initialize, learning_rates, program
from twinbar.host.network.range_calibration import calibrate
from twinbar.host.network.wrapped import refuse_wrapped
from twinbar.host.nn.crossbar_network import CHECKED_EVERY, CrossbarNetwork, weights_of
from twinbar.host.twin.make_twin import make_twin
from twinbar.host.twin.twin import Twin
from twinbar.host.update.write_times import lists_due
from twinbar.hw.errors import TwinbarError

if TYPE_CHECKING:
    from twinbar.host.experiment.kept_board import KeptBoard

CALIBRATION_IMAGES = 256
"""Training images from which the converter ranges are first set."""


class Trainer:
    """One training run, from its first programming to its report.

    Parameters
    ----------
    config : ExperimentConfig
    task : Task or Dataset
        What is learnt; of a set of images, the network is that of the configuration.
    progress : Progress
    folder : Path
        Of the run; takes traces, timelines and waveforms.
    callbacks : sequence of objects
        Follow the run, and are called after the account, the watch, the observation and the progress.
    board : KeptBoard, optional
        The board it trains on; its connection is closed by whoever made it.
    restored : bool
        A checkpoint will be loaded: converters keep the calibration that is in it.

    Attributes
    ----------
    network : CrossbarNetwork or None
        None where the policy trains in software alone; then there is no account either.
    first_programming : Programmed or None
        What programming all cells at the beginning did; None before it, and in a resumed run.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        task: Task | Dataset,
        progress: Progress,
        folder: Path = Path(),
        *,
        callbacks: Sequence[object] = (),
        board: "KeptBoard | None" = None,
        restored: bool = False,
    ) -> None:
        self.config = config
        self.task = task if isinstance(task, Task) else Task.of_images(config, task)
        self.classes = self.task.classes
        self._batches_per_epoch = len(self.batches(1))
        self.policy = resolved_crossbar.build_policy(config)
        self.network: CrossbarNetwork | None = None
        self.twin: Twin | None = None
        self.account: Account | None = None
        self.watch = Watch()
        self.module = self.task.make_model()
        refuse_wrapped(self.module)
        self.task = self.task.in_precision_of(self.module)
        followers: list[object] = []
        if self.policy.on_crossbar:
            crossbar = resolved_crossbar.build_crossbar(config, targets=self.policy.targets)
            self.policy.attach_to(crossbar)
            self.observation = Observation(config, crossbar, folder, progress)
            self.network = run_parts.build_network(
                config,
                self.module,
                crossbar,
                self._enter,
                self.observation,
                board.connection if board is not None else None,
                policy=self.policy,
                calibrate=not restored,
            )
            self.module = self.network.module
            self.policy.prepare([layer.matmul.cells for layer in self.network.layers])
            self.twin = make_twin(config, self.network, self.policy)
            self.account = Account(run_parts.build_ledger(config, crossbar, self.network.session.engine.tiles))
            for sentence in crossbar.warnings:
                self.watch.warn(sentence)
            followers = [self.account, self.observation, self.watch]
            if board is not None:
                followers.append(board)
        else:
            self.observation = Observation(config, None, folder, progress)
            followers = [self.watch]
        self.callbacks = Callbacks([*followers, ShownProgress(progress), *callbacks])
        self.optimizer = run_parts.build_optimizer(config, self.module)
        self.schedule = run_parts.build_schedule(config, self.optimizer, self.steps_per_epoch * config.training.epochs)
        self._parameters = list(self.module.parameters())
        self._means: dict[tuple[int, torch.dtype, torch.device], Tensor] = {}
        self._batch = 0
        self.step = 0
        self.step_images = 0
        self.epochs: list[dict[str, Any]] = []
        self.counts = EpochCounts()
        self.initialization: dict[str, Any] | None = None
        self.first_programming: Programmed | None = None

    def _enter(self, kind: Kind, activity: Activity) -> None:
        assert self.account is not None
        self.account.enter(kind, activity)

    @property
    def weights(self) -> int:
        """Weights of the network that lie, or would lie, on a crossbar."""
        if self.network is not None:
            return self.network.weights
        return sum(parameter.numel() for parameter in self.module.parameters() if parameter.dim() > 1)

    @property
    def images(self) -> int:
        """Training examples of an epoch."""
        return len(self.task.train)

    @property
    def images_done(self) -> int:
        """Examples of the present epoch that were learnt."""
        return sum(map(len, self.batches(len(self.epochs) + 1)[: self._batch]))

    @property
    def batches_per_epoch(self) -> int:
        """Batches of an epoch, the last and smaller one included."""
        return self._batches_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return math.ceil(self.batches_per_epoch / self.config.training.accumulate)

    @property
    def _passed(self) -> float:
        return self.step / (self.steps_per_epoch * self.config.training.epochs)

    # --- the course of a run -----------------------------------------------------------------------------------------

    def initialize(self) -> None:
        """Program every cell once and calibrate the converters: what a laboratory does before it trains.

        Raises
        ------
        ConfigError
            If network, data and objective do not fit together (see `try_out`).
        """
        with self._random_numbers(0):
            try_out(
                self.module, self.task, self.batches(1)[0], nullcontext if self.network is None else self.network.twin
            )
        self.callbacks.call("on_start", self)
        figures: dict[str, Any] = {}
        if self.network is not None and self.account is not None:
            began = time.perf_counter()
            self.account.ledger.add("write", self.network.session.engine.calibration)
            written = initialize(self.network, self.policy)
            assert self.twin is not None
            self.twin.settle(self.network.layers)
            self.module.train()
            first = self.task.train.batches(CALIBRATION_IMAGES, None)[0]
            with self._random_numbers(0):
                calibrate(self.network, lambda: self.module(self.task.train.batch(first)[0]))
            self.first_programming = written
            counts = EpochCounts(steps=1, weight_updates=written.weight_updates)
            counts.add_writes(*written.counts)
            figures = update_figures(counts, self.account.ledger.summary(), self.weights)
            self.initialization = {
                "weights": self.weights,
                **figures,
                "host_seconds": time.perf_counter() - began,
            }
        self.callbacks.call("on_initialized", self, figures)

    def run(self) -> None:
        """Train from where the state is to the end.

        Raises
        ------
        KeyboardInterrupt
            If a callback stops the run.
        TwinbarError
            If the training diverges.
        """
        while len(self.epochs) < self.config.training.epochs_trained:
            number = len(self.epochs) + 1
            self.callbacks.call("on_epoch_begin", self, number)
            self.module.train()
            for batches in self.remaining_batches(number):
                self.train_step(batches)
            self._finish_epoch(number)
        self.callbacks.call("on_finish", self)

    def batches(self, number: int) -> list[Tensor]:
        """Return the examples of each batch of an epoch; their order follows from seed and epoch alone."""
        seed = (self.config.engine.seed * 1_000_003 + number) % (1 << 63)
        return self.task.train.batches(self.config.training.batch_size, seed)

    def remaining_batches(self, number: int) -> Iterator[list[Tensor]]:
        """Return the batches of each optimizer step that an epoch still has to make."""
        batches = self.batches(number)
        while self._batch < len(batches):
            yield list(batches[self._batch : self._batch + self.config.training.accumulate])

    def train_step(self, batches: list[Tensor]) -> dict[str, Any]:
        """Make one optimizer step from one batch, or from the mean gradient of several, and write what must change."""
        self.callbacks.call("on_step_begin", self)
        began = time.perf_counter()
        if self.network is not None and self.account is not None:
            tick = tick_of(self.config.array, self.step, self.account.ledger.busy_s)
            self.network.session.engine.set_tick(tick)
        with torch._C.DisableTorchFunctionSubclass():
            # What `Optimizer.zero_grad` does, without an entry for a profiler, which takes longer.
            for parameter in self._parameters:
                parameter.grad = None
        images = sum(map(len, batches))
        loss_sum = 0.0
        with self._random_numbers(self.step + 1):
            for batch in batches:
                loss = self._loss(batch)
                # With a gradient as argument, PyTorch would first load SymPy, which takes longer than 20,000 products.
                # A sum over one image is its mean.
                (loss if images == 1 else loss * self._mean_of(images, loss)).backward()
                loss_sum += loss.item()
        if not math.isfinite(loss_sum):
            raise TwinbarError(
                f"the training loss is no longer finite after {self.step} steps; lower the learning rate (--lr), now "
                f"{self.config.training.lr}, and train again"
            )
        # Each access to a weight that lies on the crossbar would else be looked at by its own class.
        with torch._C.DisableTorchFunctionSubclass():
            self.optimizer.step()
            rates = {} if self.network is None else learning_rates(self.optimizer, self.network.layers)
            self.schedule.step()
        self.step += 1
        self.step_images = images
        self._batch += len(batches)
        row: dict[str, Any] = {"step": self.step, "epoch": len(self.epochs) + 1, "loss": loss_sum / images}
        if self.network is not None:
            row["weight_updates"] = self._write(self.network, len(batches), rates)
        self.counts.add_step(images, loss_sum, row.get("weight_updates", 0), time.perf_counter() - began)
        self.callbacks.call("on_step", self, row)
        return row

    def _mean_of(self, images: int, loss: Tensor) -> Tensor:
        """Return the gradient of a mean with respect to a sum over images, in the type of a loss."""
        key = images, loss.dtype, loss.device
        if key not in self._means:
            self._means[key] = loss.detach().new_ones(loss.shape) / images
        return self._means[key]

    @cached_property
    def _on_accelerator(self) -> bool:
        with torch._C.DisableTorchFunctionSubclass():
            return any(parameter.device.type != "cpu" for parameter in self._parameters)

    @contextmanager
    def _random_numbers(self, step: int) -> Iterator[None]:
        """Let PyTorch's random numbers (dropout, augmentation) follow from seed and step meanwhile.

        A resumed run draws what an uninterrupted one does, and those of the caller are left alone.
        """
        seed = (self.config.engine.seed * 1_000_003 + step) % (1 << 63)
        generator = torch.default_generator
        before = generator.get_state()
        # `torch.manual_seed` takes longer than a product: it notes for every kind of accelerator who called it.
        generator.manual_seed(seed)
        if self._on_accelerator:
            torch.manual_seed(seed)
        try:
            yield
        finally:
            generator.set_state(before)

    def _loss(self, batch: Tensor) -> Tensor:
        """Return the loss of a batch, summed over its examples."""
        x, targets = self.task.train.batch(batch)
        with nullcontext() if self.network is None else self.network.forward_pass():
            outputs = self._forward(x)
        return self.task.objective.loss_sum(outputs, targets, len(batch))

    def _forward(self, x: Tensor) -> Tensor:
        training = self.config.training
        if self.network is None or training.pipeline == 1:
            return self.module(x)
        return pipelined(self.network, x, training.pipeline, training.pipeline_ratio)

    def _write(self, network: CrossbarNetwork, batches: int, rates: dict[str, float]) -> int:
        """Write what the policy decides, where it is due, and store the twin; gives the weights that were updated."""
        assert self.account is not None
        assert self.twin is not None
        updates = 0
        listed = None
        with torch._C.DisableTorchFunctionSubclass():
            # A frozen layer is programmed once, and then left alone.
            trained = [layer for layer in network.layers if layer.weight.requires_grad]
            network.check_gradients(trained)
            if self.step % CHECKED_EVERY == 1:
                network.check_weights(trained, self.step)
            if len(trained) < len(network.layers):
                self.counts.untrained += self.weights - weights_of(trained)
        due = self._lists_due(self.step) > self._lists_due(self.step - 1) or self._batch >= self.batches_per_epoch
        if due and trained:
            written = program(network, self.policy, self._passed, trained, rates)
            updates = written.weight_updates
            self.counts.add_writes(*written.counts)
            if self.policy.changes_what_it_lists:
                listed = written.listed
        traffic = self.twin.store(self.optimizer, trained, step=self.step, decided=due, batches=batches, listed=listed)
        self.account.enter_twin(traffic)
        return updates

    def _lists_due(self, step: int) -> int:
        policy = self.config.policy
        last = policy.write_every if policy.write_every_end is None else policy.write_every_end
        return lists_due(step, self.steps_per_epoch * self.config.training.epochs, policy.write_every, last)

    def _finish_epoch(self, number: int) -> None:
        if self.network is not None:
            self.network.check_weights(self.network.layers, self.step)
        self.callbacks.call("on_evaluation", self, number)
        test = self._evaluate(self.task.test)
        validation = None if self.task.validation is None else self._evaluate(self.task.validation)
        entry = epoch_entry(number, self.counts, self.weights, test, validation, self.task.objective)
        self.callbacks.call("on_epoch_figures", self, entry)
        entry["host_seconds"] = self.counts.host_seconds
        if self.network is not None:
            entry["clipped_fraction"] = {
                layer.matmul.map.name: layer.matmul.take_clipped() for layer in self.network.layers
            }
        self.epochs.append(entry)
        self.counts = EpochCounts()
        self._batch = 0
        self.callbacks.call("on_epoch", self, entry)

    def _evaluate(self, examples: Examples) -> Evaluation:
        return evaluate(self.module, self.network, examples, self.task.objective)

    # --- the state --------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return everything from which the run goes on to the same result."""
        state: dict[str, Any] = {
            "torch_threads": torch.get_num_threads(),
            "module": dict(self.module.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            **policy_state(self.policy),
            "batch": self._batch,
            "step": self.step,
            "epochs": self.epochs,
            "counts": self.counts.state_dict(),
            "initialization": self.initialization,
            "callbacks": self.callbacks.state_dict(),
        }
        if self.network is not None:
            assert self.twin is not None
            state["twin"] = self.twin.state_dict()
            state["engine"] = self.network.session.engine.state_dict()
            state["layers"] = [
                {
                    "cells": layer.cells.state_dict(),
                    "matmul": layer.matmul.state_dict(),
                    "weight_per_level": layer.cells.weight_per_level,
                    "auxiliary": [array.cells.state_dict() for array in layer.auxiliary],
                }
                for layer in self.network.layers
            ]
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises
        ------
        ConfigError
            If the policy of the checkpoint is another one.
        """
        restore_policy(self.policy, state)
        # The twin's gradients are sums of floats, whose rounding depends on how many threads share them.
        torch.set_num_threads(state["torch_threads"])
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self._batch = int(state["batch"])
        self.step = int(state["step"])
        self.epochs = state["epochs"]
        self.counts = EpochCounts.from_state_dict(state["counts"])
        self.initialization = state["initialization"]
        if self.network is not None:
            self.network.session.engine.load_state_dict(state["engine"])
            for layer, saved in zip(self.network.layers, state["layers"], strict=True):
                layer.cells.load_state_dict(saved["cells"])
                layer.cells.weight_per_level = saved.get("weight_per_level", layer.cells.weight_per_level)
                layer.matmul.load_state_dict(saved["matmul"])
                for array, own in zip(layer.auxiliary, saved.get("auxiliary", []), strict=True):
                    array.cells.load_state_dict(own)
            assert self.twin is not None
            self.twin.load_state_dict(state["twin"])
        self.callbacks.load_state_dict(state["callbacks"])
        self.callbacks.call("on_resume", self)

    def report(self) -> dict[str, Any]:
        """Return the content of report.json."""
        totals = total_counts(self.epochs)
        report: dict[str, Any] = {
            "schema": 1,
            "config": self.config.to_json(),
            "environment": describe_environment(),
            "policy": self.config.policy.name,
            "data": self.config.data.name,
            "metric": self.task.objective.metric_name,
            "layer_sizes": run_parts.layer_sizes(self.module) if self.config.model.kind == "mlp" else None,
            "epochs": self.epochs,
            "totals": {"steps": totals.steps, "weights": self.weights, "host_seconds": totals.host_seconds},
        }
        if self.network is not None:
            report |= {"device": self.config.device.preset, **cell_figures(self.network)}
        self.callbacks.call("on_report_figures", self, report)
        return report
