"""Whether a board is the one that a configuration is for; if not, what differs and what would be right."""

from dataclasses import replace

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.front_end_name import described, front_end_of, option_for
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.hello import Hello

_SETTINGS = ("rows", "columns", "adc_channels", "adc_bits", "input_bits")
"""What a configuration can be told, in the section ``array``."""
_CLOCK_TOLERANCE = 1e-6


def board_controller(hello: Hello, config: CrossbarConfig, controller: ControllerConfig) -> ControllerConfig:
    """Return the controller that a board has, if a configuration can run on it.

    Parameters
    ----------
    hello : Hello
        What the board says of itself.
    config : CrossbarConfig
        Of the run.
    controller : ControllerConfig
        What the run needs: its tiles, and the geometry of each. Queues may have other depths.

    Raises
    ------
    ConfigError
        If it cannot; one sentence says what differs, and with which options it would.
    """
    options = [
        f"--set array.{name}={getattr(hello, name)}"
        for name in _SETTINGS
        if getattr(hello, name) != getattr(controller, name)
    ]
    if abs(hello.clock_hz / config.clock_hz - 1) > _CLOCK_TOLERANCE:
        options.append(f"--set timing.clock_hz={hello.clock_hz:.1f}")
    fits = front_end_of(config) == hello.front_end
    if options:
        options += [] if fits else [option_for(hello)]
        raise ConfigError(
            f"the board has {_geometry(hello)} at {hello.clock_hz / 1e6:g} MHz and this run is for "
            f"{_geometry(controller)} at {config.clock_hz / 1e6:g} MHz; take another bitstream, or give the run "
            f"{' '.join(options)}"
        )
    if not fits:
        raise ConfigError(
            f"the board has {described(hello.front_end, hello.clock_hz)} and this run is for "
            f"{described(front_end_of(config), config.clock_hz)}; take another bitstream, or give the run "
            f"{option_for(hello)}"
        )
    if hello.dac_bits != controller.dac_bits:
        raise ConfigError(
            f"the board's lines have {hello.dac_bits} bits and training drives codes of {controller.dac_bits}; build "
            f"the board with --dac-bits {controller.dac_bits}"
        )
    if hello.tiles < controller.tiles:
        raise ConfigError(
            f"the network takes {controller.tiles} tiles of {controller.rows} x {controller.columns} cells and the "
            f"board has {hello.tiles}; let its layers share tiles (--set array.sharing=true), make it smaller "
            "(--hidden, --set data.pool=2), or take a board with more or larger tiles"
        )
    found = replace(
        controller, tiles=hello.tiles, command_depth=hello.command_depth, response_depth=hello.response_depth
    )
    if found.hash != hello.hash:
        raise ConfigError(
            f"the board's configuration is {hello.hash:016x} and this run needs {found.hash:016x}: the geometry is the "
            "same, so that the safe codes or the version of the protocol differ; rebuild the board with this version"
        )
    return found


def _geometry(shape: Hello | ControllerConfig) -> str:
    tiles = f"{shape.tiles} {'tile' if shape.tiles == 1 else 'tiles'}"
    return (
        f"{tiles} of {shape.rows} x {shape.columns} cells ({shape.adc_channels} ADC channels of {shape.adc_bits} bits, "
        f"inputs of {shape.input_bits} bits)"
    )
