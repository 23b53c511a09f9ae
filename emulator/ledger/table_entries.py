"""Entries of an energy table: actions, static powers, the supply, and areas, each with its source and uncertainty."""

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from twinbar.emulator.devices.quantity import Certainty
from twinbar.emulator.ledger.line_voltages import LineName
from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.toml_table import TomlTable

ENERGY_UNITS: Final = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15}
POWER_UNITS: Final = {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "nW": 1e-9}
FREQUENCY_UNITS: Final = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
CAPACITANCE_UNITS: Final = {"fF": 1e-15, "pF": 1e-12, "nF": 1e-9}
AREA_UNITS_MM2: Final = {"um2": 1e-6, "mm2": 1.0}
"""In square millimetres."""

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ByBits = Annotated[dict[Annotated[int, Field(ge=1, le=24)], NonNegative], Field(min_length=1)]
ByLaneBits = Annotated[dict[Annotated[int, Field(ge=1, le=VALUE_BITS)], NonNegative], Field(min_length=1)]


class ArraySize(NamedTuple):
    """Rows and columns of a tile."""

    rows: int
    columns: int


REFERENCE_SIZE: Final = ArraySize(128, 128)
"""That of the tables in the documentation."""


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


class ChargedLine(TomlTable):
    """What an action charges to a voltage that the cells ask for: ``capacitance V^2 + charge V`` joules.

    Parameters
    ----------
    voltage : str
        One of `twinbar.emulator.ledger.line_voltages.LINES`.
    capacitance : float
        In ``unit``.
    charge : float
        What a driver takes from the voltage meanwhile, in ``unit`` times volts.
    unit : str
        One of `CAPACITANCE_UNITS`.
    """

    voltage: LineName
    capacitance: NonNegative
    charge: NonNegative = 0.0
    unit: Literal["fF", "pF", "nF"]

    def energy_j(self, volts: float) -> float:
        """Return the energy in joules at a voltage."""
        return (self.capacitance * volts**2 + self.charge * volts) * CAPACITANCE_UNITS[self.unit]


class SwitchedLines(TomlTable):
    """Lines of the array that an action switches up and down, all at once.

    A line takes ``C (high - low) high`` joules from its supply each time, where ``C`` is ``capacitance`` and
    ``per_cell`` times the cells of the line.

    Parameters
    ----------
    per : {"row", "column"}
        Whether there is one line for each row, or for each column.
    capacitance, per_cell : float
        Of the driver, and what each cell of the line adds, in ``unit``.
    unit : str
        One of `CAPACITANCE_UNITS`.
    low, high : float
        Voltages between which they switch.
    by_input_bits : dict of int to float
        How often they are switched, by the bits of the input DAC (1: bit planes).
    """

    per: Literal["row", "column"]
    capacitance: NonNegative
    per_cell: NonNegative
    unit: Literal["fF", "pF", "nF"]
    low: NonNegative
    high: Positive
    by_input_bits: ByBits

    @model_validator(mode="after")
    def _rises(self) -> "SwitchedLines":
        if self.low >= self.high:
            raise ValueError(
                f"switches between {self.low:g} V (low) and {self.high:g} V (high); low must be below high"
            )
        return self

    def energy_j(self, input_bits: int, size: ArraySize) -> float:
        """Return the energy in joules of all lines (errors as of `ActionEnergy.energy_j`)."""
        lines, cells = (size.rows, size.columns) if self.per == "row" else (size.columns, size.rows)
        farads = (self.capacitance + self.per_cell * cells) * CAPACITANCE_UNITS[self.unit]
        times = _pick(self.by_input_bits, "lines.by_input_bits", input_bits)
        return times * lines * farads * (self.high - self.low) * self.high


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
    line : ChargedLine, optional
        What the action takes besides, by the voltages of the cells.
    lines : SwitchedLines, optional
        Lines of the array that it switches besides.
    part : str, optional
        Circuit that the figure belongs to. Entries of one part are off by the same factor (the verify and the forward
        conversion of one ADC); by default an entry is a part of its own.
    """

    value: NonNegative | None = None
    by_adc_bits: ByBits | None = None
    by_input_bits: ByBits | None = None
    by_lane_bits: ByLaneBits | None = None
    unit: Literal["J", "mJ", "uJ", "nJ", "pJ", "fJ"]
    line: ChargedLine | None = None
    lines: SwitchedLines | None = None
    part: Name | None = None

    @model_validator(mode="after")
    def _has_one_value(self) -> "ActionEnergy":
        choices = (self.value, self.by_adc_bits, self.by_input_bits, self.by_lane_bits)
        if sum(given is not None for given in choices) != 1:
            raise ValueError("needs exactly one of value, by_adc_bits, by_input_bits and by_lane_bits")
        return self

    def energy_j(
        self, adc_bits: int, input_bits: int, lane_bits: int = VALUE_BITS, size: ArraySize = REFERENCE_SIZE
    ) -> float:
        """Return the energy in joules at a resolution and on an array, without that of a charged line.

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
        switched = 0.0 if self.lines is None else self.lines.energy_j(input_bits, size)
        return value * ENERGY_UNITS[self.unit] + switched


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


class Supply(Sourced):
    """The highest voltage that is supplied; a charge pump makes those above it.

    Parameters
    ----------
    value : float
        In volts.
    unit : {"V"}
    pump_efficiency : float
        What the pump gives, as a part of what it takes; the uncertainty is that of what it loses.
    """

    value: Positive
    unit: Literal["V"]
    pump_efficiency: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]

    def pump_loss(self, volts: float) -> float:
        """Return what the pump loses for each joule at a voltage; 0 where no pump is needed."""
        return 1 / self.pump_efficiency - 1 if volts > self.value else 0.0


AreaOwner = Literal["system", "tile", "channel", "line", "cell"]


class ComponentArea(Sourced):
    """Area of a component.

    Parameters
    ----------
    component : str
    value : float, optional
        In ``unit``.
    by_adc_bits : dict of int to float, optional
        In ``unit``, by the resolution of the ADC. Exactly one of the two is given.
    unit : {"um2", "mm2"}
    per : {"system", "tile", "channel", "line", "cell"}
        Whether there is one of it, or one for each tile, ADC channel, line (row or column), or cell of each tile.
    """

    component: Name
    value: NonNegative | None = None
    by_adc_bits: ByBits | None = None
    unit: Literal["um2", "mm2"]
    per: AreaOwner = "system"

    @model_validator(mode="after")
    def _has_one_value(self) -> "ComponentArea":
        if (self.value is None) == (self.by_adc_bits is None):
            raise ValueError("needs exactly one of value and by_adc_bits")
        return self

    def mm2(self, adc_bits: int) -> float:
        """Return the area of one of it in square millimetres.

        Raises
        ------
        LookupError
            If the entry has no figure for the resolution; the text says which there are.
        """
        if self.by_adc_bits is not None:
            return _pick(self.by_adc_bits, "by_adc_bits", adc_bits) * AREA_UNITS_MM2[self.unit]
        assert self.value is not None
        return self.value * AREA_UNITS_MM2[self.unit]


class TableClock(TomlTable):
    """The clock frequency that the table's clocked powers were figured for."""

    value: Positive
    unit: Literal["Hz", "kHz", "MHz", "GHz"]
    source: Text

    @property
    def hz(self) -> float:
        """The frequency in hertz."""
        return self.value * FREQUENCY_UNITS[self.unit]
