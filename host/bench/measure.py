"""The measurements of ``twinbar bench``."""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numba
import torch
from torch.nn import functional as F

from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.host.bench.engine_speed import measure_engines
from twinbar.host.bench.link_bytes import measure_link
from twinbar.host.bench.scaling import measure_scaling
from twinbar.host.bench.workloads import OneLevelMoves, synthetic_images
from twinbar.host.experiment import run_parts
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress, SilentProgress
from twinbar.host.experiment.threads import use_threads
from twinbar.host.experiment.trainer import Trainer
from twinbar.hw.timing import Phase

REPEATS: Final = 5
SERIAL_PARTS: Final = {
    "array.front_end": "icebreaker",
    "array.inputs": "planes",
    "array.pairs": "separate",
    "array.rows": 16,
    "array.columns": 16,
    "device.preset": "umass-hfo2",
    "timing.clock_hz": 12e6,
    "timing.select": 48,
    "timing.settle_read": 45,
    "timing.settle_drive": 84,
    "timing.recover": 1,
}
"""The iCEBreaker with its wiring, at its clock: the registers are the least that let its parts settle. Pulses of the
reference's preset are shorter than a cycle of this clock."""
TRAINING: Final = {
    "model.hidden": (256, 128),
    "training.lr": 0.01,
    "training.momentum": 0.0,
    "training.schedule": "constant",
}
"""As the peers' yardsticks were measured: 784-256-128-10, SGD with a learning rate of 0.01."""


def _median_rate(amount: float, work: Callable[[], object]) -> float:
    """Return the median rate of several repeats, after one that is not counted (compilation, caches)."""
    work()
    rates = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - began))
    return statistics.median(rates)


def measure_kernel() -> dict[str, Any]:
    """Measure closed-loop writing in the fast engine on one core."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        moves = OneLevelMoves()
        engine = moves.engine
        assert isinstance(engine, FastEngine)
        cycles: list[int] = []

        def write() -> None:
            result = moves.engine.write(todo)
            cycles.append(int(result.activity.phases.sum()))

        rates = []
        cycle_rates = []
        for repeat in range(REPEATS + 1):
            todo = moves.next_list()
            began = time.perf_counter()
            write()
            seconds = time.perf_counter() - began
            if repeat:
                rates.append(moves.cells / seconds)
                cycle_rates.append(cycles[-1] / seconds)
    finally:
        numba.set_num_threads(before)
    return {
        "writes_per_s": statistics.median(rates),
        "kernel_cycles_per_s": statistics.median(cycle_rates),
        "bytes_per_cell": engine.bytes_per_cell,
    }


def measure_training(batch_size: int, images: int, threads: int | None) -> float:
    """Measure whole training steps in images per second.

    A step is the forward pass with converters and noise, backward, optimizer, decision, closed-loop writes, accounting.

    Parameters
    ----------
    batch_size : int
    images : int
        Images per repeat.
    threads : int or None
    """
    use_threads(threads, batch_size)
    config = ExperimentConfig().merge({**TRAINING, "training.batch_size": batch_size, "training.epochs": 1000})
    trainer = Trainer(config, synthetic_images(max(images, 256)), SilentProgress())
    trainer.initialize()
    trainer.module.train()
    batches = trainer.batches(1)

    def train() -> None:
        for start in range(0, images, batch_size):
            trainer.train_step([batches[start // batch_size % len(batches)]])

    return _median_rate(images, train)


def measure_torch(batch_size: int, images: int, threads: int | None) -> float:
    """Measure the same network trained in PyTorch alone, in images per second."""
    use_threads(threads, batch_size)
    config = ExperimentConfig().merge({**TRAINING, "training.batch_size": batch_size})
    data = synthetic_images(max(images, 256))
    module = run_parts.build_model(config, data)
    optimizer = run_parts.build_optimizer(config, module)
    pixels, labels = run_parts.images_tensor(data.train_images), torch.as_tensor(data.train_labels)

    def train() -> None:
        for start in range(0, images, batch_size):
            batch = slice(start, start + batch_size)
            optimizer.zero_grad()
            F.cross_entropy(module(pixels[batch]), labels[batch]).backward()
            optimizer.step()

    return _median_rate(images, train)


def measure_overhead() -> dict[str, Any]:
    """Give the part of a write's cycles in which the controller keeps the analog side waiting: idle, decide and stall.

    On one tile, on the reference configuration and with serial parts.
    """

    def share(**changes: Any) -> float:
        make = run_parts.engine_maker("fast", serial="array.front_end" in changes)
        moves = OneLevelMoves(tiles=1, make_engine=make, changes=changes)
        phases = moves.engine.write(moves.next_list()).activity.phases
        return float(phases[[Phase.IDLE, Phase.DECIDE, Phase.STALL]].sum() / phases.sum())

    return {"controller_overhead": share(), "controller_overhead_serial_parts": share(**SERIAL_PARTS)}


def run_bench(progress: Progress, threads: int | None) -> dict[str, Any]:
    """Measure everything; gives the object that ``twinbar bench --json`` prints."""
    from twinbar.host.experiment.environment import describe_environment

    parts: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        ("closed-loop writes, one core", measure_kernel),
        ("overhead of the controller", measure_overhead),
        ("closed-loop writes, every engine", measure_engines),
        ("four tiles against one", measure_scaling),
        ("bytes of a write on the link", measure_link),
        ("training, batch 100", lambda: {"train_images_per_s": measure_training(100, 4000, threads)}),
        ("training, batch 10", lambda: {"train_images_per_s_batch10": measure_training(10, 1000, threads)}),
        ("training, batch 1", lambda: {"train_images_per_s_batch1": measure_training(1, 300, threads)}),
        ("PyTorch alone, batch 100", lambda: {"torch_images_per_s": measure_torch(100, 20_000, threads)}),
        ("PyTorch alone, batch 10", lambda: {"torch_images_per_s_batch10": measure_torch(10, 5000, threads)}),
        ("PyTorch alone, batch 1", lambda: {"torch_images_per_s_batch1": measure_torch(1, 1000, threads)}),
    ]
    result: dict[str, Any] = {
        "machine": describe_environment(),
        "workload": {
            "closed_loop": "one-level moves of every cell of 16 tiles of 128x128 TaOx/HfOx cells, 16 levels, "
            "8-bit ADC, 100 MHz, settle 16, convert 16, pulse 5, recover 4 cycles, one core",
            "training": "784-256-128-10, SGD at 0.01, on synthetic images with MNIST's share of ink, default crossbar "
            "(converters, noise, device-to-device variation, accounting), one thread at batches 1 and 10, else all",
            "statistic": f"median of {REPEATS} repeats after one that is not counted",
        },
    }
    for description, measure in parts:
        progress.start(1, description, unit="measurement")
        result |= measure()
        progress.advance(1)
    return result
