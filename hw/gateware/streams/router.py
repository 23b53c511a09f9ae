"""Says which tiles a command beat goes to that is for several, but not for all."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import TILE_BITS, Command
from twinbar.hw.protocol.vocabulary import Opcode

from ..controller_config import ControllerConfig


class Router(wiring.Component):
    """Finds the tiles of a shared input, cascade or transfer. The group is that of the cycle of presentation.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    command : In(Command)
    waiting : In(1)
        The beat has been presented in an earlier cycle.
    groups : In array
        Register INPUT_GROUP of every tile.
    several : Out(1)
        The beat is for several tiles; ``to``, ``copy`` and ``last`` say which.
    stray : Out(1)
        There is no such group, or not all members exist: the beat goes to tile 0.
    to, copy, last : Out(tiles)
        Tiles that it goes to, those of them that do not count it as their command, and the uppermost; of a transfer,
        ``copy`` are all but the one that sends, and ``last`` those that take words.
    transfer : Out(1)
        It is a transfer, and not stray.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "command": In(Command),
                "waiting": In(1),
                "groups": In(TILE_BITS).array(config.tiles),
                "several": Out(1),
                "stray": Out(1),
                "to": Out(config.tiles),
                "copy": Out(config.tiles),
                "last": Out(config.tiles),
                **({"transfer": Out(1)} if config.chain else {}),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        tiles, command, body = self.config.tiles, self.command, self.command.body
        shared, cascade, stray = Signal(), Signal(), Signal()
        grouped, members, chosen = Signal(tiles), Signal(tiles), Signal(tiles)
        if self.config.shared_inputs:
            presented = Signal(tiles)
            m.d.comb += shared.eq((command.opcode == Opcode.LOAD) & body.input.shared)
            named = command.tile
            if self.config.chain:
                named = Mux(command.opcode == Opcode.TRANSFER, body.transfer.group, named)
            for tile, group in enumerate(self.groups):
                m.d.comb += grouped[tile].eq(Mux(self.waiting, presented[tile], group == named))
            m.d.sync += presented.eq(grouped)
        if self.config.cascade:
            end = Signal(TILE_BITS + 1)
            count = body.product.members
            m.d.comb += [cascade.eq((command.opcode == Opcode.MULTIPLY) & (count > 1)), end.eq(command.tile + count)]
            for tile in range(tiles):
                m.d.comb += members[tile].eq((command.tile <= tile) & (end > tile))
            m.d.comb += stray.eq(end > tiles)
        m.d.comb += [
            chosen.eq(Mux(shared, grouped, members)),
            self.several.eq(shared | cascade),
            self.stray.eq(shared & ~grouped.any() | cascade & stray),
            self.to.eq(Mux(self.stray, 1, chosen)),
        ]
        for tile in range(tiles):
            below = chosen[:tile].any() if tile else Const(0)
            above = chosen[tile + 1 :].any() if tile + 1 < tiles else Const(0)
            m.d.comb += [self.copy[tile].eq(~self.stray & below), self.last[tile].eq(~above)]
        if self.config.chain:
            self._route_transfer(m, grouped)
        return m

    def _route_transfer(self, m: Module, grouped: Signal) -> None:
        """Let a transfer go to the tile that sends and to those that take."""
        command, sends, stray = self.command, Signal(self.config.tiles), Signal()
        m.d.comb += [sends[tile].eq(command.tile == tile) for tile in range(self.config.tiles)]
        m.d.comb += stray.eq(~grouped.any() | ~sends.any())
        with m.If(command.opcode == Opcode.TRANSFER):
            m.d.comb += [
                self.transfer.eq(~stray),
                self.several.eq(1),
                self.stray.eq(stray),
                self.to.eq(Mux(stray, 1, sends | grouped)),
                self.copy.eq(Mux(stray, 0, ~sends)),
                self.last.eq(Mux(stray, 0, grouped)),
            ]
