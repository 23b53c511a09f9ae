"""Converts with serial ADCs: the frames of a conversion, and the codes that come of them."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.parts.assembly import SerialParts

from ..controller_config import ControllerConfig
from .spi_transceiver import MAX_BITS, SpiWord


class AdcReaderState(enum.Enum, shape=3):
    """What the reader does in a cycle."""

    START = 0
    GAP = 1
    """Between the frames that parts need after power-up."""
    IDLE = 2
    FRAMES = 3
    END = 4
    """The last frame of a conversion is on its way."""


def lowest(m: Module, mask, name: str):
    """Return the number of the lowest one in a mask."""
    number = Signal(range(max(len(mask), 2)), name=name)
    for place in reversed(range(len(mask))):
        with m.If(mask[place]):
            m.d.comb += number.eq(place)
    return number


class AdcReader(wiring.Component):
    """Converts with serial ADCs.

    Parts with one input convert together, one per channel. Of a part with several inputs, each frame chooses the input
    that the next frame converts; the last frame of a conversion chooses the first input again, so that a repeated
    conversion loses no frame.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts

    Members
    -------
    awake : In(1)
        Parts are powered up.
    convert : In(1)
        Held: convert ``channels``.
    channels : In
    words : Out(stream(SpiWord))
    received : In(stream)
        See `SpiTransceiver`.
    code : Out array
        Codes of the channels, right from ``done`` on.
    done : Out(1)
        In the last cycle of a conversion.

    Attributes
    ----------
    state, step, gap : Signal
        What the reader does, start-up frames that were sent, and cycles since the last of them.
    chosen, is_chosen : Signal
        Of a part with several inputs: the one that the next frame converts, once there is one.
    left, arriving : Signal
        Channels that no frame so far converts, and the one whose result the frame on the bus brings. The proof looks at
        all of these.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self.config, self.parts = config, parts
        self.lanes = 1 if parts.adc.latency else config.adc_channels
        channels = config.adc_channels
        self.state = Signal(AdcReaderState)
        self.step = Signal(range(len(parts.adc.start_up()) + 1))
        self.gap = Signal(range(parts.adc_cycles.frame(parts.adc.frame_bits) + 1))
        self.chosen = Signal(range(max(channels, 2)))
        self.is_chosen = Signal()
        self.left, self.arriving = Signal(channels, name="left"), Signal(channels, name="arriving")
        received = stream.Signature(data.ArrayLayout(MAX_BITS, self.lanes), always_ready=True)
        super().__init__(
            {
                "awake": In(1),
                "convert": In(1),
                "channels": In(config.adc_channels),
                "words": Out(stream.Signature(SpiWord)),
                "received": In(received),
                "code": Out(signed(config.adc_bits + 1)).array(config.adc_channels),
                "done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        adc, word = self.parts.adc, self.words.payload
        state, step, gap, start_up = self.state, self.step, self.gap, adc.start_up()
        offered, final = Signal(), Signal()  # a frame of a conversion; it is the last
        m.d.comb += [word.count.eq(adc.frame_bits - 1), word.last.eq(1)]
        with m.Switch(state):
            with m.Case(AdcReaderState.START):
                with m.If(step == len(start_up)):
                    m.d.sync += state.eq(AdcReaderState.IDLE)
                with m.Elif(self.awake):
                    with m.Switch(step):
                        for number, frame in enumerate(start_up):
                            with m.Case(number):
                                m.d.comb += [
                                    word.bits.eq(frame.word << (MAX_BITS - frame.bits)),
                                    word.count.eq(frame.bits - 1),
                                ]
                    m.d.comb += self.words.valid.eq(1)
                    with m.If(self.words.ready):
                        m.d.sync += [state.eq(AdcReaderState.GAP), gap.eq(1), step.eq(step + 1)]
            with m.Case(AdcReaderState.GAP):
                m.d.sync += gap.eq(gap + 1)
                with m.If(gap == self.parts.adc_cycles.frame(adc.frame_bits)):
                    m.d.sync += state.eq(Mux(step == len(start_up), AdcReaderState.IDLE, AdcReaderState.START))
            with m.Case(AdcReaderState.IDLE, AdcReaderState.FRAMES):
                m.d.comb += [offered.eq(self.awake & self.convert), self.words.valid.eq(offered)]
                with m.If(offered & self.words.ready):
                    m.d.sync += state.eq(Mux(final, AdcReaderState.END, AdcReaderState.FRAMES))
            with m.Case(AdcReaderState.END):
                m.d.comb += self.done.eq(self.convert & self.words.ready)
                with m.If(self.done):
                    m.d.sync += state.eq(AdcReaderState.IDLE)
        with m.If(~self.convert & ((state == AdcReaderState.FRAMES) | (state == AdcReaderState.END))):
            m.d.sync += state.eq(AdcReaderState.IDLE)

        accepted = offered & self.words.ready
        if adc.latency:
            self._walk(m, state == AdcReaderState.IDLE, offered, accepted, final)
        else:
            m.d.comb += final.eq(1)
            with m.If(self.received.valid):
                for channel in range(self.config.adc_channels):
                    m.d.sync += self.code[channel].eq(self._code(self.received.payload[channel]))
        return m

    def _walk(self, m: Module, first, offered, accepted, final) -> None:
        """Choose the inputs of a part one after the other, and give each result to its channel."""
        adc, word, channels = self.parts.adc, self.words.payload, self.config.adc_channels
        chosen, is_chosen, left, arriving = self.chosen, self.is_chosen, self.left, self.arriving
        todo, after, target = Signal(channels), Signal(channels), Signal(channels)
        m.d.comb += todo.eq(Mux(first, self.channels, left))
        head = lowest(m, todo, "head")
        with m.If(is_chosen & (chosen == head)):
            m.d.comb += target.eq(1 << head)
        m.d.comb += [after.eq(todo & ~target), final.eq(~after.any())]
        following = Signal.like(chosen)
        m.d.comb += following.eq(Mux(after.any(), lowest(m, after, "after_head"), lowest(m, self.channels, "first")))
        with m.If(offered):
            with m.Switch(following):
                for channel in range(channels):
                    with m.Case(channel):
                        m.d.comb += word.bits.eq(adc.command(channel) << (MAX_BITS - adc.frame_bits))
        with m.If(accepted):
            m.d.sync += [left.eq(after), chosen.eq(following), is_chosen.eq(1), arriving.eq(target)]
        with m.If(self.received.valid):
            for channel in range(channels):
                with m.If(arriving[channel]):
                    m.d.sync += self.code[channel].eq(self._code(self.received.payload[0]))

    def _code(self, word):
        """As `AdcPart.code`."""
        adc = self.parts.adc
        difference = (word[: adc.bits] - adc.zero).as_signed()
        shift = adc.shift(self.config.adc_bits)
        return difference >> shift if shift >= 0 else difference << -shift
