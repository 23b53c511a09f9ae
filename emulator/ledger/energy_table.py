"""Energy tables: what each action of a tile costs, as data files with unit, source and uncertainty per entry.

A table is a TOML file: one of `energy_table_names`, or a user's own. After Accelergy (Wu, Emer, Sze, ICCAD 2019),
energy is the sum of action counts times table entries; the names of the actions are those of `twinbar.hw.actions`.
"""

import difflib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from twinbar.emulator.devices.quantity import Certainty
from twinbar.hw import toml
from twinbar.hw.actions import ACTIONS, OF_OPTIONS, OF_STATES, PRICED, Action
from twinbar.hw.built_in import toml_files
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.registry import Registry, Unfit, is_reference
from twinbar.hw.toml_table import TomlTable

ENERGY_UNITS: Final = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15}
POWER_UNITS: Final = {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "nW": 1e-9}
FREQUENCY_UNITS: Final = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ByBits = Annotated[dict[Annotated[int, Field(ge=1, le=24)], NonNegative], Field(min_length=1)]
ByLaneBits = Annotated[dict[Annotated[int, Field(ge=1, le=VALUE_BITS)], NonNegative], Field(min_length=1)]


class Sourced(TomlTable):
    """Where a figure comes from and how far it may be off.

    Parameters
    ----------
    certainty : {"published", "derived", "assumed"}
        ``published``: stands so in the source; ``derived``: computed from it; ``assumed``: chosen, for the reason that
        the source text gives.
    source : str
        Paper, datasheet with document number, or the reason of an assumption.
    uncertainty : float, optional
        Relative: 0.3 is plus and minus 30 %.
    factor : float, optional
        1 or more: the true value lies between ``value / factor`` and ``value * factor``. Exactly one of the two is
        given.
    note : str, optional
    """

    certainty: Certainty
    source: Text
    uncertainty: NonNegative | None = None
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _has_one_uncertainty(self) -> "Sourced":
        if (self.uncertainty is None) == (self.factor is None):
            raise ValueError("needs exactly one of uncertainty (relative, such as 0.3) and factor (1 or more)")
        return self

    def bounds(self, nominal: float) -> tuple[float, float]:
        """Return the lowest and highest plausible value of something that is nominally ``nominal``."""
        if self.factor is not None:
            return nominal / self.factor, nominal * self.factor
        spread = self.uncertainty or 0.0
        return nominal * max(0.0, 1.0 - spread), nominal * (1.0 + spread)


class ActionEnergy(Sourced):
    """Energy of one action.

    Parameters
    ----------
    value : float, optional
        Energy in ``unit``.
    by_adc_bits, by_input_bits, by_lane_bits : dict of int to float, optional
        Energy in ``unit`` by the resolution of the ADC, by the bits of the input DAC (1: bit planes), or by the bits of
        a sum in a response beat. Exactly one of the four is given.
    unit : str
        One of `ENERGY_UNITS`.
    part : str, optional
        Circuit that the figure belongs to. Entries of one part are off by the same factor (the verify and the forward
        conversion of one ADC); by default an entry is a part of its own.
    """

    value: NonNegative | None = None
    by_adc_bits: ByBits | None = None
    by_input_bits: ByBits | None = None
    by_lane_bits: ByLaneBits | None = None
    unit: Literal["J", "mJ", "uJ", "nJ", "pJ", "fJ"]
    part: Name | None = None

    @model_validator(mode="after")
    def _has_one_value(self) -> "ActionEnergy":
        choices = (self.value, self.by_adc_bits, self.by_input_bits, self.by_lane_bits)
        if sum(given is not None for given in choices) != 1:
            raise ValueError("needs exactly one of value, by_adc_bits, by_input_bits and by_lane_bits")
        return self

    def energy_j(self, adc_bits: int, input_bits: int, lane_bits: int = VALUE_BITS) -> float:
        """Return the energy in joules at a resolution.

        Raises
        ------
        LookupError
            If the entry has no figure for the resolution; the text says which there are.
        """
        if self.by_adc_bits is not None:
            value = _pick(self.by_adc_bits, "by_adc_bits", adc_bits)
        elif self.by_input_bits is not None:
            value = _pick(self.by_input_bits, "by_input_bits", input_bits)
        elif self.by_lane_bits is not None:
            value = _pick(self.by_lane_bits, "by_lane_bits", lane_bits)
        else:
            assert self.value is not None
            value = self.value
        return value * ENERGY_UNITS[self.unit]


def _pick(figures: dict[int, float], key: str, bits: int) -> float:
    if bits not in figures:
        raise LookupError(f"{key} has no figure for {bits} bits, only for {', '.join(map(str, sorted(figures)))}")
    return figures[bits]


PowerState = Literal["always", "clocked", "gated", "on", "off"]
Owner = Literal["system", "tile", "channel"]
STATES: Final[dict[Owner, tuple[PowerState, ...]]] = {
    "system": ("always",),
    "tile": ("always", "clocked", "gated"),
    "channel": ("always", "on", "off"),
}
"""States of what draws power, by what there is one of it for; of a pair, that of the greater power goes first."""
_CHANGES: Final[dict[PowerState, Action]] = {"gated": Action.CLOCK_GATE, "off": Action.CHANNEL_WAKE}
"""Action that leaving a state takes."""


class StaticPower(Sourced):
    """Power that a component draws all the time, or in a state.

    A tile is `gated` in its phases `idle` and `stall`, and else `clocked`. An ADC channel is `on` while the read path
    is on and the channel has something to convert; it wakes within the settling time of the read path, in which it is
    on.

    Parameters
    ----------
    component : str
        Its name; ``static_<component>`` in the breakdown.
    value : float
        Power in ``unit``, at the table's clock frequency.
    unit : str
        One of `POWER_UNITS`.
    per : {"system", "tile", "channel"}
        Whether there is one of it, one for each tile, or one for each ADC channel of each tile.
    state : {"always", "clocked", "gated", "on", "off"}
        State in which it draws this power: `STATES`. A component has one entry, or one for each state of a pair.
    clocked : bool
        Whether the power is proportional to the clock frequency.
    part : str, optional
        As in `ActionEnergy`.
    """

    component: Name
    value: NonNegative
    unit: Literal["W", "mW", "uW", "nW"]
    per: Owner = "system"
    state: PowerState = "always"
    clocked: bool = False
    part: Name | None = None

    @model_validator(mode="after")
    def _has_a_state_of_its_owner(self) -> "StaticPower":
        if self.state not in STATES[self.per]:
            raise ValueError(
                f"has the state {self.state!r} per {self.per}; a tile is clocked or gated, an ADC channel on or off"
            )
        return self

    def power_w(self, clock_hz: float, table_clock_hz: float) -> float:
        """Return the power in watts of one of it at ``clock_hz``."""
        power = self.value * POWER_UNITS[self.unit]
        return power * clock_hz / table_clock_hz if self.clocked else power


class TableClock(TomlTable):
    """The clock frequency that the table's clocked powers were figured for."""

    value: Positive
    unit: Literal["Hz", "kHz", "MHz", "GHz"]
    source: Text

    @property
    def hz(self) -> float:
        """The frequency in hertz."""
        return self.value * FREQUENCY_UNITS[self.unit]


class EnergyTable(TomlTable):
    """Energies of all actions and powers of all components of one technology.

    Parameters
    ----------
    name : str
        By default the file's name without its ending.
    description : str
    clock : TableClock
    cell : Sourced
        How far the energy dissipated in cells may be off; its joules come from the device preset.
    actions : dict of str to ActionEnergy
        One entry for each name in `PRICED`; those of `OF_OPTIONS` may be left out, and those of `OF_STATES` where no
        power has a state that they leave.
    static_power : list of StaticPower
    """

    name: Text
    description: Text
    clock: TableClock
    cell: Sourced
    actions: dict[str, ActionEnergy]
    static_power: list[StaticPower]

    @field_validator("actions", mode="before")
    @classmethod
    def _names_every_action(cls, entries: Any) -> Any:
        if not isinstance(entries, dict):
            return entries
        for name in entries:
            if name not in PRICED:
                raise ValueError(f"has an unknown action {name!r}; {_nearest(str(name), PRICED)}")
        missing = [name for name in PRICED if name not in (*entries, *OF_OPTIONS, *OF_STATES)]
        if missing:
            raise ValueError(f"has no entry for {', '.join(missing)}; every action needs one (its value may be 0)")
        return entries

    @field_validator("static_power")
    @classmethod
    def _names_components_once(cls, entries: list[StaticPower]) -> list[StaticPower]:
        found = [(entry.component, entry.state) for entry in entries]
        twice = sorted({component for component, state in found if found.count((component, state)) > 1})
        if twice:
            raise ValueError(
                f"names {', '.join(twice)} more than once; give each component one entry, or one for each state"
            )
        for component in dict.fromkeys(entry.component for entry in entries):
            _check_states(component, [entry for entry in entries if entry.component == component])
        return entries

    @model_validator(mode="after")
    def _prices_changes_of_state(self) -> "EnergyTable":
        for state, action in _CHANGES.items():
            name = ACTIONS[action]
            if name not in self.actions and any(entry.state == state for entry in self.static_power):
                raise ValueError(
                    f"static_power has powers of the state {state!r}, but actions has no entry for {name}, which "
                    "leaving it takes; add one (its value may be 0)"
                )
        return self

    def energy_j(self, action: Action, adc_bits: int, input_bits: int, lane_bits: int = VALUE_BITS) -> float:
        """Return the energy of one ``action`` in joules.

        Raises
        ------
        ConfigError
            If the table has no figure for the resolution.
        """
        name = ACTIONS[action]
        try:
            return self.actions[name].energy_j(adc_bits, input_bits, lane_bits)
        except LookupError as reason:
            raise ConfigError(
                f"energy table {self.name}: actions.{name}.{reason.args[0]}; choose one of these or add the figure"
            ) from None


def _check_states(component: str, entries: list[StaticPower]) -> None:
    """Refuse entries of one component that leave a state open, or contradict each other."""
    states = {entry.state: entry for entry in entries}
    owners = {entry.per for entry in entries}
    if len(owners) > 1:
        raise ValueError(f"has {component} per {' and per '.join(sorted(owners))}; give all of its entries one `per`")
    (owner,) = owners
    if set(states) == {"always"}:
        return
    more, less = STATES[owner][1:]
    if set(states) != {more, less}:
        raise ValueError(
            f"has {component} in the state {' and '.join(sorted(states))}; give it one entry without a state, or one "
            f"{more} and one {less}"
        )
    powers = [states[state].value * POWER_UNITS[states[state].unit] for state in (more, less)]
    if powers[0] < powers[1]:
        raise ValueError(
            f"has {component} with {powers[1]:g} W {less} and {powers[0]:g} W {more}; {less} cannot be the greater one"
        )


def _check(data: dict[str, Any], name: str, what: str) -> EnergyTable:
    try:
        return EnergyTable.model_validate({"name": name, **data})
    except ValidationError as errors:
        raise ConfigError(f"{what}: {_sentence(errors)}") from None


def _accept(found: object) -> EnergyTable:
    if isinstance(found, EnergyTable):
        return found
    if isinstance(found, Traversable):
        name = found.name.removesuffix(".toml")
        what = f"energy table {name}"
        return _check(toml.read(found, what), name, what)
    raise Unfit(
        f"is {found!r}; it must be a twinbar.emulator.ledger.energy_table.EnergyTable, or a TOML file as a path or "
        "resource"
    )


ENERGY_TABLES: Final = Registry(
    "energy table",
    "twinbar.energy_tables",
    toml_files("twinbar.emulator.ledger", "energy_tables"),
    _accept,
    lambda table: table.name,
)


def energy_table_names() -> list[str]:
    """Return the names of the tables that come with Twinbar."""
    return ENERGY_TABLES.built_in_names()


def load_energy_table(name_or_path: str | Path) -> EnergyTable:
    """Read and check an energy table.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a table, ``package.module:NAME``, or the path of a TOML file (it ends in ``.toml`` or has a folder
        in it).

    Raises
    ------
    ConfigError
        If there is no such table, or something in it is wrong; the text names the file, the key, and what is right.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix == ".toml" or path.name != name:
        what = f"energy table {name}"
        return _check(toml.read(path, what), path.stem, what)
    if not is_reference(name) and name not in ENERGY_TABLES.names():
        raise ConfigError(
            f"there is no energy table {name!r}; {_nearest(name, ENERGY_TABLES.names())}"
            " (a table of your own is given by its path, ending in .toml, or as package.module:NAME)"
        )
    return ENERGY_TABLES.load(name)


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def _sentence(errors: ValidationError) -> str:
    """Say the first mistake in one sentence, and how many more there are."""
    found = errors.errors(include_url=False)
    first = found[0]
    key = ".".join(str(step) for step in first["loc"] if step != "[key]")
    value = first.get("input")
    match first["type"]:
        case "missing" if first["loc"][-1] == "unit":
            units = POWER_UNITS if "static_power" in key else FREQUENCY_UNITS if "clock" in key else ENERGY_UNITS
            text = f"{key} is missing; write one of {', '.join(units)}"
        case "missing":
            text = f"{key} is missing"
        case "extra_forbidden":
            text = f"{key} is not a known key"
        case "literal_error":
            text = f"{key} is {value!r}; write {first['ctx']['expected']}"
        case "greater_than_equal":
            text = f"{key} is {value!r}; it must be {first['ctx']['ge']:g} or more"
        case "greater_than":
            text = f"{key} is {value!r}; it must be greater than {first['ctx']['gt']:g}"
        case "value_error":
            text = f"{key} {first['ctx']['error']}"
        case _:
            given = f" is {value!r}" if isinstance(value, (str, int, float)) else ""
            text = f"{key}{given}: {first['msg'][0].lower()}{first['msg'][1:]}"
    more = len(found) - 1
    return text + (f" (and {more} more mistake{'s' if more > 1 else ''})" if more else "")
