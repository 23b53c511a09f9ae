"""Exchange with `hwcomponents`, the component models of Accelergy's authors (Andrulis, Emer, Sze, ISPASS 2024).

A tile of Twinbar is a component there: its actions are those of the energy table at the resolutions and voltages of a
crossbar, its area and leakage those of a tile. The other way round, an action of any component model becomes an entry
of a table. The package needs Python 3.12 (extra ``components``).
"""

from typing import TYPE_CHECKING, Any

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.ledger.chip_area import area_figures
from twinbar.emulator.ledger.energy_table import EnergyTable
from twinbar.emulator.ledger.line_voltages import LineVoltages
from twinbar.emulator.ledger.table_entries import ActionEnergy, ArraySize
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.errors import ConfigError, ToolMissingError
from twinbar.hw.protocol.sizes import LANE_BITS

if TYPE_CHECKING:
    from hwcomponents import ComponentModel

_M2_PER_MM2 = 1e-6


def tile_model(table: EnergyTable, config: CrossbarConfig) -> "type[ComponentModel]":
    """Make a component model of a tile, of which `hwcomponents` and what builds on it take energies and areas.

    Parameters
    ----------
    table : EnergyTable
    config : CrossbarConfig
        Resolutions and voltages that the actions are priced for.

    Returns
    -------
    type
        A ``ComponentModel`` without parameters. Its component name is ``twinbar_tile_<table>``; it has an action for
        each action that the table prices, in joules, with what a charge pump loses. Latencies are 0, since phases of
        the controller take cycles and actions do not; one action can be made per cycle. ``leak_power`` is what a tile
        draws while its clock is gated and its channels are off; the heat in cells is in no action.

    Raises
    ------
    ToolMissingError
        If `hwcomponents` is not installed.
    ConfigError
        If the table has no figure for a resolution.
    """
    hwcomponents = _package()
    array = config.array
    voltages = LineVoltages.of_crossbar(config, None if table.supply is None else table.supply.value)
    size = ArraySize(array.rows, array.columns)
    input_bits = array.input_bits if array.inputs == "dac" else 1
    lane_bits = LANE_BITS[array.outputs_per_beat]
    alone, two = (area_figures(table, array, tiles) for tiles in (1, 2))
    area_m2 = 0.0 if alone is None or two is None else (two["mm2"] - alone["mm2"]) * _M2_PER_MM2
    owned = {"tile": 1, "channel": array.adc_channels}
    leak_w = sum(
        owned[entry.per] * entry.power_w(config.clock_hz, table.clock.hz)
        for entry in table.static_power
        if entry.per in owned and entry.state in ("always", "gated", "off")
    )

    def __init__(self: Any) -> None:
        hwcomponents.ComponentModel.__init__(self, leak_power=leak_w, area=area_m2)

    name = f"twinbar_tile_{table.name}".replace("-", "_")
    members: dict[str, Any] = {"__init__": __init__, "__doc__": table.description}
    members |= {"component_name": name, "priority": 0.5}
    for action in Action:
        if ACTIONS[action] in table.actions:
            price = table.price(action, array.adc_bits, input_bits, lane_bits, voltages, size)
            members[ACTIONS[action]] = _action(
                hwcomponents, ACTIONS[action], price.nominal_j + price.pump_j, config.clock_hz
            )
    return type(name, (hwcomponents.ComponentModel,), members)


def _action(hwcomponents: Any, name: str, energy_j: float, clock_hz: float) -> Any:
    def spend(self: Any) -> Any:
        return hwcomponents.ActionCost(energy=energy_j, latency=0.0, throughput=clock_hz)

    spend.__name__ = name
    spend.__doc__ = f"Return the cost of {name}."
    return hwcomponents.action(spend)


def entry_of(
    model: "ComponentModel", action: str, *, factor: float, part: str | None = None, **arguments: Any
) -> ActionEnergy:
    """Return an action of a component model as an entry of an energy table.

    Parameters
    ----------
    model : ComponentModel
        Such as those of ``hwcomponents-library`` and ``hwcomponents-adc``.
    action : str
    factor : float
        How far the energy may be off; component models do not say.
    part : str, optional
        As of `ActionEnergy`.
    **arguments
        Of the action.

    Raises
    ------
    ConfigError
        If the model has no such action; the text says which there are.
    """
    known = sorted(
        name for name in dir(type(model)) if getattr(getattr(type(model), name), "_is_component_action", False)
    )
    if action not in known:
        raise ConfigError(f"{type(model).__name__} has no action {action!r}; it has {', '.join(known) or 'none'}")
    energy_j = float(getattr(model, action)(**arguments).energy)
    made = {
        name: value for name, value in vars(model).items() if isinstance(value, int | float | str) and name[0] != "_"
    }
    told = ", ".join(
        f"{name} {value:g}" if not isinstance(value, str) else f"{name} {value}" for name, value in made.items()
    )
    return ActionEnergy(
        value=energy_j / 1e-12,
        unit="pJ",
        certainty="derived",
        source=f"{type(model).__module__}.{type(model).__name__}.{action}{f' ({told})' if told else ''}",
        factor=factor,
        part=part,
    )


def _package() -> Any:
    try:
        import hwcomponents
    except ImportError as reason:
        raise ToolMissingError(
            f"component models need the package hwcomponents ({reason}); with Python 3.12 or newer, install "
            "twinbar[components]"
        ) from None
    return hwcomponents
