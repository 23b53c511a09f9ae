"""Where the outputs of a product go: into the lanes of response beats, or to the tile below in a cascade."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS, VALUE_BITS

from ..controller_config import ControllerConfig
from .saturation import saturated


class ProductOutlet(wiring.Component):
    """Adds the partial sum of the tile above to an output, and hands it to the tile below, or puts it into a beat.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    start : In(1)
        A command starts with the next cycle.
    product, responds : In(1)
        The command is a product; one of its outputs is to be handed over.
    adds, passes : In(1)
        See `CascadeMember`.
    result : In(signed)
        Sum of the tile.
    column : In
        Output that it belongs to.
    last_output : In(1)
        It is the command's last.
    above : In(stream)
    below : Out(stream)
        Partial sums.
    keeps, quiet : In(1)
        Where there are chains: outputs become activations; they are not answered.
    taken : In(1)
        The response beat is taken in this cycle.
    offers : Out(1)
        A response beat can be offered in this cycle: a complete one, or one that is no output.
    closes : Out(1)
        A beat that ends the command can be offered. This needs to know less than ``offers``.
    passed, packed : Out(1)
        The output goes to the tile below, or to its lane, in this cycle.
    first_column, value : Out
        Of the response beat.
    kept, first, last : Out(1)
        Where there are chains: ``total`` becomes an activation in this cycle; it is the product's first, or last.
    total : Out(signed)
        The output with all partial sums.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        partial_sum = stream.Signature(signed(config.lane_bits))
        super().__init__(
            {
                "start": In(1),
                "product": In(1),
                "responds": In(1),
                "adds": In(1),
                "passes": In(1),
                "result": In(signed(VALUE_BITS)),
                "column": In(COLUMN_BITS),
                "last_output": In(1),
                "above": In(partial_sum),
                "below": Out(partial_sum),
                **({"keeps": In(1), "quiet": In(1)} if config.chain else {}),
                "taken": In(1),
                "offers": Out(1),
                "closes": Out(1),
                "passed": Out(1),
                "packed": Out(1),
                "first_column": Out(COLUMN_BITS),
                "value": Out(VALUE_BITS),
                **(
                    {"kept": Out(1), "first": Out(1), "last": Out(1), "total": Out(signed(config.lane_bits))}
                    if config.chain
                    else {}
                ),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        count, bits = self.config.outputs_per_beat, self.config.lane_bits
        total = Signal(signed(bits))
        visible, complete = Signal(init=1), Signal(init=1)
        m.d.comb += total.eq(saturated(self.result[: self.config.sum_bits].as_signed(), bits))
        if self.config.cascade:
            own, added = Signal(signed(bits)), Signal(signed(bits + 1))
            m.d.comb += [
                own.eq(saturated(self.result[: self.config.sum_bits].as_signed(), bits)),
                added.eq(own + self.above.payload),
                total.eq(Mux(self.adds, saturated(added, bits), own)),
                visible.eq(~self.adds | self.above.valid),
                self.above.ready.eq(self.adds & self.responds & (self.passed | self.packed | self.taken)),
                self.below.payload.eq(total),
                self.below.valid.eq(self.responds & self.passes & visible),
                self.passed.eq(self.below.valid & self.below.ready),
            ]
        lanes = [Signal(signed(bits), name=f"lane_{place}") for place in range(count - 1)]
        held = Signal(range(count))
        fills, packs = held == count - 1, self.packed
        if self.config.chain:
            fills, packs = ~self.quiet & fills, ~self.quiet & packs
        if lanes or self.config.chain:
            m.d.comb += [
                complete.eq(self.last_output | fills),
                self.packed.eq(self.responds & ~self.passes & ~complete & visible),
            ]
        if lanes:
            with m.If(self.start | self.responds & self.taken):
                m.d.sync += held.eq(0)
            with m.Elif(packs):
                m.d.sync += [held.eq(held + 1), Array(lanes)[held].eq(total)]
        beat = Cat(
            *(Mux(held == place, total, Mux(held > place, lane, 0))[:bits] for place, lane in enumerate(lanes)),
            Mux(held == count - 1, total, 0)[:bits],
        )
        # The answer to a halt has no sum, except of a single tile whose outputs do not share their beats.
        plain = ~self.product | ~(self.adds | self.passes) if count == 1 else ~self.product
        if self.config.chain:
            beat = Mux(self.quiet, 0, beat)
            plain &= ~self.product | ~self.keeps
            self._keep(m, total)
        m.d.comb += [
            self.offers.eq(~self.responds | ~self.passes & complete & visible),
            self.closes.eq(~self.responds | ~self.passes & self.last_output & visible),
            self.first_column.eq(self.column - held),
            self.value.eq(Mux(self.responds, beat, Mux(plain, self.result, 0))),
        ]
        return m

    def _keep(self, m: Module, total: Signal) -> None:
        """Say when an output becomes an activation: when it is handed over by the tile that answers."""
        fresh = Signal()
        m.d.comb += [
            self.total.eq(total),
            self.kept.eq(self.responds & self.keeps & ~self.passes & (self.packed | self.taken)),
            self.first.eq(fresh),
            self.last.eq(self.last_output),
        ]
        with m.If(self.start):
            m.d.sync += fresh.eq(1)
        with m.Elif(self.kept):
            m.d.sync += fresh.eq(0)
