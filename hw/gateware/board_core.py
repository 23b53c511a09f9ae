"""The core of a board: everything behind its pins but clock and I/O cells, for no FPGA in particular."""

from dataclasses import asdict, dataclass
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.errors import ConfigError
from twinbar.hw.link.front_end_number import front_end_number
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.parts.assembly import SerialParts

from .array.emulated_array import EmulatedArray
from .controller import Controller, pins_signature
from .controller_config import ControllerConfig
from .link.linked_controller import LinkedController

_VISIBLE_HZ = 8
"""A flash of a light as long as one period of this is seen."""


@dataclass(frozen=True)
class CoreConfig:
    """What a board's core is made of.

    Parameters
    ----------
    controller : ControllerConfig
    link : LinkConfig
        Its clock is that of the whole core.
    parts : SerialParts, optional
        Parts of every tile's front end; without them the front ends are direct pins.
    array : EmulatedArray, optional
        Cells that the core itself emulates, instead of parts or pins.

    Raises
    ------
    ConfigError
        If the parts are for another clock, or cannot serve the tile, or the emulated array is too large.
    """

    controller: ControllerConfig
    link: LinkConfig
    parts: SerialParts | None = None
    array: EmulatedArray | None = None

    def __post_init__(self) -> None:
        assert self.parts is None or self.array is None
        if self.array is not None:
            self.array.check(self.controller)
        if self.parts is None:
            return
        if self.parts.clock_hz != self.link.clock_hz:
            raise ConfigError(
                f"the parts are for a clock of {self.parts.clock_hz / 1e6:g} MHz, the core has "
                f"{self.link.clock_hz / 1e6:g} MHz; they must agree"
            )
        self.parts.check(self.controller.adc_channels, self.controller.dac_bits)

    @property
    def pins(self) -> wiring.Signature:
        """Pins of a tile's front end."""
        return pins_signature(self.controller, self.parts, self.array)

    @property
    def front_end(self) -> int:
        """Number by which the board says what front end it has (`twinbar.hw.link.front_end_number`)."""
        return front_end_number(self.parts, emulated=self.array is not None)

    def describe(self) -> dict[str, Any]:
        """Say what it is made of, as JSON."""
        front_end: Any = "direct"
        if self.parts is not None:
            parts = {"dac": self.parts.dac, "adc": self.parts.adc, "switches": self.parts.switch}
            front_end = {role: part.name for role, part in parts.items()}
        if self.array is not None:
            front_end = {"emulated": self.array.describe(self.controller)}
        return {
            "configuration": f"{self.controller.hash:016x}",
            "controller": asdict(self.controller),
            "link": asdict(self.link),
            "front_end": front_end,
        }


class Core(wiring.Component):
    """Link, controller and front ends of a board, with plain pins. The clock domain is ``sync``.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    rx : In(1)
    tx : Out(1)
        Pins of the UART.
    stop : In(1)
        Asynchronous: halts and disarms all tiles while it is high.
    light : Out(1)
        Blinks while the core waits for commands, and is on while it carries them out.
    tiles : Out(DirectPinsSignature, SerialPinsSignature or EmulatedPinsSignature) array
        Pins of every tile's front end.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "stop": In(1),
                "light": Out(1),
                "tiles": Out(config.pins).array(config.controller.tiles),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        controller = Controller(config.controller, config.parts, config.array)
        m.submodules.controller = linked = LinkedController(controller, config.link, config.front_end)
        for inner, outer in zip(linked.tiles, self.tiles, strict=True):
            connect(m, inner, flipped(outer))
        # A power of two near the period that can be seen; a short command lights for a whole one.
        period = (config.link.clock_hz // _VISIBLE_HZ).bit_length()
        time, shown, works = Signal(period + 2), Signal(period), Signal()
        m.d.sync += [time.eq(time + 1), works.eq(linked.busy)]
        with m.If(works):
            m.d.sync += shown.eq(~0)
        with m.Elif(shown.any()):
            m.d.sync += shown.eq(shown - 1)
        m.d.comb += [
            linked.rx.eq(self.rx),
            linked.stop.eq(self.stop),
            self.tx.eq(linked.tx),
            self.light.eq(shown.any() | time[-2:].all()),
        ]
        return m
