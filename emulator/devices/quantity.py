"""A number of a preset: value, unit, where it comes from, and how sure that is."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from twinbar.hw.toml_table import TomlTable

UNITS: Final[dict[str, dict[str, float]]] = {
    "conductance": {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9, "pS": 1e-12},
    "voltage": {"V": 1.0, "mV": 1e-3},
    "resistance": {"Ohm": 1.0, "kOhm": 1e3, "MOhm": 1e6},
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "day": 86400.0},
    "conductance per voltage": {"S/V": 1.0, "mS/V": 1e-3, "uS/V": 1e-6, "nS/V": 1e-9},
    "fraction": {"1": 1.0, "%": 1e-2},
    "count": {"pulses": 1.0, "cycles": 1.0},
    "number of standard deviations": {"sigma": 1.0},
    "energy": {"eV": 1.602176634e-19, "J": 1.0},
    "temperature": {"K": 1.0},
}
"""Units by the kind of quantity they measure, with their factor to SI."""


class PhysicalRange(NamedTuple):
    """Ends of what a kind of quantity can be in a cell, in SI units; what may be negative or zero keeps to ``most``."""

    least: float
    most: float


RANGES: Final = {
    "conductance": PhysicalRange(1e-15, 1.0),
    "voltage": PhysicalRange(1e-6, 100.0),
    "resistance": PhysicalRange(1e-3, 1e12),
    "time": PhysicalRange(1e-12, 1e10),
    "conductance per voltage": PhysicalRange(1e-15, 1e3),
    "fraction": PhysicalRange(1e-9, 1e6),
    "count": PhysicalRange(1.0, 1e15),
    "number of standard deviations": PhysicalRange(1e-3, 1e3),
    "energy": PhysicalRange(1.6e-22, 1.7e-17),
    "temperature": PhysicalRange(1.0, 5e3),
}
"""By the kind: wide enough for every cell, so that what lies outside is a slip of a unit or of an exponent."""

Certainty = Literal["published", "derived", "assumed"]
"""``published``: stands so in the source; ``derived``: computed from it; ``assumed``: chosen, for the noted reason."""


_Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Quantity(TomlTable):
    """A physical number, or a list of them, with its unit and its origin.

    Parameters
    ----------
    value : float or list of float
        In ``unit``.
    unit : str
        One of `UNITS`; ``"1"`` for a plain fraction or factor.
    certainty : {"published", "derived", "assumed"}
    source : str, optional
        Key in the preset's ``[sources]``; required unless the value is assumed.
    note : str, optional
        How the value was derived, or why it was chosen; required for an assumed one.
    """

    value: _Number | list[_Number]
    unit: str
    certainty: Certainty
    source: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _has_an_origin(self) -> "Quantity":
        if self.certainty == "assumed" and not self.note:
            raise ValueError("is assumed, so it needs a note that gives the reason")
        if self.certainty != "assumed" and not self.source:
            raise ValueError(f"is {self.certainty}, so it needs a source (a key of [sources])")
        return self

    @property
    def factor(self) -> float:
        """Factor from ``unit`` to SI."""
        return next(units[self.unit] for units in UNITS.values() if self.unit in units)

    @property
    def si(self) -> float:
        """The value in SI units (a single number)."""
        if isinstance(self.value, list):
            raise TypeError("this quantity is a list; use `si_list`")
        return self.value * self.factor

    @property
    def si_list(self) -> list[float]:
        """The values in SI units."""
        values = self.value if isinstance(self.value, list) else [self.value]
        return [value * self.factor for value in values]

    def __str__(self) -> str:
        values = self.value if isinstance(self.value, list) else [self.value]
        text = ", ".join(f"{value:g}" for value in values)
        return text if self.unit == "1" else f"{text} {self.unit}"


def range_text(kind: str, sign: str = "positive", most: float | None = None, unit: str | None = None) -> str:
    """Say between what ends a quantity lies.

    Parameters
    ----------
    kind : str
        Of `RANGES`.
    sign : {"positive", "non-negative", "any"}
    most : float, optional
        Upper end, instead of that of the kind.
    unit : str, optional
        In which it is written: the text has it where it is one of SI, or per cent.
    """
    end = RANGES[kind].most if most is None else most
    low = {"positive": RANGES[kind].least, "non-negative": 0.0, "any": -end}[sign]
    if unit == "%":
        return f"{low * 100:g} and {end * 100:g} %"
    si = [name for name, factor in UNITS[kind].items() if factor == 1.0]
    shown = unit if unit in si else si[0]
    return f"{low:g} and {end:g}" + ("" if shown == "1" else f" {shown}")


def _check(kind: str, sign: str, is_list: bool, most: float | None) -> Callable[[Quantity], Quantity]:
    units, end = UNITS[kind], RANGES[kind].most if most is None else most

    def check(quantity: Quantity) -> Quantity:
        if quantity.unit not in units:
            raise ValueError(f"has unit {quantity.unit!r}; a {kind} is written in {', '.join(units)}")
        if isinstance(quantity.value, list) != is_list:
            raise ValueError("must be a list of numbers" if is_list else "must be a single number, not a list")
        if is_list and not quantity.value:
            raise ValueError("is an empty list; give at least one number")
        written = quantity.value if isinstance(quantity.value, list) else [quantity.value]
        for value, number in zip(quantity.si_list, written, strict=True):
            if sign == "positive" and value <= 0:
                raise ValueError(f"is {value:g}; it must be greater than zero")
            if sign == "non-negative" and value < 0:
                raise ValueError(f"is {value:g}; it must not be negative")
            if sign == "probability" and not 0 <= value <= 1:
                raise ValueError(f"is {value:g}; a probability lies between 0 and 1")
            if abs(value) > end or (sign == "positive" and value < RANGES[kind].least):
                # Of a slip in an exponent, the value as it is written helps to find it.
                shown = f"{number:g}" if quantity.unit == "1" else f"{number:g} {quantity.unit}"
                raise ValueError(f"is {shown}; it must lie between {range_text(kind, sign, most, quantity.unit)}")
        return quantity

    return check


def _kind(kind: str, sign: str, *, is_list: bool = False, most: float | None = None) -> Any:
    return AfterValidator(_check(kind, sign, is_list, most))


Conductance = Annotated[Quantity, _kind("conductance", "positive")]
NonNegativeConductance = Annotated[Quantity, _kind("conductance", "non-negative")]
Conductances = Annotated[Quantity, _kind("conductance", "non-negative", is_list=True)]
Coefficients = Annotated[Quantity, _kind("conductance", "any", is_list=True, most=1e15)]
"""Of a polynomial, whose argument may be small."""
SignedConductance = Annotated[Quantity, _kind("conductance", "any")]
Voltage = Annotated[Quantity, _kind("voltage", "positive")]
NonNegativeVoltage = Annotated[Quantity, _kind("voltage", "non-negative")]
SignedVoltage = Annotated[Quantity, _kind("voltage", "any")]
Resistance = Annotated[Quantity, _kind("resistance", "positive")]
Duration = Annotated[Quantity, _kind("time", "positive")]
Durations = Annotated[Quantity, _kind("time", "positive", is_list=True)]
Slope = Annotated[Quantity, _kind("conductance per voltage", "positive")]
Fraction = Annotated[Quantity, _kind("fraction", "positive")]
NonNegativeFraction = Annotated[Quantity, _kind("fraction", "non-negative")]
Spread = Annotated[Quantity, _kind("fraction", "non-negative", most=100.0)]
"""A standard deviation: of a factor, of its logarithm, or in fractions of something."""
Exponent = Annotated[Quantity, _kind("fraction", "non-negative", most=10.0)]
SignedFraction = Annotated[Quantity, _kind("fraction", "any")]
Probability = Annotated[Quantity, _kind("fraction", "probability")]
Count = Annotated[Quantity, _kind("count", "positive")]
Energy = Annotated[Quantity, _kind("energy", "positive")]
Temperature = Annotated[Quantity, _kind("temperature", "positive")]
Sigmas = Annotated[Quantity, _kind("number of standard deviations", "positive")]
