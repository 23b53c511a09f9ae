"""In-situ training: forward on the crossbar, backward on the twin, sparse closed-loop writes, everything accounted.

A run is a function of its configuration: the order of images, the cells and all noise follow from the seed, so that a
run that was killed goes on from its checkpoint to the same result.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.ledger.ledger import Kind, what_dominates
from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment import build
from twinbar.host.experiment.account import Account
from twinbar.host.experiment.cell_figures import cell_figures
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.environment import describe_environment
from twinbar.host.experiment.epoch import EpochCounts, epoch_entry, total_counts, update_figures
from twinbar.host.experiment.evaluate import Evaluation, evaluate
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.observation import Observation
from twinbar.host.experiment.programmer import Programmed, program
from twinbar.host.experiment.progress import Progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.watch import Watch
from twinbar.host.nn.convert import CrossbarNetwork
from twinbar.host.update.closed_loop import ClosedLoop
from twinbar.host.update.kept_levels import KeptLevels
from twinbar.hw.actions import Action
from twinbar.hw.errors import TwinbarError

if TYPE_CHECKING:
    from twinbar.host.board.connection import BoardConnection

CHECKPOINT_SECONDS = 60.0
"""Host time from one checkpoint to the next within an epoch; every epoch ends with one besides."""
CALIBRATION_IMAGES = 256
"""Training images from which the converter ranges are first set."""


class Trainer:
    """One training run, from its first programming to its report.

    Parameters
    ----------
    config : ExperimentConfig
    data : Dataset
        With the training images limited and the validation images held out already.
    progress : Progress
    folder : Path
        Of the run; takes traces, timelines and waveforms.
    board : BoardConnection, optional
        Whose board it trains on; to be closed by whoever made it.
    restored : bool
        A checkpoint will be loaded: converters keep the calibration that is in it.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        data: Dataset,
        progress: Progress,
        folder: Path = Path(),
        *,
        board: "BoardConnection | None" = None,
        restored: bool = False,
    ) -> None:
        self.config = config
        self._progress = progress
        self._images = build.images_tensor(data.train_images)
        self._labels = torch.as_tensor(data.train_labels)
        self._test = (build.images_tensor(data.test_images), torch.as_tensor(data.test_labels))
        self._validation = None
        if len(data.validation_images):
            self._validation = (build.images_tensor(data.validation_images), torch.as_tensor(data.validation_labels))
        self._classes = data.classes
        model = build.build_model(config, data)
        self.network: CrossbarNetwork | None = None
        self.account: Account | None = None
        self.watch = Watch()
        crossbar = None if config.policy.name == "float" else build.build_crossbar(config)
        self._observation = Observation(config, crossbar, folder, progress)
        self.board = None if crossbar is None else board
        if crossbar is None:
            self.module = model
        else:
            self.network = build.build_network(
                config, model, crossbar, self._enter, self._observation, self.board, calibrate=not restored
            )
            self.module = self.network.module
            self.account = Account(build.build_ledger(config, crossbar, self.network.session.engine.tiles))
            self.account.begin("epoch", "training")
            self.policy = build.build_policy(config)
            for sentence in crossbar.warnings:
                self.watch.warn(sentence)
        self.optimizer = build.build_optimizer(config, self.module)
        self._batch = 0
        self._step = 0
        self._epochs: list[dict[str, Any]] = []
        self._counts = EpochCounts()
        self._initialization: dict[str, Any] | None = None
        self._restorations: list[dict[str, int]] = []

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
    def batches_per_epoch(self) -> int:
        """Batches of an epoch, the last and smaller one included."""
        return math.ceil(len(self._images) / self.config.training.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return math.ceil(self.batches_per_epoch / self.config.training.accumulate)

    @property
    def _passed(self) -> float:
        return self._step / (self.steps_per_epoch * self.config.training.epochs)

    # --- the course of a run -----------------------------------------------------------------------------------------

    def initialize(self) -> None:
        """Program every cell once and calibrate the converters: what a laboratory does before it trains."""
        if self.network is None:
            return
        assert self.account is not None
        self._observation.begin(self.network, 0)
        began = time.perf_counter()
        self.account.ledger.add("write", self.network.session.engine.calibration)
        written = program(self.network, ClosedLoop(), 0.0)
        self.module.train()
        with self.network.calibrating(), torch.no_grad():
            self.module(self._images[:CALIBRATION_IMAGES])
        summary = self.account.ledger.summary()
        counts = EpochCounts(steps=1, weight_updates=written.weight_updates, host_seconds=time.perf_counter() - began)
        self._initialization = {
            "weights": self.weights,
            **update_figures(counts, summary, self.weights),
            "host_seconds": counts.host_seconds,
        }
        self.watch.saw_initialization(summary)
        self.account.begin("epoch", "training")

    def run(self, folder: RunFolder, interruption: Interruption) -> None:
        """Train from where the state is to the end, with checkpoints.

        Raises
        ------
        KeyboardInterrupt
            If an interruption was requested; the checkpoint is complete then.
        TwinbarError
            If the training diverges.
        """
        steps = folder.table("steps.csv")
        saved = time.perf_counter()
        while len(self._epochs) < self.config.training.epochs:
            number = len(self._epochs) + 1
            done = min(self._batch * self.config.training.batch_size, len(self._images))
            self._progress.start(
                len(self._images), f"epoch {number}/{self.config.training.epochs}", unit="images", done=done
            )
            self.module.train()
            for batches in self._remaining_batches(number):
                if self.network is not None:
                    self._observation.begin_step(self.network)
                began = time.perf_counter()
                row = self.train_step(batches)
                self._counts.host_seconds += time.perf_counter() - began
                self._observation.stepped()
                steps.append(row)
                shown = (
                    {"loss": row["loss"]}
                    if self.network is None
                    else {"loss": row["loss"], "writes": row["cell_writes"]}
                )
                self._progress.advance(sum(map(len, batches)), **shown)
                late = time.perf_counter() - saved > CHECKPOINT_SECONDS
                if late or interruption.requested:
                    self.save(folder)
                    saved = time.perf_counter()
                if interruption.requested:
                    raise KeyboardInterrupt
            self._finish_epoch(number)
            self.save(folder)
            saved = time.perf_counter()
        self._observation.finish()

    def batches(self, number: int) -> tuple[Tensor, ...]:
        """Give the indices of the images of each batch of an epoch; their order follows from seed and epoch alone."""
        generator = torch.Generator().manual_seed((self.config.engine.seed * 1_000_003 + number) % (1 << 63))
        return torch.randperm(len(self._images), generator=generator).split(self.config.training.batch_size)

    def _remaining_batches(self, number: int) -> Iterator[list[Tensor]]:
        """Give the batches of each optimizer step that is still to make."""
        batches = self.batches(number)
        while self._batch < len(batches):
            yield list(batches[self._batch : self._batch + self.config.training.accumulate])

    def train_step(self, batches: list[Tensor]) -> dict[str, Any]:
        """Make one optimizer step from one batch, or from the mean gradient of several, and write what must change."""
        if self.account is not None:
            self.account.begin_step()
        for group in self.optimizer.param_groups:
            group["lr"] = build.learning_rate(self.config, self._passed)
        if self.network is not None:
            self.network.session.engine.set_tick(self._step)
        self.optimizer.zero_grad()
        images = sum(map(len, batches))
        loss_sum = 0.0
        for batch in batches:
            loss = F.cross_entropy(self.module(self._images[batch]), self._labels[batch], reduction="sum")
            (loss / images).backward()
            loss_sum += float(loss.detach())
        if not math.isfinite(loss_sum):
            raise TwinbarError(
                f"the training loss is no longer finite after {self._step} steps; lower the learning rate (--lr), now "
                f"{self.config.training.lr}, and train again"
            )
        self.optimizer.step()
        self._step += 1
        self._batch += len(batches)
        self._counts.steps += 1
        self._counts.images += images
        self._counts.loss_sum += loss_sum
        row: dict[str, Any] = {"step": self._step, "epoch": len(self._epochs) + 1, "loss": loss_sum / images}
        if self.network is not None:
            row |= self._write()
        return row

    def _write(self) -> dict[str, Any]:
        assert self.network is not None
        assert self.account is not None
        written: Programmed | None = None
        if self._step % self.config.policy.write_every == 0 or self._batch >= self.batches_per_epoch:
            written = program(self.network, self.policy, self._passed)
            self._counts.weight_updates += written.weight_updates
        self.account.ledger.add("host", self._twin_traffic())
        return {"weight_updates": written.weight_updates if written else 0, **self.account.step_figures()}

    def _twin_traffic(self) -> Activity:
        """Count the words of the twin and of the optimizer's state that a step reads and writes."""
        words = 0
        for parameter in self.module.parameters():
            state = self.optimizer.state.get(parameter, {})
            per_weight = sum(1 for value in state.values() if torch.is_tensor(value) and value.shape == parameter.shape)
            words += 2 * (1 + per_weight) * parameter.numel()
        return Activity.of({Action.TWIN_ACCESS: words})

    def _finish_epoch(self, number: int) -> None:
        self._progress.start(1, f"evaluation {number}/{self.config.training.epochs}", unit="pass")
        test = self._evaluate(self._test)
        validation = self._evaluate(self._validation) if self._validation else None
        shown = {"test_accuracy": test.accuracy}
        if self.network is not None:
            shown["twin_accuracy"] = test.twin_accuracy
        self._progress.advance(1, **shown)
        summary = None
        if self.account is not None:
            summary = self.account.summary(since="epoch")
            self.account.begin("epoch")
        entry = epoch_entry(number, self._counts, summary, self.weights, test, validation)
        if self.network is not None:
            layers = {layer.matmul.map.name: layer.matmul.take_clipped() for layer in self.network.layers}
            entry["clipped_fraction"] = layers
            self.watch.saw_epoch(entry, self._classes)
        self._epochs.append(entry)
        self._counts = EpochCounts()
        self._batch = 0

    def _evaluate(self, part: tuple[Tensor, Tensor]) -> Evaluation:
        return evaluate(self.module, self.network, *part)

    # --- the state --------------------------------------------------------------------------------------------------

    def save(self, folder: RunFolder) -> None:
        """Save a checkpoint; a part of the trace ends with it, and the next one begins."""
        parts = self._observation.end_part()
        folder.save_checkpoint(
            {**self.state_dict(), "trace_parts": parts, "observation": self._observation.state_dict()}
        )
        if self.network is not None:
            self._observation.next_part(self.network)

    def state_dict(self) -> dict[str, Any]:
        """Give everything from which the run goes on to the same result."""
        state: dict[str, Any] = {
            "torch_threads": torch.get_num_threads(),
            "module": dict(self.module.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "batch": self._batch,
            "step": self._step,
            "epochs": self._epochs,
            "counts": self._counts.state_dict(),
            "initialization": self._initialization,
            "watch": self.watch.state_dict(),
            "restorations": self._restorations,
        }
        if self.network is not None and self.account is not None:
            state["engine"] = self.network.session.engine.state_dict()
            state["layers"] = [
                {"cells": layer.matmul.cells.state_dict(), "matmul": layer.matmul.state_dict()}
                for layer in self.network.layers
            ]
            state |= self.account.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        # The twin's gradients are sums of floats, whose rounding depends on how many threads share them.
        torch.set_num_threads(state["torch_threads"])
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._batch = state["batch"]
        self._step = state["step"]
        self._epochs = state["epochs"]
        self._counts = EpochCounts.from_state_dict(state["counts"])
        self._initialization = state["initialization"]
        self.watch.load_state_dict(state["watch"])
        self._restorations = list(state.get("restorations", []))
        if self.network is not None and self.account is not None:
            self.network.session.engine.load_state_dict(state["engine"])
            self._observation.begin(self.network, state["trace_parts"])
            if "observation" in state:
                self._observation.load_state_dict(state["observation"])
            for layer, saved in zip(self.network.layers, state["layers"], strict=True):
                layer.matmul.cells.load_state_dict(saved["cells"])
                layer.matmul.load_state_dict(saved["matmul"])
            self.account.load_state_dict(state)
            if self.board is not None:
                self._restore_board(self.network)

    def configure_board(self) -> None:
        """Configure and arm a board with which a session has just begun: it may have been without supply."""
        assert self.network is not None
        engine = self.network.session.engine
        assert isinstance(engine, ControllerEngine)
        engine.configure()

    def _restore_board(self, network: CrossbarNetwork) -> None:
        """Bring the cells of a board to what the checkpoint says, if its array has gone on, or begun anew, since."""
        assert self.board is not None
        controller = self.board.controller
        assert controller is not None
        if controller.holds_checkpoint:
            return
        self._observation.array_changed()
        written = program(network, KeptLevels(), self._passed).result
        pulsed = int(((written.sets > 0) | (written.resets > 0)).sum())
        self._restorations.append({"step": self._step, "cells": len(written.codes), "pulsed": pulsed})
        self._progress.message(
            f"The board's array is not as at the checkpoint: {pulsed:,} of {len(written.codes):,} cells were brought "
            f"back to their levels, {int((~written.ok).sum()):,} could not be; the run goes on from step {self._step}, "
            "and its result is another one than without the interruption"
        )

    def report(self) -> dict[str, Any]:
        """Give the content of report.json."""
        totals = total_counts(self._epochs)
        report: dict[str, Any] = {
            "schema": 1,
            "config": self.config.to_json(),
            "environment": describe_environment(),
            "policy": self.config.policy.name,
            "data": self.config.data.name,
            "layer_sizes": build.layer_sizes(self.module) if self.config.model.kind == "mlp" else None,
            "epochs": self._epochs,
            "totals": {"steps": totals.steps, "weights": self.weights, "host_seconds": totals.host_seconds},
            "warnings": self.watch.warnings,
        }
        if self.network is not None and self.account is not None:
            training = self.account.summary(since="training")
            report["totals"] |= update_figures(totals, training, self.weights)
            report |= {
                "device": self.config.device.preset,
                **cell_figures(self.network),
                "initialization": self._initialization,
                "dominates": what_dominates(training),
                "energy_with_initialization_j": self.account.ledger.summary()["energy_j"]["total"],
                "energy_table": self.config.engine.energy_table,
            }
            if self.board is not None:
                report["board"] = self.board.report() | {"restorations": self._restorations}
        return report
