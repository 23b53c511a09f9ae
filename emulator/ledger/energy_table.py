"""Energy tables: what each action of a tile costs, as data files with unit, source and uncertainty per entry.

A table is a TOML file: one of `energy_table_names`, or a user's own. After Accelergy (Wu, Emer, Sze, ICCAD 2019),
energy is the sum of action counts times table entries; the names of the actions are those of `twinbar.hw.actions`.
"""

import difflib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import Field, ValidationError, field_validator, model_validator

from twinbar.emulator.ledger.line_voltages import REFERENCE, LineVoltage, LineVoltages
from twinbar.emulator.ledger.table_entries import (
    AREA_UNITS_MM2,
    CAPACITANCE_UNITS,
    ENERGY_UNITS,
    FREQUENCY_UNITS,
    POWER_UNITS,
    REFERENCE_SIZE,
    STATES,
    ActionEnergy,
    ArraySize,
    ComponentArea,
    PowerState,
    Sourced,
    StaticPower,
    Supply,
    TableClock,
    Text,
)
from twinbar.hw import toml
from twinbar.hw.actions import ACTIONS, OF_OPTIONS, OF_STATES, PRICED, Action
from twinbar.hw.built_in import toml_files
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.registry import Registry, Unfit, is_reference
from twinbar.hw.toml_table import TomlTable


class Price(NamedTuple):
    """What an action costs in joules; `low_j` and `high_j` are plausible, at the ends of its line's ramp too."""

    nominal_j: float
    low_j: float
    high_j: float
    pump_j: float
    """What a charge pump loses for it."""


_CHANGES: Final[dict[PowerState, Action]] = {"gated": Action.CLOCK_GATE, "off": Action.CHANNEL_WAKE}
"""Action that leaving a state takes."""


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
    supply : Supply, optional
        What voltages are supplied without a charge pump; None: all of them.
    actions : dict of str to ActionEnergy
        One entry for each name in `PRICED`; those of `OF_OPTIONS` may be left out, and those of `OF_STATES` where no
        power has a state that they leave.
    static_power : list of StaticPower
    area : list of ComponentArea
        None of a table that is no chip.
    """

    name: Text
    description: Text
    clock: TableClock
    cell: Sourced
    supply: Supply | None = None
    actions: dict[str, ActionEnergy]
    static_power: list[StaticPower]
    area: list[ComponentArea] = Field(default_factory=list)

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

    @field_validator("area")
    @classmethod
    def _names_areas_once(cls, entries: list[ComponentArea]) -> list[ComponentArea]:
        found = [entry.component for entry in entries]
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} more than once; give each component one entry")
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

    def price(
        self,
        action: Action,
        adc_bits: int,
        input_bits: int,
        lane_bits: int = VALUE_BITS,
        voltages: LineVoltages = REFERENCE,
        size: ArraySize = REFERENCE_SIZE,
    ) -> Price:
        """Return what one action costs.

        Parameters
        ----------
        action : Action
        adc_bits, input_bits : int
            Resolution of the converters, and of a row's input DAC (1: a driver).
        lane_bits : int
            Width of a value on its way between tiles.
        voltages : LineVoltages
            What the lines are charged to, in volts.
        size : ArraySize
            Rows and columns of the array.

        Raises
        ------
        ConfigError
            If the table has no figure for the resolution.
        """
        name = ACTIONS[action]
        entry = self.actions[name]
        try:
            fixed = entry.energy_j(adc_bits, input_bits, lane_bits, size)
        except LookupError as reason:
            raise ConfigError(
                f"energy table {self.name}: actions.{name}.{reason.args[0]}; choose one of these or add the figure"
            ) from None
        if entry.line is None:
            return Price(fixed, *entry.bounds(fixed), 0.0)
        volts: LineVoltage = getattr(voltages, entry.line.voltage)
        nominal, least, most = (entry.line.energy_j(each) for each in volts)
        lost = nominal * self.pump_loss(volts.nominal)
        return Price(fixed + nominal, entry.bounds(fixed + least)[0], entry.bounds(fixed + most)[1], lost)

    def energy_j(
        self,
        action: Action,
        adc_bits: int,
        input_bits: int,
        lane_bits: int = VALUE_BITS,
        voltages: LineVoltages = REFERENCE,
        size: ArraySize = REFERENCE_SIZE,
    ) -> float:
        """Return the nominal energy of one action in joules, without what a charge pump loses.

        Parameters
        ----------
        action, adc_bits, input_bits, lane_bits, voltages, size
            As of `price`, with its errors.
        """
        return self.price(action, adc_bits, input_bits, lane_bits, voltages, size).nominal_j

    def pump_loss(self, volts: float) -> float:
        """Return what a charge pump loses for each joule at a voltage; 0 where none is needed.

        Parameters
        ----------
        volts : float
        """
        return 0.0 if self.supply is None else self.supply.pump_loss(volts)


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
    data = _on_its_base(data, name, what)
    try:
        return EnergyTable.model_validate({"name": name, **data})
    except ValidationError as errors:
        raise ConfigError(f"{what}: {_sentence(errors)}") from None


def _on_its_base(data: dict[str, Any], name: str, what: str) -> dict[str, Any]:
    """Complete a table that states only what differs from the one that it names as ``base``.

    Its entries replace those of the same action or component; ``without`` names components of the base, of static power
    or area, that its circuit does not have.
    """
    if "base" not in data:
        if "without" in data:
            raise ConfigError(
                f"{what}: without is for a table that names another one as its base; add base, or remove it"
            )
        return data
    base_name = data["base"]
    if not isinstance(base_name, str) or base_name == name:
        raise ConfigError(f"{what}: base is {base_name!r}; it must be the name of another energy table")
    base = load_energy_table(base_name).model_dump(exclude_unset=True, exclude={"name"})
    left_out = data.get("without", [])
    known = sorted({entry["component"] for key in ("static_power", "area") for entry in base.get(key, [])})
    for component in left_out if isinstance(left_out, list) else [left_out]:
        if component not in known:
            raise ConfigError(f"{what}: without names {component!r}; {base_name} has {', '.join(known)}")
    merged = base | {key: value for key, value in data.items() if key not in ("base", "without")}
    if isinstance(data.get("actions", {}), dict):
        merged["actions"] = base["actions"] | data.get("actions", {})
    for key in ("static_power", "area"):
        own = data.get(key, [])
        if isinstance(own, list) and all(isinstance(entry, dict) for entry in own):
            replaced = {*left_out, *(entry.get("component") for entry in own)}
            merged[key] = [entry for entry in base.get(key, []) if entry["component"] not in replaced] + own
    return merged


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


_UNITS_OF: Final[dict[str, dict[str, float]]] = {
    "static_power": POWER_UNITS,
    "clock": FREQUENCY_UNITS,
    "line": CAPACITANCE_UNITS,
    "area": AREA_UNITS_MM2,
    "supply": {"V": 1.0},
}
"""Units by a part of the key that lacks one; all others are energies."""


def _sentence(errors: ValidationError) -> str:
    """Say the first mistake in one sentence, and how many more there are."""
    found = errors.errors(include_url=False)
    first = found[0]
    key = ".".join(str(step) for step in first["loc"] if step != "[key]")
    value = first.get("input")
    match first["type"]:
        case "missing" if first["loc"][-1] == "unit":
            units = next((known for part, known in _UNITS_OF.items() if part in key), ENERGY_UNITS)
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
        case "less_than_equal":
            text = f"{key} is {value!r}; it must be at most {first['ctx']['le']:g}"
        case "value_error":
            text = f"{key} {first['ctx']['error']}"
        case _:
            given = f" is {value!r}" if isinstance(value, (str, int, float)) else ""
            text = f"{key}{given}: {first['msg'][0].lower()}{first['msg'][1:]}"
    more = len(found) - 1
    return text + (f" (and {more} more mistake{'s' if more > 1 else ''})" if more else "")
