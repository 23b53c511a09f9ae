"""The paper again: its networks with its policy and every reading of its baseline, a training for each seed.

Each training is a part with a run folder of its own, which lasts minutes to an hour; what is finished is kept, and what
was interrupted goes on from its checkpoint to the same result.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.policy_comparison import train_in, warnings_of
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.reproduction_config import (
    READINGS,
    REPRODUCTION,
    SOFTWARE,
    ReproductionConfig,
)
from twinbar.host.experiment.reproduction_figures import claims, network_figures
from twinbar.host.experiment.run_folder import RunFolder, json_text
from twinbar.host.experiment.run_parts import build_model
from twinbar.host.experiment.task import Task, prepare_data
from twinbar.host.report import si
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import is_reference

MNIST_IMAGES: Final = 60_000
FORWARD_SECONDS: Final[Mapping[str, float]] = {"mlp-256": 8.0, "mlp-256-128": 9.0, "lenet": 50.0}
"""An epoch of MNIST on two cores, evaluation included, where little is written (docs/reproduction.md)."""
WRITE_SECONDS: Final[Mapping[str, float]] = {
    "closed-loop": 80.0,
    "closed-loop-analog": 110.0,
    "closed-loop-erase": 150.0,
}
"""What the writes of the baselines add with the weights of mlp-256."""
WEIGHTS: Final[Mapping[str, float]] = {"mlp-256": 1.0, "mlp-256-128": 1.16, "lenet": 0.3}
"""Weights relative to mlp-256."""
SOFTWARE_SHARE: Final = 0.33
"""Time of a network without a crossbar, relative to the one with it."""


class Part(NamedTuple):
    """One training of a reproduction."""

    network: str
    policy: str
    seed: int
    config: ExperimentConfig

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.network}.{self.policy}.seed-{self.seed}"


def parts_of(config: ReproductionConfig) -> list[Part]:
    """List the trainings, those of the first seed first, so that a part of them tells something already."""
    baselines = min(config.baseline_seeds, config.seeds)
    return [
        Part(network, policy, seed, config.for_part(network, policy, seed))
        for seed in range(config.seeds)
        for network in config.networks
        for policy in config.policies
        if policy not in READINGS or seed < baselines
    ]


def reproduce(config: ReproductionConfig, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Train what is not trained yet, and write ``reproduction.json`` after each training.

    Parameters
    ----------
    config : ReproductionConfig
    folder : RunFolder
    progress : Progress

    Returns
    -------
    dict
        The content of reproduction.json.

    Raises
    ------
    ConfigError, TwinbarError, KeyboardInterrupt
        As `twinbar.host.experiment.train.train` does; what is finished is kept.
    """
    data = _data_of(config)
    parts = parts_of(config)
    reports: dict[Part, dict[str, Any]] = {}
    result: dict[str, Any] = {}
    for number, part in enumerate(parts, start=1):
        left = si.duration(seconds_left(parts[number - 1 :], reports, len(data.train_images)))
        heading = f"Part {number} of {len(parts)}, about {left} left: {part.network}, {part.policy}, seed {part.seed}"
        task = Task.of_images(part.config, data)
        reports[part] = train_in(folder, part.name, part.config, heading, progress, task)[0]
        result = reproduction_result(config, reports, len(parts))
        folder.write(REPRODUCTION, json_text(result).encode())
    return result


def seconds_left(todo: Sequence[Part], reports: Mapping[Part, Mapping[str, Any]], images: int) -> float:
    """Estimate the time that trainings will take.

    Parameters
    ----------
    todo : sequence of Part
    reports : mapping of Part to report
        Of those that are finished: what they took counts for the same network and policy with other seeds.
    images : int
        Training images.
    """
    took = {
        (part.network, part.policy): report["totals"]["host_seconds"] / len(report["epochs"])
        for part, report in reports.items()
    }

    def epoch(part: Part) -> float:
        usual = FORWARD_SECONDS[part.network] * (SOFTWARE_SHARE if part.policy == SOFTWARE else 1.0)
        usual += WRITE_SECONDS.get(part.policy, 0.0) * WEIGHTS[part.network]
        return took.get((part.network, part.policy), usual * images / MNIST_IMAGES)

    return sum(epoch(part) * part.config.training.epochs_trained for part in todo)


def reproduction_result(
    config: ReproductionConfig, reports: Mapping[Part, Mapping[str, Any]], parts: int
) -> dict[str, Any]:
    """Return the content of reproduction.json.

    Parameters
    ----------
    config : ReproductionConfig
    reports : mapping of Part to report
        Of the trainings that are finished.
    parts : int
        Trainings of the whole reproduction.
    """
    networks = {
        network: network_figures(
            {(part.policy, part.seed): report for part, report in reports.items() if part.network == network}
        )
        for network in dict.fromkeys(part.network for part in reports)
    }
    return {
        "schema": 1,
        "config": config.to_json(),
        "parts": parts,
        "finished": [part.name for part in reports],
        "host_seconds": {part.name: report["totals"]["host_seconds"] for part, report in reports.items()},
        "environment": next(iter(reports.values()))["environment"],
        "networks": networks,
        "claims": claims(networks),
        "warnings": warnings_of({part.name: report for part, report in reports.items()}),
    }


def _data_of(config: ReproductionConfig) -> Dataset:
    """Load the data, and refuse a network that cannot take them before another one is trained.

    Raises
    ------
    ConfigError
    """
    if is_reference(config.data.name):
        raise ConfigError(
            f"data.name is {config.data.name}; a reproduction takes a set of images: mnist, digits, or a folder of them"
        )
    data = prepare_data(config)
    for network in config.networks:
        try:
            build_model(config.for_part(network, SOFTWARE, 0), data)
        except ConfigError as error:
            others = ",".join(name for name in config.networks if name != network) or "mlp-256"
            raise ConfigError(f"{error}; leave {network} out: --networks {others}") from None
    return data
