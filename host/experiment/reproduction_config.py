"""The configuration of a reproduction: the networks of Tan et al., every reading of their baseline, several seeds."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.config_errors import show
from twinbar.host.experiment.config import ExperimentConfig, SeveralPolicies, names_in
from twinbar.host.experiment.policy_section import PolicyName
from twinbar.host.experiment.sections import DataConfig, TrainingConfig

NETWORKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "mlp-256": {"model.kind": "mlp", "model.hidden": (256,)},
    "mlp-256-128": {"model.kind": "mlp", "model.hidden": (256, 128)},
    "lenet": {"model.kind": "lenet"},
}
"""Networks by name: on MNIST, 784-256-10, 784-256-128-10 and LeNet-5."""

REPRODUCTION: Final = "reproduction.json"
"""The result, in its folder."""
METHOD: Final = "siamese"
"""The policy of Tan et al."""
SOFTWARE: Final = "float"
"""The policy that trains the same network without a crossbar."""
READINGS: Final[Mapping[str, str]] = {
    "closed-loop": "every cell to its level",
    "closed-loop-analog": "every cell to its analog value",
    "closed-loop-erase": "every cell erased and rewritten",
}
"""What "the basic closed-loop update method" of the abstract may mean, by the policy that does it."""

MOST_SEEDS: Final = 31
"""`twinbar.host.experiment.mean_interval` has the quantiles for so many."""

QUICK: Final[Mapping[str, Any]] = {
    "data.limit": 3200,
    "training.epochs": 2,
    "seeds": 2,
    "baseline_seeds": 1,
}
"""What ``quick`` sets, where nothing else is given."""


class ReproductionConfig(SeveralPolicies):
    """Everything that decides the result of a reproduction."""

    command: ClassVar[str] = "reproduce"
    runs_decide: ClassVar[bool] = True
    decided: ClassVar[frozenset[str]] = frozenset(
        {
            "policy.name",
            "model.kind",
            "model.hidden",
            "engine.name",
            "engine.port",
            "engine.baud",
            "engine.check",
            "engine.record_line",
            "engine.seed",
            "training.stop_after",
            "training.loss",
            "training.metric",
            "trace.record",
            "trace.timeline",
            "trace.wave",
        }
    )

    quick: bool = Field(
        default=False,
        description=f"take minutes: {QUICK['data.limit']:,} training images, {QUICK['training.epochs']} epochs, "
        f"{QUICK['seeds']} seeds, and baselines of one seed, where nothing else is given",
    )
    networks: tuple[str, ...] = Field(
        default=tuple(NETWORKS), description=f"networks that are trained, of {', '.join(NETWORKS)}"
    )
    policies: tuple[PolicyName, ...] = Field(
        default=(SOFTWARE, METHOD, *READINGS),
        description=f"update policies: {METHOD}, and what it is compared with: {SOFTWARE}, {', '.join(READINGS)}",
    )
    seeds: int = Field(
        default=5, ge=1, le=MOST_SEEDS, description=f"seeds, from 0, of {METHOD} and {SOFTWARE}; intervals need two"
    )
    baseline_seeds: int = Field(
        default=3, ge=1, le=MOST_SEEDS, description="of these, seeds of the closed-loop baselines, which differ little"
    )
    baseline_epochs: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="epochs that the closed-loop baselines are trained for, of a schedule of all epochs; savings are "
        "those of epoch 1",
    )

    data: DataConfig = DataConfig(name="mnist")
    training: TrainingConfig = TrainingConfig(epochs=8)

    @model_validator(mode="before")
    @classmethod
    def _be_quick(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        # Sections that a file gives in part keep the defaults of this class.
        found: dict[str, Any] = {**values}
        given = {"data.name": "mnist", "training.epochs": 8} | (dict(QUICK) if found.get("quick") is True else {})
        for key, value in given.items():
            section, _, name = key.rpartition(".")
            if not section:
                found.setdefault(name, value)
            elif isinstance(found.get(section, {}), Mapping):
                found[section] = {name: value, **found.get(section, {})}
        return found

    @field_validator("networks", mode="before")
    @classmethod
    def _read_networks(cls, value: Any) -> Any:
        return names_in(value)

    @field_validator("networks")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in NETWORKS:
                raise ValueError(f"networks holds {show(name)}; each item must be one of {', '.join(NETWORKS)}")
        if not value or len(set(value)) < len(value):
            raise ValueError(f"networks is {', '.join(value) or 'empty'}; name one or more, each of them once")
        return value

    @field_validator("policies")
    @classmethod
    def _check_policies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = (SOFTWARE, METHOD, *READINGS)
        for name in value:
            if name not in known:
                raise ValueError(
                    f"policies holds {show(name)}; a reproduction has {', '.join(known)} (twinbar compare has others)"
                )
        value = super()._check_policies(value)
        if METHOD not in value:
            raise ValueError(f"policies is {', '.join(value)}; {METHOD}, whose claims are examined, must be among them")
        return value

    @model_validator(mode="after")
    def _leave_what_is_decided(self) -> Self:
        mine, usual = self.flat(), ReproductionConfig.model_construct().flat()
        for key in sorted(self.decided - {"policy.name"}):
            if mine[key] != usual[key]:
                raise ValueError(
                    f"{key} is {show(mine[key])}, but a reproduction decides it; leave it out, or use twinbar train"
                )
        return self

    @model_validator(mode="after")
    def _baselines_within_the_run(self) -> Self:
        if self.baseline_epochs > self.training.epochs:
            raise ValueError(
                f"baseline_epochs is {self.baseline_epochs} and training.epochs {self.training.epochs}; it must not be "
                "more"
            )
        return self

    def merge(self, changes: Mapping[str, Any]) -> Self:
        """Return this configuration with other values for some keys; ``quick`` sets `QUICK` too."""
        if changes.get("quick") is True and not self.quick:
            changes = {**QUICK, **changes}
        return super().merge(changes)

    def for_part(self, network: str, policy: str, seed: int) -> ExperimentConfig:
        """Return the configuration of one of the trainings."""
        own = {**NETWORKS[network], "engine.seed": seed}
        if policy in READINGS and self.baseline_epochs < self.training.epochs:
            own["training.stop_after"] = self.baseline_epochs
        return self.for_policy(policy).merge(own)
