"""The section ``[policy]``: keys of every update policy, and the settings that the policy of the run brings itself."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import Field, ValidationError, WithJsonSchema, create_model, field_validator
from pydantic.fields import FieldInfo

from twinbar.emulator.sections.config_errors import show
from twinbar.emulator.sections.section import Section
from twinbar.host.experiment import config_file
from twinbar.host.update.known_policies import DEFAULT, POLICIES
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import is_reference

_NAMES: Final = POLICIES.built_in_names()
WIDEST_RANGE: Final = 8.0
SMALL_LAYERS: Final[Mapping[str, Mapping[str, float]]] = {"lenet": {"weight_range": 4.0, "narrow_share": 0.05}}
"""Settings of networks, by name, whose layers have so few weights that each of them counts."""
LEVELS_PER_DEVIATION: Final = 2
"""Levels that a standard deviation of the weights spans, at least: the range of few levels is narrower for that."""
PolicyName = Annotated[str, WithJsonSchema({"type": "string", "examples": _NAMES})]


class PolicyConfig(Section):
    """Which cells are written after an optimizer step; after these keys, the settings of the policy."""

    policies: ClassVar[tuple[str, ...]] = ()
    """Policies whose settings are among the keys."""

    name: PolicyName = Field(
        default=DEFAULT,
        description=f"update policy: {', '.join(_NAMES)} (float has no crossbar), that of a plug-in, or "
        "package.module:Name",
    )
    weight_range: float = Field(
        default=WIDEST_RANGE,
        ge=1e-3,
        le=1e6,
        description="weight of the highest level, in standard deviations of the He initialization; for your own "
        "networks, in those of each layer's weights when they are put on the crossbar; by default 8 (4 for lenet), but "
        "no more than half the number of levels per cell",
    )
    write_every: int = Field(
        default=1, ge=1, le=1_000_000, description="optimizer steps from one write list to the next"
    )
    write_every_end: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="the same at the end of the training, so that updates are accumulated for longer; it changes "
        "linearly in between; none: as write_every",
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not is_policy(value):
            raise ValueError(f"policy.name is {show(value)}; it must be {one_of_the_policies()}")
        return value

    def following(self, levels: int, model: str) -> Self:
        """Return this section with the defaults of levels per cell and a network, for keys that were not given."""
        defaults: dict[str, Any] = {"weight_range": WIDEST_RANGE, **SMALL_LAYERS.get(model, {})}
        defaults["weight_range"] = min(defaults["weight_range"], levels / LEVELS_PER_DEVIATION)
        for policy in self.policies:
            defaults |= POLICIES.load(policy).settings_model.defaults_for(levels)
        return self.with_defaults({key: value for key, value in defaults.items() if key in type(self).model_fields})

    def __reduce__(self) -> tuple[Any, ...]:
        # The classes of sections are made while the program runs; pickle must rebuild them.
        given = self.model_dump(exclude_unset=True)
        defaults = {key: value for key, value in self.model_dump().items() if key not in given}
        return _rebuilt, (self.policies, given, defaults)


def _rebuilt(policies: Sequence[str], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> PolicyConfig:
    return make_section(policies, given).with_defaults(defaults)


class SectionError(Exception):
    """A mistake in the section.

    Parameters
    ----------
    error : ValidationError
    section : type of PolicyConfig
        The keys that there are.
    """

    def __init__(self, error: ValidationError, section: type[PolicyConfig]) -> None:
        super().__init__(str(error))
        self.error = error
        self.section = section


class Text(str):
    """The value of a key as the command line has it; its type is known when the policy is."""


def is_policy(name: object) -> bool:
    """Whether something names a policy; it is not imported."""
    return isinstance(name, str) and (is_reference(name) or name in POLICIES.names())


def one_of_the_policies() -> str:
    """Say which names there are."""
    return f"one of {', '.join(POLICIES.names())}, or package.module:Name"


@cache
def section_of(policy: str) -> type[PolicyConfig]:
    """Return the section of a run with one policy.

    Raises
    ------
    ConfigError
        If the policy cannot be imported, or a setting has the name of a key of every policy.
    """
    settings = POLICIES.load(policy).settings_model
    both = settings.model_fields.keys() & PolicyConfig.model_fields.keys()
    if both:
        raise ConfigError(f"the update policy {policy} has a setting {min(both)}, as every policy has; rename it")
    # The settings are a base, so that their validators are at work. Fields are in the order of the last base first.
    return create_model(
        "PolicyConfig",
        __base__=(settings, PolicyConfig),  # type: ignore[arg-type]
        __doc__=PolicyConfig.__doc__,
        policies=(ClassVar[tuple[str, ...]], (policy,)),
    )


def keys_of(policies: Iterable[str]) -> dict[str, FieldInfo]:
    """Return the keys that the section of some policies may have."""
    fields: dict[str, FieldInfo] = {}
    for policy in policies:
        for key, field in section_of(policy).model_fields.items():
            fields.setdefault(key, field)
    return fields


def make_section(policies: Sequence[str], values: Mapping[str, Any]) -> PolicyConfig:
    """Check the keys of a section.

    Parameters
    ----------
    policies : sequence of str
        Those that share the section: one, or those of a comparison. A setting that two of them have with other defaults
        or bounds is a key of theirs only where it is given: else each has its own default.
    values : mapping

    Raises
    ------
    SectionError
        If a key or a value is wrong.
    ConfigError
        If a policy cannot be imported.
    """
    if len(policies) == 1:
        return _checked(section_of(policies[0]), values)
    unknown = [key for key in values if key not in keys_of(policies)]
    if unknown:
        return _checked(section_of_all(tuple(policies)), {key: values[key] for key in unknown})
    sections = [
        _checked(
            section_of(policy),
            {key: value for key, value in values.items() if key in section_of(policy).model_fields and key != "name"},
        )
        for policy in policies
    ]
    given = {key: getattr(section, key) for section in reversed(sections) for key in section.model_fields_set}
    if "name" in values:
        given["name"] = values["name"]
    return _checked(section_of_all(tuple(policies), frozenset(_contested(policies) & given.keys())), given)


@cache
def section_of_all(policies: tuple[str, ...], given: frozenset[str] = frozenset()) -> type[PolicyConfig]:
    """Return the section that several policies share.

    Parameters
    ----------
    policies : tuple of str
    given : frozenset of str
        Keys that have a value, among those that policies have with other defaults or bounds.
    """
    fields: dict[str, Any] = {}
    for key, field in keys_of(policies).items():
        if key not in PolicyConfig.model_fields and (key in given or key not in _contested(policies)):
            # Each run checks its own values: here they are as a run has them.
            free = copy.copy(field)
            free.metadata = []
            fields[key] = (Any, free)
    return create_model(
        "PolicyConfig",
        __base__=PolicyConfig,
        __doc__=PolicyConfig.__doc__,
        policies=(ClassVar[tuple[str, ...]], policies),
        **fields,
    )


def _contested(policies: Iterable[str]) -> set[str]:
    """Return the keys that some policies have with other types, defaults or bounds."""
    kinds: dict[str, set[str]] = {}
    for policy in policies:
        for key, field in section_of(policy).model_fields.items():
            kinds.setdefault(key, set()).add(repr((field.annotation, field.default, field.metadata)))
    return {key for key, found in kinds.items() if len(found) > 1}


def _checked(section: type[PolicyConfig], values: Mapping[str, Any]) -> PolicyConfig:
    try:
        return section.model_validate({key: _read(section, key, value) for key, value in values.items()})
    except ValidationError as error:
        raise SectionError(error, section) from None


def _read(section: type[PolicyConfig], key: str, value: Any) -> Any:
    if not isinstance(value, Text):
        return value
    field = section.model_fields.get(key)
    return config_file.read_text(str(value), None if field is None else field.annotation)
