"""Which column of values is taken where several have the same readings: a conductance beside its resistance."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twinbar.emulator.devices.measured_columns import Column, ColumnUnit
from twinbar.hw.errors import ConfigError

_PREFERRED: Final = ("conductance", "resistance", "current", "normalized", None)
"""What needs least beside it comes first."""
_SAME: Final = 0.05
"""Part by which two columns of a reading may differ: one of them may be rounded."""


def chosen_columns(path: Path, columns: Sequence[Column], given: ColumnUnit | None) -> dict[int, list[int]]:
    """Choose columns of values; with each, return those that have the same readings in another form.

    Columns are of the same readings if they are called the same but for kind and unit.

    Parameters
    ----------
    path : Path
        For messages.
    columns : sequence of Column
        Of the table.
    given : ColumnUnit or None
        Unit of columns without one.

    Returns
    -------
    dict of int to list of int
        In the order of the table.

    Raises
    ------
    ConfigError
        If a name contradicts a unit, or columns of one form have none of the other beside them.
    """
    alike: defaultdict[tuple[str, ...], defaultdict[ColumnUnit | None, list[int]]]
    alike = defaultdict(lambda: defaultdict(list))
    for at, column in enumerate(columns):
        if column.role == "value":
            _check_name(path, column)
            alike[column.reading][_form(column, given)].append(at)
    chosen: dict[int, list[int]] = {}
    for forms in alike.values():
        first, *others = sorted(forms.values(), key=lambda form: _rank(columns[form[0]], given))
        for other in others:
            if len(other) != len(first):
                names = ", ".join(columns[at].name for at in (*first, *other))
                raise ConfigError(
                    f"{path}: {names}: which of these columns have the same readings is not clear; keep those of one "
                    "unit, or number them alike (G1_uS, R1_kohm, G2_uS, R2_kohm)"
                )
        chosen |= {at: [other[number] for other in others] for number, at in enumerate(first)}
    return dict(sorted(chosen.items()))


def check_same(path: Path, line: int, first: tuple[str, float], second: tuple[str, float]) -> None:
    """Refuse two columns of a reading that have different conductances.

    Parameters
    ----------
    path : Path
    line : int
    first, second : (str, float)
        Name of the column, and what it says in siemens.

    Raises
    ------
    ConfigError
        If they differ by more than rounding.
    """
    if abs(second[1] - first[1]) > _SAME * first[1]:
        raise ConfigError(
            f"{path}, line {line}: by {first[0]} the conductance is {first[1]:.3g} S, by {second[0]} it is "
            f"{second[1]:.3g} S; columns of the same readings must agree within {_SAME:.0%}, so correct one "
            "or leave it out"
        )


def _form(column: Column, given: ColumnUnit | None) -> ColumnUnit | None:
    """Return what tells the form of a column: its unit, or what its name says where that is not the given unit."""
    if column.unit is not None:
        return column.unit
    if given is not None and column.named in (None, given.kind):
        return given
    return None if column.named is None else ColumnUnit(column.named, 1.0)


def _rank(column: Column, given: ColumnUnit | None) -> tuple[bool, int]:
    form = _form(column, given)
    kind = None if form is None else form.kind
    # Of two without a unit, the one that --unit can be meant for.
    return column.unit is None and (given is None or kind != given.kind), _PREFERRED.index(kind)


def _check_name(path: Path, column: Column) -> None:
    unit = column.unit
    words = ("conductance", "resistance", "current")
    if unit is None or unit.kind not in words or column.named in (None, unit.kind):
        return
    if column.named in words and column.named in column.name.lower():
        raise ConfigError(
            f"{path}: {column.name} is called a {column.named}, and its unit is that of a {unit.kind}; "
            "correct the header"
        )
