"""Area of a chip: components of an energy table times how many there are of each."""

from typing import Any

from twinbar.emulator.ledger.energy_table import EnergyTable
from twinbar.emulator.ledger.uncertainty import Contribution, by_part, intervals
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError


def area_figures(table: EnergyTable, array: ArrayConfig, tiles: int) -> dict[str, Any] | None:
    """Return the area of a crossbar and its controller.

    Parameters
    ----------
    table : EnergyTable
    array : ArrayConfig
    tiles : int

    Returns
    -------
    dict or None
        ``mm2``; ``breakdown_mm2`` by component; ``uncertainty_mm2`` with the intervals of
        `twinbar.emulator.ledger.uncertainty.intervals`. None of a table without areas: it stands for no chip.

    Raises
    ------
    ConfigError
        If the table has no figure for the resolution of the ADC.
    """
    if not table.area:
        return None
    counts = {
        "system": 1,
        "tile": tiles,
        "channel": tiles * array.adc_channels,
        "line": tiles * (array.rows + array.columns),
        "cell": tiles * array.rows * array.columns,
    }
    found = []
    for entry in table.area:
        try:
            area = entry.mm2(array.adc_bits) * counts[entry.per]
        except LookupError as reason:
            raise ConfigError(f"energy table {table.name}: area {entry.component}.{reason.args[0]}") from None
        found.append(Contribution(entry.component, area, *entry.bounds(area)))
    parts = by_part(found)
    return {
        "mm2": sum(spread[0] for spread in parts.values()),
        "breakdown_mm2": {name: spread[0] for name, spread in parts.items()},
        "uncertainty_mm2": intervals(parts),
    }
