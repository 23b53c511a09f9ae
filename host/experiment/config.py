"""The configuration of an experiment, as files, the command line and reports have it.

It is made of sections; ``section.key`` names a choice everywhere: in TOML files, on the command line (``--set``), in
messages. Nothing heavy is imported, so that the command line starts fast.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeVar

from pydantic import (
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.config_errors import explain, show, unknown_key
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.host.experiment import config_file
from twinbar.host.experiment.policy_section import (
    PolicyConfig,
    PolicyName,
    SectionError,
    Text,
    is_policy,
    keys_of,
    make_section,
    one_of_the_policies,
    section_of,
)
from twinbar.host.experiment.sections import DataConfig, EngineConfig, ModelConfig, TraceConfig, TrainingConfig
from twinbar.host.experiment.write_names import write_named
from twinbar.host.twin.optimizer_formats import refuse_optimizer
from twinbar.host.twin.twin_policy_check import check_policy
from twinbar.host.twin.twin_section import TwinConfig
from twinbar.host.update.known_policies import DEFAULT, POLICIES
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import expanded
from twinbar.hw.toml_table import TomlTable


def refuse_without_codes(name: str, policy: UpdatePolicy[Any], write: WriteConfig) -> None:
    """Refuse a policy that compensates by the codes that writes end with, where they give none.

    Raises
    ------
    ConfigError
    """
    if policy.keeps_read_back and not write.gives_codes:
        how = "write.verify is 'compare'" if write.compare else f"write.algorithm is {write.algorithm!r}"
        raise ConfigError(
            f"policy {name} compensates by the code that is read back, and {how}, which gives none; set "
            "write.read_back = true with write.verify = 'compare', which takes one conversion per write, or another "
            "policy.compensation"
        )


def names_in(value: Any) -> Any:
    """Return the names that a text lists with commas, or a list holds, as a tuple; other values as they are."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(","))
    return tuple(value) if isinstance(value, list) else value


RESUME_MAY_CHANGE: Final = frozenset(
    {
        "workers",
        "scheduler",
        "engine.threads",
        "engine.port",
        "engine.baud",
        "engine.wait_s",
        "engine.check",
        "engine.record_line",
        "trace.record",
        "trace.timeline",
        "trace.wave",
        "trace.steps",
    }
)
"""Keys that a resumed run may change: they say where it runs, and its result does not depend on them."""


class _Policy(NamedTuple):
    """The values of the section ``[policy]``, and the policies whose settings are among its keys."""

    policies: tuple[str, ...]
    values: Any


FOLLOWING: Final = ("policy", "training")
"""Sections with defaults that follow the levels per cell."""


class ExperimentConfig(TomlTable):
    """Everything that decides the result of a training run."""

    model_config = ConfigDict(strict=True)
    command: ClassVar[str] = "train"
    """Command whose folders hold it."""
    names_policies: ClassVar[str] = "policy.name"
    """Key that names the policies."""
    decided: ClassVar[frozenset[str]] = frozenset()
    """Keys that no option sets, as each run has a value of its own."""
    runs_decide: ClassVar[bool] = False
    """Whether runs have levels, a policy or a network of their own, which defaults follow."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    device: DeviceConfig = DeviceConfig()
    array: ArrayConfig = ArrayConfig()
    timing: TimingConfig = TimingConfig()
    write: WriteConfig = WriteConfig()
    policy: SerializeAsAny[PolicyConfig] = PolicyConfig()
    twin: TwinConfig = TwinConfig()
    training: TrainingConfig = TrainingConfig()
    engine: EngineConfig = EngineConfig()
    trace: TraceConfig = TraceConfig()

    @model_validator(mode="before")
    @classmethod
    def _choose_policies(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        policy = values.get("policy", {})
        if isinstance(policy, PolicyConfig):
            policy = policy.model_dump(exclude_unset=True)
        return {**values, "policy": _Policy(cls.policies_in({**values, "policy": policy}), policy)}

    @field_validator("policy", mode="before")
    @classmethod
    def _make_policy(cls, value: Any) -> Any:
        if not isinstance(value, _Policy):
            return value
        if not isinstance(value.values, Mapping):
            return value.values
        try:
            return make_section(value.policies, value.values)
        except SectionError as wrong:
            raise ValueError(explain(wrong.error, cls.layout(wrong.section), "policy")) from None
        except ConfigError as error:
            raise ValueError(f"{cls.names_policies}: {error}") from None

    @model_validator(mode="after")
    def _follow_levels(self) -> Self:
        for section in FOLLOWING:
            found = getattr(self, section)
            followed = found.following(self.device.levels, self.model.kind)
            if followed is not found:
                # Assigning it would make it a value that was given.
                self.__dict__[section] = followed
        return self

    @model_validator(mode="after")
    def _chains_are_pipelines(self) -> Self:
        if self.array.chained_layers and self.training.pipeline > 1:
            raise ValueError(
                f"training.pipeline is {self.training.pipeline}, but array.chained_layers lets images follow one "
                "another through all layers; set training.pipeline = 1"
            )
        return self

    @model_validator(mode="after")
    def _twin_serves(self) -> Self:
        if self.twin.kind != "float32":
            try:
                self._check_twin()
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _codes_serve(self) -> Self:
        if not self.write.gives_codes:
            try:
                self._check_codes()
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return self

    def _check_codes(self) -> None:
        """Refuse a policy that needs the code of every write, where writes give none."""
        refuse_without_codes(self.policy.name, self.make_policy(), self.write)

    def _check_twin(self) -> None:
        """Refuse a policy or an optimizer that a twin of few bits cannot serve."""
        refuse_optimizer(self.training.optimizer)
        check_policy(self.twin, self.policy.name, self.make_policy(), self.device)

    def make_policy(self) -> UpdatePolicy[Any]:
        """Make the update policy.

        Raises
        ------
        ConfigError
            If it cannot be imported.
        """
        policy = POLICIES.load(self.policy.name)
        values = self.policy.model_dump()
        return policy(policy.settings_model(**{key: values[key] for key in policy.settings_model.model_fields}))

    @classmethod
    def policies_in(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the policies whose settings nested values may hold; the default one where none is named rightly."""
        policy = values.get("policy", {})
        name = policy.get("name", DEFAULT) if isinstance(policy, Mapping) else DEFAULT
        return (name,) if is_policy(name) else (DEFAULT,)

    @classmethod
    def layout(cls, section: type[PolicyConfig] | None = None) -> type[Self]:
        """Return a class with the settings of a policy among its keys, for messages and tables.

        Parameters
        ----------
        section : type of PolicyConfig
            The section of the policy; by default, that of the default one.
        """
        return _with_policy(cls, section or section_of(DEFAULT))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str = "") -> Self:
        """Check nested values, such as a parsed TOML file holds; keys that are left out have their defaults.

        Parameters
        ----------
        values : mapping of str
        source : str
            Where they come from, for messages.

        Raises
        ------
        ConfigError
            One sentence on the first mistake.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            sentence = explain(error, cls.layout())
            raise ConfigError(f"{source}: {sentence}" if source else sentence) from None

    @classmethod
    def of(cls, config: "str | Path | Mapping[str, Any] | ExperimentConfig | None") -> Self:
        """Return the configuration that a caller gave: an object, a file, nested values, or nothing for the defaults.

        Raises
        ------
        ConfigError
            As `from_toml` and `from_mapping`, or if it is something else.
        """
        if config is None:
            return cls()
        if isinstance(config, cls):
            return config
        if isinstance(config, ExperimentConfig):
            return cls.from_mapping(config.given())
        if isinstance(config, Mapping):
            return cls.from_mapping(config)
        if not isinstance(config, str | os.PathLike):
            raise ConfigError(
                f"config is {type(config).__name__}; it must be a file, nested values such as "
                "{'device': {'levels': 8}}, or an ExperimentConfig"
            )
        return cls.from_toml(Path(config))

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a configuration file.

        Raises
        ------
        ConfigError
            If it cannot be read, is not TOML, or holds a mistake.
        """
        return cls.from_mapping(toml.read(path, str(path)), str(path))

    @classmethod
    def from_toml_text(cls, text: str, source: str) -> Self:
        """Read the text of a configuration file; errors as in `from_toml`."""
        return cls.from_mapping(toml.parse(text, source), source)

    def followers(self) -> set[str]:
        """Return the dotted keys that were not given and have defaults that follow other keys."""
        policy = type(self.policy).model_fields.keys() - self.policy.model_fields_set - {"name"}
        training = self.training.follows - self.training.model_fields_set
        return {f"policy.{key}" for key in policy} | {f"training.{key}" for key in training}

    def given(self) -> dict[str, Any]:
        """Return all values, but of the sections whose defaults follow others only what was given."""
        following = {name: getattr(self, name).model_dump(exclude_unset=True) for name in FOLLOWING}
        return {**self.model_dump(exclude=set(FOLLOWING)), **following}

    def merge(self, changes: Mapping[str, Any]) -> Self:
        """Return this configuration with other values for some keys.

        Parameters
        ----------
        changes : mapping
            Values by dotted key, ``{"device.levels": 8}``.

        Raises
        ------
        ConfigError
            If there is no such key, or a value cannot be used.
        """
        values: dict[str, Any] = self.model_dump()
        policy: dict[str, Any] = {}
        given = set(self.training.model_fields_set)
        for key, value in changes.items():
            *path, name = key.split(".")
            if path == ["policy"]:
                policy[name] = value
                continue
            target: Any = values
            for part in path:
                target = target.get(part) if isinstance(target, dict) else None
            if not isinstance(target, dict) or name not in target or isinstance(target[name], dict):
                raise ConfigError(unknown_key(key, self.layout()))
            target[name] = value
            if path == ["training"]:
                given.add(name)
        values["training"] = {key: value for key, value in values["training"].items() if key in given}
        # Settings that were not given, and those that only another policy has, go with that policy.
        before = self.policy.model_dump(exclude_unset=True)
        try:
            keys = keys_of(self.policies_in({**values, "policy": before | policy}))
        except ConfigError as error:
            raise ConfigError(f"{self.names_policies}: {error}") from None
        values["policy"] = {key: value for key, value in before.items() if key in keys} | policy
        return self.from_mapping(values)

    @classmethod
    def value_from_text(cls, key: str, text: str) -> Any:
        """Read the value of a key as the command line gives it; `merge` checks it.

        A key that holds text takes it as it is, so that a folder may be called ``2024``; others are read as numbers,
        ``true``, ``false`` or a TOML list where they look like it.
        """
        section, _, name = key.rpartition(".")
        if section == "policy" and name not in PolicyConfig.model_fields:
            return Text(text)
        owner: Any = cls
        if section:
            owner = cls.model_fields[section].annotation if section in cls.model_fields else None
        field = getattr(owner, "model_fields", {}).get(name)
        return config_file.read_text(text, None if field is None else field.annotation)

    def to_toml(self) -> str:
        """Write every key with its value and meaning; `from_toml` reads it back exactly.

        Where `runs_decide`, keys that were not given and follow what a run has of its own are comments, so that
        `from_toml` does not take them for given.
        """
        return config_file.write(self, self.followers() if self.runs_decide else ())

    def with_absolute_paths(self) -> Self:
        """Return this configuration with paths that hold from any working folder; names stay as they are."""
        changes: dict[str, Any] = {}
        for key in ("data.name", "device.preset", "engine.energy_table"):
            value = self.flat()[key]
            path = expanded(value)
            names_a_set = key == "data.name" and value not in ("digits", "mnist") and os.path.isdir(path)
            if len(path.parts) > 1 or path.suffix.lower() in (".toml", ".npz") or names_a_set:
                changes[key] = str(path.absolute())
        if self.device.effects:
            changes["device.effects"] = tuple(
                str(expanded(name).absolute()) if name.endswith(".toml") else name for name in self.device.effects
            )
        for key in ("device.fault_map", "array.known_faults"):
            value = self.flat()[key]
            if value is not None:
                changes[key] = str(expanded(value).absolute())
        if self.engine.record_line is not None:
            changes["engine.record_line"] = str(expanded(self.engine.record_line).absolute())
        return self.merge(changes)

    def varied_keys(self) -> list[str]:
        """Return the keys that differ between runs."""
        return []

    def flat(self) -> dict[str, Any]:
        """Return all values by dotted key."""
        return config_file.flatten(self.model_dump())

    def differences(self, other: "ExperimentConfig") -> list[str]:
        """Return the dotted keys in which two configurations differ; defaults that follow another key are left out."""
        mine, theirs = self.flat(), other.flat()
        for key in self.followers() & other.followers():
            if key in mine and key in theirs:
                del mine[key], theirs[key]
        return [key for key in mine if mine[key] != theirs.get(key)] + [key for key in theirs if key not in mine]

    def to_json(self) -> dict[str, Any]:
        """Return the nested values as JSON knows them, for ``report.json``."""
        return self.model_dump(mode="json")


_Config = TypeVar("_Config", bound=ExperimentConfig)


@cache
def _with_policy(kind: type[_Config], section: type[PolicyConfig]) -> type[_Config]:
    return create_model(kind.__name__, __base__=kind, policy=(section, ...))


class SeveralPolicies(ExperimentConfig):
    """A configuration that several policies share; ``policy.name`` is each of them in turn."""

    names_policies: ClassVar[str] = "policies"
    decided: ClassVar[frozenset[str]] = frozenset({"policy.name"})

    policies: tuple[PolicyName, ...] = Field(
        default=("closed-loop", "siamese"), description="update policies that are compared, in this order"
    )

    @field_validator("policies", mode="before")
    @classmethod
    def _read_policies(cls, value: Any) -> Any:
        return names_in(value)

    @field_validator("policies")
    @classmethod
    def _check_policies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not is_policy(name):
                raise ValueError(f"policies holds {show(name)}; each item must be {one_of_the_policies()}")
        if not value or len(set(value)) < len(value):
            raise ValueError(f"policies is {', '.join(value) or 'empty'}; name one or more, each of them once")
        return value

    @classmethod
    def policies_in(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the policies whose settings nested values may hold; the default ones where none is named rightly."""
        default: tuple[str, ...] = cls.model_fields["policies"].default
        given = names_in(values.get("policies", default))
        names = tuple(filter(is_policy, given)) if isinstance(given, tuple) else ()
        return tuple(dict.fromkeys(names or default))

    def _check_twin(self) -> None:
        for name in self.policies:
            self.for_policy(name)

    def _check_codes(self) -> None:
        for name in self.policies:
            self.for_policy(name)

    def for_policy(self, name: str) -> ExperimentConfig:
        """Return the configuration of one of the runs."""
        values = {key: value for key, value in self.given().items() if key in _SECTIONS}
        keys = keys_of([name])
        policy = {key: value for key, value in values.pop("policy").items() if key in keys}
        return ExperimentConfig.from_mapping({**values, "policy": {**policy, "name": name}})


_SECTIONS: Final = frozenset(ExperimentConfig.model_fields)


class CompareConfig(SeveralPolicies):
    """A configuration of several policies, or of several write algorithms with one of them."""

    command: ClassVar[str] = "compare"

    writes: tuple[str, ...] = Field(
        default=(),
        description="write algorithms that are compared with one policy, in this order; each a name of "
        "write.algorithm, and +first, +patience, +compare or +read-back behind it",
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_one_policy(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not values.get("writes"):
            return values
        default = cls.model_fields["policies"].default
        several = tuple(names_in(values.get("policies", default)))
        return {**values, "policies": (DEFAULT,) if several == default else values["policies"]}

    @field_validator("writes", mode="before")
    @classmethod
    def _read_writes(cls, value: Any) -> Any:
        return names_in(value)

    @field_validator("writes", mode="after")
    @classmethod
    def _check_writes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"writes is {', '.join(value)}; name each of them once")
        return value

    @model_validator(mode="after")
    def _writes_can_be_compared(self) -> Self:
        if not self.writes:
            return self
        if len(self.policies) > 1:
            raise ValueError(
                f"writes are compared with one policy, and policies is {', '.join(self.policies)}; name one of them"
            )
        try:
            for name in self.writes:
                self.for_write(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def for_write(self, name: str) -> ExperimentConfig:
        """Return the configuration of the run with a write algorithm (`write_named`)."""
        run = self.for_policy(self.policies[0])
        return run.merge({f"write.{key}": value for key, value in write_named(name, self.write).model_dump().items()})
