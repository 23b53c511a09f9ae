"""What Twinbar must know of an FPGA board beyond what its platform in amaranth-boards says."""

import importlib
from dataclasses import dataclass
from typing import Any, Final

from twinbar.boards.bitstream_programmer import Programmer
from twinbar.hw.errors import ConfigError

DEFAULT_BAUD: Final = 2_000_000
"""FT2232H and FT231X make it exactly, and so do clocks of 12 and 50 MHz."""

DAPLINK_BAUD: Final = 115_200
"""MuseLab runs its adapters (DAPLink on an STM32F103) no faster in its own designs.

Its documentation names no limit. The firmware takes an interrupt for every byte, and drops what its 512 bytes towards
the host do not hold (ARMmbed/DAPLink, source/hic_hal/stm32/stm32f103xb/uart.c). ``--baud`` tries others.
"""


@dataclass(frozen=True)
class BoardDefinition:
    """An FPGA board.

    Parameters
    ----------
    name : str
        As users write it.
    title : str
        Name of the product.
    platform : str
        ``module:class`` of its Amaranth platform.
    clock_hz : int
        Clock of the controller. Where it is not the board's own, a PLL makes it.
    programmer : Programmer
    baud : int
        Rate of its UART, where nothing else is asked for: one that its USB adapter and its clock both make.
    wiring : str
        Name of the wiring file that its builds take where no other is asked for.
    buffer_bytes : int
        Of the link, in each direction.
    notes : str
        What a user should know: which connector, which jumper.
    """

    name: str
    title: str
    platform: str
    clock_hz: int
    programmer: Programmer
    wiring: str
    baud: int = DEFAULT_BAUD
    buffer_bytes: int = 2048
    notes: str = ""

    def make_platform(self) -> Any:
        """Make its Amaranth platform.

        Raises
        ------
        ConfigError
            If it cannot be imported or made.
        """
        module, _, name = self.platform.partition(":")
        try:
            return getattr(importlib.import_module(module), name)()
        except Exception as error:
            raise ConfigError(
                f"the platform {self.platform} of the board {self.name} cannot be made: {type(error).__name__}: {error}"
            ) from error
