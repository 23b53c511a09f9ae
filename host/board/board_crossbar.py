"""The configuration of the array behind a board: its geometry from what it says of itself, its cells from a preset."""

from collections.abc import Mapping
from typing import Any, Final

from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.emulated_board import DEFAULT_PRESET
from twinbar.host.board.front_end_name import values_of
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.front_end_number import DIRECT, EMULATED
from twinbar.hw.link.hello import Hello
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.bus import cycles_at_least

_SIZES: Final = ("rows", "columns", "adc_channels", "adc_bits", "input_bits")


def controller_of(hello: Hello) -> ControllerConfig:
    """Return the controller that a board says it has."""
    sizes = {name: getattr(hello, name) for name in (*_SIZES, "tiles", "dac_bits", "command_depth", "response_depth")}
    return ControllerConfig(**sizes)


def crossbar_of(
    hello: Hello, device: str | None, levels: int | None, seed: int, settings: Mapping[str, Any]
) -> CrossbarConfig | None:
    """Resolve the array of a board to integers; None if nobody says what its cells are.

    Parameters
    ----------
    hello : Hello
        What the board says of itself.
    device : str, optional
        Name or file of the cells' preset. An emulated array has `DEFAULT_PRESET`, unless another one is named.
    levels : int, optional
    seed : int
    settings : mapping
        Keys of the configuration, which win.

    Raises
    ------
    ConfigError
        If there is no such array, or the board's wiring is not known here.
    """
    if device is None and "device.preset" not in settings:
        if hello.front_end != EMULATED:
            return None
        device = DEFAULT_PRESET
    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.resolved_crossbar import build_crossbar

    changes: dict[str, Any] = {f"array.{name}": getattr(hello, name) for name in _SIZES}
    changes |= {"timing.clock_hz": float(hello.clock_hz), "engine.seed": seed}
    changes |= {} if device is None else {"device.preset": device}
    changes |= {} if levels is None else {"device.levels": levels}
    if "array.front_end" not in settings:
        names = values_of(hello.front_end, hello.clock_hz)
        if not names:
            raise ConfigError(
                "the board has serial parts of a wiring file that is unknown here; give Board "
                'settings={"array.front_end": FILE}'
            )
        changes["array.front_end"] = names[0]
    if hello.front_end not in (DIRECT, EMULATED):
        wiring = find_wiring(settings.get("array.front_end", changes.get("array.front_end")))
        parts = wiring.serial_parts(hello.clock_hz)
        if parts is not None:
            changes |= use_of(parts) | settling_times(parts, hello.columns, hello.adc_channels)
    return build_crossbar(ExperimentConfig().merge({**changes, **settings}))


def use_of(parts: SerialParts) -> dict[str, Any]:
    """Return how an array behind serial parts must be used: they drive whole rows, and few can subtract pairs."""
    return {"array.inputs": "planes"} | ({} if parts.pairs else {"array.pairs": "separate"})


def settling_times(parts: SerialParts, columns: int, adc_channels: int) -> dict[str, Any]:
    """Return the cycles in which serial parts, and what lies between array and ADC, settle."""

    def cycles(settle_ns: float, least: int = 1) -> int:
        return max(least, cycles_at_least(settle_ns, parts.clock_hz))

    read = cycles(parts.read_settle_ns)
    return {
        "timing.settle_drive": cycles(parts.write_settle_ns, 2),
        "timing.select": cycles(parts.select_settle_ns(columns, adc_channels)),
        **({"timing.settle_read": read, "timing.settle_multiply": read} if parts.read_settle_ns else {}),
    }
