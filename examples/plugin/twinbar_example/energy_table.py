"""The energy table `macro-65nm-0v9`: the built-in macro in 65 nm with its logic at 0.9 V instead of 1.2 V.

Switching energy goes with the square of the supply. Converters, drives and cells keep their voltages.
"""

from twinbar.emulator.ledger.energy_table import ActionEnergy, EnergyTable, StaticPower, load_energy_table

SUPPLY_V, NOMINAL_V = 0.9, 1.2
SWITCHED = ("logic", "bus")
"""Parts whose energy is that of logic gates and wires at the supply."""


def _scaled() -> EnergyTable:
    factor = (SUPPLY_V / NOMINAL_V) ** 2
    nominal = load_energy_table("macro-65nm")
    how = {"certainty": "derived", "note": f"macro-65nm times {factor:g}, for {SUPPLY_V} V instead of {NOMINAL_V} V"}

    def action(entry: ActionEnergy) -> ActionEnergy:
        if entry.part not in SWITCHED:
            return entry
        value = None if entry.value is None else factor * entry.value
        by_bits = {
            key: {bits: factor * energy for bits, energy in energies.items()}
            for key in ("by_input_bits", "by_lane_bits")
            if (energies := getattr(entry, key)) is not None
        }
        return entry.model_copy(update={"value": value, **by_bits, **how})

    def power(entry: StaticPower) -> StaticPower:
        return entry.model_copy(update={"value": factor * entry.value, **how}) if entry.clocked else entry

    return nominal.model_copy(
        update={
            "name": "macro-65nm-0v9",
            "description": f"{nominal.description} Logic at {SUPPLY_V} V.",
            "actions": {name: action(entry) for name, entry in nominal.actions.items()},
            "static_power": [power(entry) for entry in nominal.static_power],
        }
    )


TABLE = _scaled()
