"""Dispatcher: one command beat per cycle, each to the tile that it names."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.commands import CONTROLLER_OPCODES, Command


class Dispatcher(wiring.Component):
    """Routes commands. A beat whose target is full holds up all behind it, so that their order stays.

    Parameters
    ----------
    tiles : int

    Attributes
    ----------
    i : In(stream)
    o : Out(stream).array(tiles)
        Commands of each tile.
    control : Out(stream)
        Commands of the controller itself, and those whose tile does not exist.
    """

    def __init__(self, tiles: int) -> None:
        self._tiles = tiles
        super().__init__(
            {
                "i": In(stream.Signature(Command)),
                "o": Out(stream.Signature(Command)).array(tiles),
                "control": Out(stream.Signature(Command)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat = self.i.payload
        to_control = Signal()
        m.d.comb += [
            to_control.eq(
                (beat.tile >= self._tiles) | Cat(beat.opcode == op for op in sorted(CONTROLLER_OPCODES)).any()
            ),
            self.control.payload.eq(beat),
            *(target.payload.eq(beat) for target in self.o),
        ]
        with m.If(to_control):
            m.d.comb += [self.control.valid.eq(self.i.valid), self.i.ready.eq(self.control.ready)]
        with m.Else():
            with m.Switch(beat.tile):
                for number, target in enumerate(self.o):
                    with m.Case(number):
                        m.d.comb += [target.valid.eq(self.i.valid), self.i.ready.eq(target.ready)]
        return m
