"""The registries of all kinds of things that can be added."""

from typing import Any, Final

from twinbar.boards.known_boards import BOARDS
from twinbar.emulator.devices.known_responses import RESPONSES
from twinbar.emulator.devices.preset import PRESETS
from twinbar.emulator.ledger.energy_table import ENERGY_TABLES
from twinbar.host.report.known_plots import KNOWN_PLOTS
from twinbar.host.update.known_policies import POLICIES
from twinbar.hw.parts.known_parts import KNOWN_PARTS
from twinbar.hw.registry import Registry

REGISTRIES: Final[tuple[Registry[Any], ...]] = (
    POLICIES,
    RESPONSES,
    PRESETS,
    ENERGY_TABLES,
    KNOWN_PARTS,
    BOARDS,
    KNOWN_PLOTS,
)
