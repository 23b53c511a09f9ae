"""The configuration of a sweep: one training, the keys that are varied, and the seeds of each setting."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.config_errors import unknown_key
from twinbar.emulator.sections.section import none_for_word
from twinbar.host.experiment import config_file
from twinbar.host.experiment.config import ExperimentConfig, names_in
from twinbar.host.experiment.policy_section import keys_of
from twinbar.host.experiment.search_space import Axis, SearchRange, read_space
from twinbar.host.experiment.sweep_figures import MOST_SEEDS, check_goals
from twinbar.host.update.known_policies import POLICIES
from twinbar.hw.errors import ConfigError

SWEEP: Final = "sweep.json"
"""The result, in its folder."""
MOST_RUNS: Final = 100_000

Settings = Mapping[str, Any]
"""Values by dotted key."""


class SweepConfig(ExperimentConfig):
    """Everything that decides the result of a sweep, and where its runs are trained."""

    command: ClassVar[str] = "sweep"
    runs_decide: ClassVar[bool] = True
    decided: ClassVar[frozenset[str]] = frozenset(
        {
            "engine.seed",
            "engine.port",
            "engine.baud",
            "engine.check",
            "engine.record_line",
            "trace.record",
            "trace.timeline",
            "trace.wave",
        }
    )

    vary: tuple[str, ...] = Field(
        default=(),
        description="what is varied, each as key=1,2,4 (values), key=0:1:0.25 (first:last:step), or, for a search, "
        "key=0.001..0.1, with log behind it evenly in the logarithm; grids have every combination",
    )
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS, description="seeds of each setting, from 0; intervals need two")
    trials: int = Field(
        default=0,
        ge=0,
        le=MOST_RUNS,
        description="settings that a search tries (extra search); 0 is a grid of every combination",
    )
    goals: tuple[str, ...] = Field(
        default=("test_accuracy",),
        description="figures that a search makes better, such as validation_accuracy,total_energy_j; means over seeds",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="runs that are trained at the same time, in a process each; none is one per processor core",
    )
    scheduler: str | None = Field(
        default=None,
        min_length=1,
        description="address of a Dask scheduler whose workers train, such as tcp://host:8786; none is processes here",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, values: Any) -> Any:
        return none_for_word(cls, values) if isinstance(values, Mapping) else values

    @field_validator("vary", mode="before")
    @classmethod
    def _read_vary(cls, value: Any) -> Any:
        if isinstance(value, str):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("goals", mode="before")
    @classmethod
    def _read_goals(cls, value: Any) -> Any:
        return names_in(value)

    @model_validator(mode="after")
    def _can_be_swept(self) -> Self:
        try:
            self._check()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def _check(self) -> None:
        check_goals(self.goals)
        space = self.space()
        ranges = [axis.key for axis in space if isinstance(axis, SearchRange)]
        if ranges and not self.trials:
            raise ConfigError(
                f"{ranges[0]} has a range to search in, and trials is 0; say how many settings are tried "
                "(--trials 50), or list values"
            )
        if self.trials and not space:
            raise ConfigError(
                "trials asks for a search, but nothing is varied; vary a key, such as training.lr=0.01..1"
            )
        held_out = self.data.validation or any(axis.key == "data.validation" for axis in space)
        if self.trials and "validation_accuracy" in self.goals and not held_out:
            raise ConfigError(
                "goals holds validation_accuracy, and data.validation is 0; hold images out (--set data.validation=0.2)"
            )
        settings = self.trials or math.prod(len(axis.values) for axis in space if isinstance(axis, Axis))
        runs = self.seeds * settings
        if runs > MOST_RUNS:
            raise ConfigError(
                f"these are {runs:,} runs, and {MOST_RUNS:,} are the most; vary less, or search (--trials)"
            )

    def space(self) -> list[Axis | SearchRange]:
        """Return what is varied.

        Raises
        ------
        ConfigError
            If one cannot be read, or its key is none that can be varied.
        """
        space = read_space(self.vary, _value_of)
        for axis in space:
            self._check_key(axis.key, space)
        return space

    def varied_keys(self) -> list[str]:
        """Return the keys that differ between runs."""
        return [axis.key for axis in self.space()]

    def _check_key(self, key: str, space: Sequence[Axis | SearchRange]) -> None:
        if key == "engine.seed":
            raise ConfigError("engine.seed cannot be varied: seeds says how many seeds each setting has")
        if key in self.decided or key.startswith("trace."):
            raise ConfigError(f"{key} cannot be varied; it says where or how a run is observed")
        section, _, name = key.partition(".")
        if section == "policy" and name != "name":
            varied = [axis.values for axis in space if isinstance(axis, Axis) and axis.key == "policy.name"]
            policies = varied[0] if varied else (self.policy.name,)
            for policy in policies:
                if name not in keys_of([str(policy)]):
                    raise ConfigError(
                        f"{key} cannot be varied: the policy {policy} has no such setting; it has "
                        f"{', '.join(POLICIES.load(str(policy)).settings_model.model_fields) or 'none'}"
                    )
        elif key not in ExperimentConfig().flat():
            raise ConfigError(unknown_key(key, ExperimentConfig.layout()))

    def grid(self) -> list[Settings]:
        """Return the settings of a grid: every combination, the values of the last key in turn first."""
        axes = [axis for axis in self.space() if isinstance(axis, Axis)]
        keys = [axis.key for axis in axes]
        return [dict(zip(keys, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]

    def for_run(self, settings: Settings, seed: int) -> ExperimentConfig:
        """Return the configuration of one of the runs.

        Raises
        ------
        ConfigError
            If the settings cannot be used together.
        """
        base = ExperimentConfig.from_mapping({key: value for key, value in self.given().items() if key in _SECTIONS})
        # A run has one of the processes: threads of its own would be in the way of the others.
        threads = {} if base.engine.threads is not None else {"engine.threads": 1}
        try:
            run = base.merge({**threads, **settings, "engine.seed": seed})
            if run.engine.name == "board":
                raise ConfigError("engine.name is board, which serves one run at a time; sweep on another engine")
        except ConfigError as error:
            raise self.refused(settings, error) from None
        return run

    @staticmethod
    def refused(settings: Settings, error: ConfigError) -> ConfigError:
        """Return an error with the settings that it is about."""
        listed = ", ".join(f"{key} = {value}" for key, value in settings.items())
        return ConfigError(f"with {listed or 'these settings'}: {error}")


def _value_of(key: str, text: str) -> Any:
    # Settings of a policy have a type only once the policy is known; results and plots need numbers.
    is_setting = key.startswith("policy.") and key != "policy.name"
    return config_file.parse_value(text) if is_setting else ExperimentConfig.value_from_text(key, text)


_SECTIONS: Final = frozenset(ExperimentConfig.model_fields)
