"""What the columns of a table of measurements are: found by name and unit, or, without a header, by content."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from twinbar.emulator.devices.layout import RESET, SET

Role = Literal["polarity", "pulse", "cell", "voltage", "gate", "read voltage", "width", "value", "beside", "other"]
Kind = Literal["conductance", "resistance", "current", "normalized"]

POLARITIES: Final = {
    **dict.fromkeys(("set", "ltp", "pot", "potentiation", "potentiate", "program", "write", "increase"), SET),
    **dict.fromkeys(("reset", "ltd", "dep", "depression", "depress", "erase", "decrease"), RESET),
}
"""Words for the polarity of a pulse, in columns, headers and names of files."""
_SHORT_POLARITIES: Final = {
    **dict.fromkeys(("p", "up", "+", "+1", "1", "1.0", "positive", "pos"), SET),
    **dict.fromkeys(("d", "down", "-", "-1", "-1.0", "negative", "neg"), RESET),
}
_NAMES: Final[dict[Role, frozenset[str]]] = {
    "polarity": frozenset({"polarity", "type", "operation", "op", "direction", "process", "mode", "branch"}),
    "pulse": frozenset(
        {"pulse", "pulses", "pulse number", "pulse no", "pulse index", "number", "no", "n", "#", "index"}
    ),
    "cell": frozenset({"cell", "cell id", "device", "device id", "dut", "sample"}),
}
_PREFIXES: Final = {
    **dict.fromkeys("uU", 1e-6),
    **dict.fromkeys("nN", 1e-9),
    **dict.fromkeys("kK", 1e3),
    "": 1.0,
    "m": 1e-3,
    "p": 1e-12,
    "f": 1e-15,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
}
"""Case tells m from M and p from P; of U, N and K, which no other prefix is, nobody means anything else."""
_STRICT: Final = frozenset("kKfMGTP")
"""Prefixes of units that are written as SI has them, or not at all."""
_UNIT: Final = re.compile(r"(?P<prefix>[munpfkgtp]?)(?P<base>S|A|V)|(?P<ohms>[kMG]?)ohms?", re.IGNORECASE)
_BASES: Final[dict[str, Kind | None]] = {"s": "conductance", "a": "current", "v": None}
_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("conductance", "g"), "conductance"),
    **dict.fromkeys(("resistance", "r"), "resistance"),
    **dict.fromkeys(("current", "i"), "current"),
    **dict.fromkeys(("normalized", "normalised", "norm", "weight", "w"), "normalized"),
}
_CELL_WORDS: Final = frozenset({"cell", "device", "dut", "dev", "sample"})
_SPREADS: Final = frozenset(
    ("std", "stdev", "sd", "sem", "sigma", "error", "err", "uncertainty", "deviation", "variance", "var")
)
_WANTED: Final = frozenset({"target", "goal", "setpoint", "compliance", "cc", "icc", "limit", "fit", "fitted", "model"})
"""Names of what stands beside readings and is none: spreads, settings, and curves."""
_TIMES: Final = frozenset({"time", "t", "delay", "period"})


@dataclass(frozen=True)
class ColumnUnit:
    """What a number of a column says of a cell.

    Parameters
    ----------
    kind : str or None
        Of a value; None for a voltage.
    factor : float
        To SI units.
    """

    kind: Kind | None
    factor: float


@dataclass(frozen=True)
class Column:
    """A column.

    Parameters
    ----------
    name : str
        As the header has it.
    role : str
    unit : ColumnUnit or None
        Of a value or a voltage; None where the header does not say.
    polarity : int or None
        Of the pulses of a column of values whose name says it.
    cell : str or None
        The cell of a column of values whose name says that it is another cell, not another repetition.
    named : str or None
        Kind of value that the name says, whatever the unit.
    """

    name: str
    role: Role
    unit: ColumnUnit | None = None
    polarity: int | None = None
    cell: str | None = None
    named: Kind | None = None

    @property
    def reading(self) -> tuple[str, ...]:
        """Return what the name says beside kind and unit: alike in columns that may be of the same readings."""
        text, _ = _with_unit(self.name)
        words: list[str] = re.findall(r"[^\W\d_]+|\d+", text.lower())
        return tuple(word for word in words if word not in _KINDS)

    @property
    def before(self) -> bool:
        """Return whether the readings are of the state before the pulse of their row."""
        return "before" in _words(self.name)

    @property
    def after(self) -> bool:
        """Return whether the readings are of the state after the pulse of their row."""
        return "after" in _words(self.name)


def polarity_of(text: str) -> int | None:
    """Return the polarity that a field names."""
    word = text.strip().lower()
    return POLARITIES.get(word, _SHORT_POLARITIES.get(word))


def polarity_in(name: str) -> int | None:
    """Return the polarity that a word of a header or of the name of a file says."""
    found = {POLARITIES[word] for word in _words(name) if word in POLARITIES}
    return found.pop() if len(found) == 1 else None


def parse_unit(text: str) -> ColumnUnit | None:
    """Return what a unit like ``uS``, ``kohm``, ``µA``, ``V`` or ``1`` (normalized) stands for; None if it is none."""
    plain = re.sub("[µμ]", "u", text.strip())
    plain = re.sub("[ΩΩ]", "ohm", plain)
    if plain.lower() in ("1", "a.u.", "au", "norm", "norm.", "normalized"):
        return ColumnUnit("normalized", 1.0)
    match = _UNIT.fullmatch(plain)
    if match is None:
        return None
    if match["base"] is None:
        prefix = match["ohms"]
        if prefix == "m":  # milliohms or megaohms: nothing tells
            return None
        return ColumnUnit("resistance", {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "g": 1e9}[prefix])
    factor = _PREFIXES.get(match["prefix"])
    if match["prefix"] in _STRICT and match["base"].islower():  # ks, fs: as likely a time
        return None
    return None if factor is None else ColumnUnit(_BASES[match["base"].lower()], factor)


def column_of(name: str) -> Column:
    """Return what a column is by its name; ``other`` where that says nothing."""
    words = _words(name)
    plain = " ".join(words)
    for role, names in _NAMES.items():
        if plain in names or name.strip() in names:
            return Column(name, role)
    text, unit = _with_unit(name)
    words = _words(text)
    if {"width", "duration"} & set(words):
        return Column(name, "width")
    if (_SPREADS | _WANTED) & set(words):
        return Column(name, "beside")
    if _TIMES & set(words):
        return Column(name, "other")
    if unit is None and {"voltage", "amplitude", "v", "vg", "vgate", "vread"} & set(words):
        unit = ColumnUnit(None, 1.0)  # whoever writes no unit of a voltage means volts
    if unit is not None and unit.kind is None:
        if {"gate", "vg", "wl", "vgate"} & set(words):
            return Column(name, "gate", unit)
        if {"read", "vread", "vr"} & set(words):
            return Column(name, "read voltage", unit)
        return Column(name, "voltage", unit)
    kind = next((_KINDS[word] for word in words if word in _KINDS), None)
    if kind == "normalized":
        unit = ColumnUnit("normalized", 1.0)
    if unit is None and kind is None:
        return Column(name, "other", polarity=polarity_in(name), cell=_cell_in(name))
    return Column(name, "value", unit, polarity_in(text), _cell_in(text), kind)


def repetition(column: Column) -> Column:
    """Take a column whose name says nothing for one of a wide table: a repetition, or a cell."""
    return Column(column.name, "value", None, column.polarity, column.cell)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.lower())


def _cell_in(name: str) -> str | None:
    return name if _CELL_WORDS & set(_words(name)) else None


def _with_unit(name: str) -> tuple[str, ColumnUnit | None]:
    """Split the unit off a header such as ``G [uS]``, ``conductance_uS``, ``R (kΩ)`` or ``I / nA``."""
    match = re.fullmatch(r"(.*?)\s*[\[(]([^\])]*)[\])]\s*", name) or re.fullmatch(r"(.*?)[\s_/]+([^\s_/]+)\s*", name)
    if match is None:
        return name, None
    unit = parse_unit(match[2])
    return (match[1], unit) if unit is not None else (name, None)
