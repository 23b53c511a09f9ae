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
from twinbar.hw.actions import ACTIONS, OF_OPTIONS, Action
from twinbar.hw.built_in import toml_files
from twinbar.hw.errors import ConfigError
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
    by_adc_bits, by_input_bits : dict of int to float, optional
        Energy in ``unit`` by the resolution of the ADC, or by the bits of the input DAC (1: bit planes). Exactly one of
        the three is given.
    unit : str
        One of `ENERGY_UNITS`.
    part : str, optional
        Circuit that the figure belongs to. Entries of one part are off by the same factor (the verify and the forward
        conversion of one ADC); by default an entry is a part of its own.
    """

    value: NonNegative | None = None
    by_adc_bits: ByBits | None = None
    by_input_bits: ByBits | None = None
    unit: Literal["J", "mJ", "uJ", "nJ", "pJ", "fJ"]
    part: Name | None = None

    @model_validator(mode="after")
    def _has_one_value(self) -> "ActionEnergy":
        if sum(given is not None for given in (self.value, self.by_adc_bits, self.by_input_bits)) != 1:
            raise ValueError("needs exactly one of value, by_adc_bits and by_input_bits")
        return self

    def energy_j(self, adc_bits: int, input_bits: int) -> float:
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
        else:
            assert self.value is not None
            value = self.value
        return value * ENERGY_UNITS[self.unit]


def _pick(figures: dict[int, float], key: str, bits: int) -> float:
    if bits not in figures:
        raise LookupError(f"{key} has no figure for {bits} bits, only for {', '.join(map(str, sorted(figures)))}")
    return figures[bits]


class StaticPower(Sourced):
    """Power that a component draws all the time.

    Parameters
    ----------
    component : str
        Its name; ``static_<component>`` in the breakdown.
    value : float
        Power in ``unit``, at the table's clock frequency.
    unit : str
        One of `POWER_UNITS`.
    per : {"system", "tile"}
        Whether there is one of it, or one for each tile.
    clocked : bool
        Whether the power is proportional to the clock frequency.
    part : str, optional
        As in `ActionEnergy`.
    """

    component: Name
    value: NonNegative
    unit: Literal["W", "mW", "uW", "nW"]
    per: Literal["system", "tile"] = "system"
    clocked: bool = False
    part: Name | None = None

    def power_w(self, clock_hz: float, table_clock_hz: float, tiles: int) -> float:
        """Return the power in watts of a system with ``tiles`` tiles at ``clock_hz``."""
        power = self.value * POWER_UNITS[self.unit]
        if self.per == "tile":
            power *= tiles
        if self.clocked:
            power *= clock_hz / table_clock_hz
        return power


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
        One entry for each name in `ACTIONS`; those of `OF_OPTIONS` may be left out.
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
            if name not in ACTIONS:
                raise ValueError(f"has an unknown action {name!r}; {_nearest(str(name), ACTIONS)}")
        missing = [name for name in ACTIONS if name not in entries and name not in OF_OPTIONS]
        if missing:
            raise ValueError(f"has no entry for {', '.join(missing)}; every action needs one (its value may be 0)")
        return entries

    @field_validator("static_power")
    @classmethod
    def _names_components_once(cls, entries: list[StaticPower]) -> list[StaticPower]:
        names = [entry.component for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} more than once; give each component one entry")
        return entries

    def energy_j(self, action: Action, adc_bits: int, input_bits: int) -> float:
        """Return the energy of one ``action`` in joules.

        Raises
        ------
        ConfigError
            If the table has no figure for the resolution.
        """
        name = ACTIONS[action]
        try:
            return self.actions[name].energy_j(adc_bits, input_bits)
        except LookupError as reason:
            raise ConfigError(
                f"energy table {self.name}: actions.{name}.{reason.args[0]}; choose one of these or add the figure"
            ) from None


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
