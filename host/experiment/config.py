"""The configuration of an experiment, as files, the command line and reports have it.

It is made of sections; ``section.key`` names a choice everywhere: in TOML files, on the command line (``--set``), in
messages. Nothing heavy is imported, so that the command line starts fast.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from twinbar.host.experiment import config_file
from twinbar.host.experiment.config_errors import explain, unknown_key
from twinbar.host.experiment.sections import (
    ArrayConfig,
    DataConfig,
    DeviceConfig,
    EngineConfig,
    ModelConfig,
    PolicyConfig,
    PolicyName,
    TimingConfig,
    TraceConfig,
    TrainingConfig,
    WriteConfig,
)
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError

RESUME_MAY_CHANGE: Final = frozenset(
    {
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


class ExperimentConfig(BaseModel):
    """Everything that decides the result of a training run."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    device: DeviceConfig = DeviceConfig()
    array: ArrayConfig = ArrayConfig()
    timing: TimingConfig = TimingConfig()
    write: WriteConfig = WriteConfig()
    policy: PolicyConfig = PolicyConfig()
    training: TrainingConfig = TrainingConfig()
    engine: EngineConfig = EngineConfig()
    trace: TraceConfig = TraceConfig()

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
            raise ConfigError(f"{source}: {explain(error, cls)}" if source else explain(error, cls)) from None

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

    def merge(self, changes: Mapping[str, Any]) -> Self:
        """Give this configuration with other values for some keys.

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
        for key, value in changes.items():
            *section, name = key.split(".")
            target = values
            for part in section:
                target = target.get(part) if isinstance(target, dict) else None  # type: ignore[assignment]
            if not isinstance(target, dict) or name not in target or isinstance(target[name], dict):
                raise ConfigError(unknown_key(key, type(self)))
            target[name] = value
        return self.from_mapping(values)

    @classmethod
    def value_from_text(cls, key: str, text: str) -> Any:
        """Read the value of a key as the command line gives it; `merge` checks it.

        A key that holds text takes it as it is, so that a folder may be called ``2024``; others are read as numbers,
        ``true``, ``false`` or a TOML list where they look like it.
        """
        section, _, name = key.rpartition(".")
        owner: Any = cls
        if section:
            owner = cls.model_fields[section].annotation if section in cls.model_fields else None
        field = getattr(owner, "model_fields", {}).get(name)
        if field is None or str in (field.annotation, *get_args(field.annotation)):
            return text
        return config_file.parse_value(text)

    def to_toml(self) -> str:
        """Write every key with its value and meaning; `from_toml` reads it back exactly."""
        return config_file.write(self)

    def with_absolute_paths(self) -> Self:
        """Give this configuration with paths that hold from any working folder; names stay as they are."""
        changes = {}
        for key in ("data.name", "device.preset", "engine.energy_table"):
            value = self.flat()[key]
            path = Path(value).expanduser()
            names_a_set = key == "data.name" and value not in ("digits", "mnist") and path.is_dir()
            if len(path.parts) > 1 or path.suffix == ".toml" or names_a_set:
                changes[key] = str(path.absolute())
        if self.engine.record_line is not None:
            changes["engine.record_line"] = str(Path(self.engine.record_line).expanduser().absolute())
        return self.merge(changes)

    def flat(self) -> dict[str, Any]:
        """Give all values by dotted key."""
        return config_file.flatten(self.model_dump())

    def differences(self, other: "ExperimentConfig") -> list[str]:
        """Give the dotted keys in which two configurations differ."""
        mine, theirs = self.flat(), other.flat()
        return [key for key in mine if mine[key] != theirs.get(key)] + [key for key in theirs if key not in mine]

    def to_json(self) -> dict[str, Any]:
        """Give the nested values as JSON knows them, for ``report.json``."""
        return self.model_dump(mode="json")


class CompareConfig(ExperimentConfig):
    """A configuration that several policies share; ``policy.name`` is each of them in turn."""

    policies: tuple[PolicyName, ...] = Field(
        default=("closed-loop", "siamese"), description="update policies that are compared, in this order"
    )

    @field_validator("policies", mode="before")
    @classmethod
    def _read_policies(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(","))
        return tuple(value) if isinstance(value, list) else value

    @field_validator("policies")
    @classmethod
    def _check_policies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"policies is {', '.join(value) or 'empty'}; name one or more, each of them once")
        return value

    def for_policy(self, name: str) -> ExperimentConfig:
        """Give the configuration of one of the runs."""
        values = self.model_dump(exclude={"policies"})
        return ExperimentConfig.from_mapping(values).merge({"policy.name": name})
