"""The results of a tile's commands, in the order in which they are answered."""

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import TRIM_BITS, VALUE_BITS

from ..controller_config import ControllerConfig
from ..sequencer_progress import ProgressSignature
from ..tile_states import TileState


def result_shape(config: ControllerConfig) -> Shape:
    """Return the shape of what a single-cell read answers: an average beyond the range of codes, or a gain trim."""
    return signed(max(config.adc_bits + 2, TRIM_BITS + 1))


class Results(wiring.Component):
    """Results of a group of outputs, the next one to be answered first.

    The first place serves all commands: it is 0 unless a command has given a result.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    progress : In(ProgressSignature)
    last_step : In(1)
        The sums of a multiplication are complete.
    sums : In(signed) array
        Of the ADC channels.
    code : In(signed)
        What a single-cell read has given (`result_shape`).
    writes, register_value : In
        The command writes a register, which is not answered with a value; or the value that was read.
    result : Out(signed)
        For the response.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "progress": In(ProgressSignature()),
                "last_step": In(1),
                "sums": In(signed(config.sum_bits)).array(config.adc_channels),
                "code": In(result_shape(config)),
                "writes": In(1),
                "register_value": In(VALUE_BITS),
                "result": Out(signed(VALUE_BITS)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        progress, channels, sum_bits = self.progress, self.config.adc_channels, self.config.sum_bits
        product, decided = progress.product, progress.state == TileState.DECIDE
        later = [Signal(signed(sum_bits), name=f"result_{number}") for number in range(1, channels)]
        # Whether it is loaded is known late, a halt last of all, and from where is not.
        source, load, unless_halted = Signal.like(self.result), Signal(), Signal()
        with m.Switch(progress.state):
            with m.Case(TileState.ACCESS):
                m.d.comb += [load.eq(~self.writes), source.eq(self.register_value)]
            with m.Case(TileState.DECIDE):
                m.d.comb += [
                    unless_halted.eq(self.last_step | ~product),
                    source.eq(Mux(product, self.sums[0], self.code)),
                ]
            with m.Case(TileState.RECOVER):
                m.d.comb += unless_halted.eq(progress.blank)
            with m.Case(TileState.RESPOND):
                m.d.comb += load.eq(progress.handed_over)
                if later:
                    m.d.comb += source.eq(Mux(progress.last_response, 0, later[0]))
        with m.If(load | unless_halted & ~progress.halt):
            m.d.sync += self.result.eq(source)
            for place, result in enumerate(later):
                # Nothing is left when a command ends: a product without an input step answers zeros from here.
                behind = Mux(progress.last_response, 0, later[place + 1]) if place + 1 < len(later) else 0
                m.d.sync += result.eq(Mux(decided, self.sums[place + 1], behind))
        return m
