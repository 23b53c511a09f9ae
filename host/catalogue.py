"""What there is to choose from, plug-ins included."""


def presets() -> list[str]:
    """Return the names of the device presets."""
    from twinbar.emulator.devices.preset import PRESETS

    return list(PRESETS.names())


def policies() -> list[str]:
    """Return the names of the update policies."""
    from twinbar.host.update.known_policies import POLICIES

    return list(POLICIES.names())


def energy_tables() -> list[str]:
    """Return the names of the energy tables."""
    from twinbar.emulator.ledger.energy_table import ENERGY_TABLES

    return list(ENERGY_TABLES.names())
