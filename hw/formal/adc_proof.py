"""Serial ADCs are read as their datasheet asks, and codes are those of samples that were taken for the request."""

from fractions import Fraction
from functools import reduce
from typing import Any, Final

from amaranth.hdl import Array, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.adc_reader import AdcReader, AdcReaderState
from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS, SpiState, SpiTransceiver
from twinbar.hw.parts.assembly import SerialParts

from .bus_observer import later
from .gate import always
from .spi_properties import SpiProperties
from .symbols import any_number

_AGE_BITS: Final = 8
_OLD: Final = (1 << _AGE_BITS) - 1
"""Where cycles since the start of a frame are not counted any more."""


class AdcProof(wiring.Component):
    """Any requests for any channels, anything at the data pins.

    The reader and its bus as one, so that all is stated of pins. While a conversion is asked for, its channels stay
    (`SettlingProperties` has it of a tile).

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
        Its ADC takes less than 8 frames to start up.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self._config, self._parts = config, parts
        # A longer start-up takes the solver too long to reach a conversion.
        self._reached_in_time = len(parts.adc.start_up()) < 2
        lanes = 1 if parts.adc.latency else config.adc_channels
        members = {"awake": 1, "convert": 1, "channels": config.adc_channels, "inputs": lanes}
        super().__init__({name: In(bits) for name, bits in members.items()})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.reader = self._reader = reader = AdcReader(self._config, self._parts)
        m.submodules.bus = self._spi = spi = SpiTransceiver(self._parts.adc_cycles, 1, reader.lanes)
        connect(m, reader.words, spi.words)
        connect(m, spi.received, reader.received)
        m.d.comb += [
            *(getattr(reader, name).eq(getattr(self, name)) for name in ("awake", "convert", "channels")),
            spi.pins.inputs.eq(self.inputs),
        ]
        was_awake, asked = Signal(), Signal()
        self._held = before = Signal.like(self.channels, name="held")
        m.d.sync += [was_awake.eq(self.awake), asked.eq(self.convert & ~reader.done), before.eq(self.channels)]
        m.d.comb += [
            Assume(~was_awake | self.awake),
            Assume(~(asked & self.convert) | (self.channels == before)),
        ]
        self._bus = SpiProperties(m, spi)
        self._sent = Signal(range(len(self._parts.adc.start_up()) + 1))  # of the start-up
        self._started = self._sent == len(self._parts.adc.start_up())
        self._place_frames(m)
        self._keep_the_datasheet(m)
        self._start_up(m, was_awake)
        self._convert(m)
        return m

    def _place_frames(self, m: Module) -> None:
        """Count the cycles since the frame began, and its bits; say where in its frame the bus is."""
        cycles, bus, observer = self._parts.adc_cycles, self._bus, self._bus.observer
        word, adc = self._spi.words.payload, self._parts.adc
        begins = observer.select.changes & observer.selected
        self._age, self._bits = age, bits = Signal(_AGE_BITS, init=_OLD), Signal(6)
        self._aged = aged = Signal(_AGE_BITS)  # this cycle's
        m.d.comb += aged.eq(Mux(begins, 0, age))
        m.d.sync += age.eq(aged + (aged != _OLD))
        counted = Signal(6)
        m.d.comb += counted.eq(Mux(begins, 0, bits))
        m.d.sync += bits.eq(counted + observer.samples)
        self._bit = counted + observer.samples  # number of the bit that is sampled in this cycle, from 1
        count, frames = Signal(6), {frame.bits for frame in adc.start_up()} | {adc.frame_bits}
        with m.If(bus.taken):
            m.d.sync += count.eq(word.count + 1)
        length = count * cycles.bits(1) + cycles.setup + cycles.hold + cycles.high
        self._none, self._whole = count == 0, count == adc.frame_bits
        never = self._none & (aged == _OLD) & (bus.busy == 0) & (bus.due == 0)
        known = reduce(lambda a, b: a | b, (count == each for each in sorted(frames)))
        # The cycle of acceptance is the one before the first of the frame.
        always(m, never | known & Mux(bus.busy == 0, aged + 1 >= length, aged + 1 + bus.busy == length), "")
        always(m, (never | self._spi.last) & (self._spi.state != SpiState.PAUSE), "")
        always(m, (count == 0) | (self._bit == count - bus.due + observer.samples), "")
        self._length, self._begins = length, begins

    def _keep_the_datasheet(self, m: Module) -> None:
        """State the datasheet's times, each in nanoseconds there and in cycles here."""
        parts, observer, selected = self._parts, self._bus.observer, self._bus.observer.selected
        timing, adc, board, begins = parts.adc.timing, parts.adc, parts.adc_board, self._begins
        clock, data, select, since = observer.clock, observer.data, observer.select, observer.since_sampling
        samples, other = observer.samples, observer.clock.changes & ~observer.samples

        def least(time_ns: float) -> int:
            return -int(-Fraction(str(round(time_ns, 6))) * Fraction(parts.clock_hz) / 10**9 // 1)

        levels = {0: least(timing.low_ns), 1: least(timing.high_ns)}
        sampled = timing.sampling_level
        before = Signal.like(since, name="before_sampling")
        m.d.sync += before.eq(later(since))
        answer, first_answer = (
            least(each + board.round_trip_ns) + board.input_registers - parts.adc_cycles.sample_delay
            for each in (timing.access_ns or 0.0, timing.select_access_ns)
        )
        for condition, text in (
            (~samples | (clock.before >= levels[1 - sampled]), "the clock keeps its level before a sampling edge"),
            (~other | (clock.before >= levels[sampled]), "and behind it"),
            (~samples | (before >= least(timing.period_ns)), "a period of the clock is as long as the part asks for"),
            (~samples | (data.before >= least(timing.data_setup_ns)), "data is there before its edge"),
            (~data.changes | ~selected | (since >= least(timing.data_hold_ns)), "and stays behind it"),
            (~samples | (select.before >= least(timing.select_setup_ns)), "chip select is low before the first edge"),
            (~observer.deselects | (since >= least(timing.select_hold_ns)), "and stays low behind the last"),
            (~begins | (select.before >= least(timing.select_high_ns)), "chip select is high between two frames"),
            (~begins | (self._age >= least(timing.select_period_ns)), "frames follow one another no faster"),
            (~samples | (before >= answer), "a bit is there when it is taken"),
            (~samples | (self._bit != 1) | (select.before >= first_answer), "the first bit, too"),
            (
                ~samples | (self._bit != adc.result_bit) | (self._aged >= least(adc.conversion_ns)),
                "the conversion has ended before its result is sent",
            ),
        ):
            always(m, condition, text)
        if adc.acquisition_ns:
            self._track(m, other, least(adc.acquisition_ns))

    def _track(self, m: Module, other: Any, least: int) -> None:
        """State that the part tracks its input for long enough before the next sample."""
        cycles, begins = self._parts.adc_cycles, self._begins
        kept, tracked = Signal(_AGE_BITS, init=_OLD), Signal(_AGE_BITS)
        begun = other & (self._bits == self._parts.adc.track_bit)
        m.d.comb += tracked.eq(Mux(begun, 0, kept))
        m.d.sync += kept.eq(tracked + (tracked != _OLD))
        place = cycles.setup + self._parts.adc.track_bit * cycles.bits(1)
        always(m, ~begins | (kept >= least), "the part tracks its input before the next sample")
        always(m, (self._aged < place) | (tracked + place >= self._aged), "")

    def _start_up(self, m: Module, was_awake: Signal) -> None:
        """State that the frames that the part needs come first, each once and in order."""
        reader, adc, bus = self._reader, self._parts.adc, self._bus
        word, start_up, sent, started = self._spi.words.payload, adc.start_up(), self._sent, self._started
        with m.If(bus.taken & ~started):
            m.d.sync += sent.eq(sent + 1)
        right = [
            (sent == number) & (word.bits == frame.word << (MAX_BITS - frame.bits)) & (word.count == frame.bits - 1)
            for number, frame in enumerate(start_up)
        ]
        always(m, ~self._begins | was_awake, "no frame before the part is powered up")
        always(m, ~bus.taken | word.last, "each word is a frame of its own")
        first = reduce(lambda a, b: a | b, right)
        always(m, ~bus.taken | started | first, "the frames that the part needs come first, in order")
        always(
            m, ~bus.taken | ~started | (word.count == adc.frame_bits - 1), "behind them all frames have their length"
        )
        state, gap, frame = reader.state, reader.gap, self._parts.adc_cycles.frame(adc.frame_bits)
        always(m, (reader.step == sent) & (sent <= len(start_up)), "")
        in_start = (state == AdcReaderState.START) | (state == AdcReaderState.GAP)
        always(m, in_start | started, "")
        always(m, state.as_value() < len(AdcReaderState), "")
        # Since the cycle of acceptance.
        always(m, (state != AdcReaderState.GAP) | (gap == self._aged + 1) & (gap <= frame), "")
        always(m, (state == AdcReaderState.GAP) | (self._aged + 1 >= frame) | started & self._whole, "")
        always(m, (state != AdcReaderState.START) | ~started, "")

    def _convert(self, m: Module) -> None:
        """State what a conversion that is reported has brought."""
        reader, bus = self._reader, self._bus
        mine = Signal()  # the last frame was begun for the request, which has been held since
        arrived = Signal()  # its word was received
        taken = bus.taken & self._started
        m.d.sync += mine.eq((mine | taken) & self.convert & ~reader.done)
        with m.If(bus.taken):
            m.d.sync += arrived.eq(0)
        with m.If(self._spi.received.valid):
            m.d.sync += arrived.eq(1)
        cycles = self._parts.adc_cycles
        last_sampled = cycles.second - 1 + cycles.hold + cycles.high
        for stage, arrival in enumerate(bus.arrivals):
            always(m, ~arrival | (bus.busy == last_sampled - stage) & ~arrived, "")
        waits = reduce(lambda a, b: a | b, bus.arrivals)
        always(m, self._none | arrived | waits | (bus.due != 0), "")
        always(m, ~mine | ~self._none, "")
        always(m, ~arrived | (bus.due == 0), "")
        always(m, ~reader.done | mine & arrived & ~bus.observer.selected, "a conversion is reported behind its frames")
        always(m, ~reader.done | self.convert, "and only while it is asked for")
        always(m, ~taken | self.convert, "no frame without a request")
        ready = self._spi.words.ready & self._started & (self._aged >= cycles.frame(self._parts.adc.frame_bits))
        idle = self.awake & self.convert & ready & ~bus.taken
        always(m, ~idle | reader.done, "while a conversion is asked for the bus is at work, until it is reported")
        frames = Signal(range(self._config.adc_channels + 3))
        m.d.sync += frames.eq(Mux(self.convert & ~reader.done, frames + taken, 0))
        more = sum(reader.left) if self._parts.adc.latency else ~mine
        most = sum(self._held) + 1 if self._parts.adc.latency else 1
        always(m, ~reader.done | (frames <= most), "a conversion takes no more frames than it must")
        always(m, Mux(mine, frames + more <= most, frames == 0), "")
        if self._reached_in_time:
            m.d.comb += [Cover(reader.done), Cover(reader.done & (self._spi.received.payload[0][:3] == 5))]
        else:
            m.d.comb += Cover((self._sent == 2) & (bus.busy == 0))
        if self._parts.adc.latency:
            self._convert_in_turn(m, mine, arrived, taken)
        else:
            self._convert_together(m, mine)

    def _convert_together(self, m: Module, mine: Signal) -> None:
        """State that the codes of all channels are what their parts sent in the frame of the request."""
        reader, adc = self._reader, self._parts.adc
        always(m, (reader.state == AdcReaderState.END) == mine, "")
        always(m, reader.state != AdcReaderState.FRAMES, "")
        for channel in range(self._config.adc_channels):
            result = Signal(MAX_BITS, name=f"result_{channel}")
            with m.If(self._spi.received.valid):
                m.d.sync += result.eq(self._spi.received.payload[channel])
            always(m, reader.code[channel] == self._code(result), "codes are what the parts sent for the request")
        assert adc.code(0, self._config.adc_bits) == 0

    def _convert_in_turn(self, m: Module, mine: Signal, arrived: Signal, taken: Any) -> None:
        """State that the code of each channel was converted from it: by a model of the part that chooses inputs."""
        reader, adc, channels = self._reader, self._parts.adc, self._config.adc_channels
        word, received = self._spi.words.payload, self._spi.received
        names = [word.bits == adc.command(channel) << (MAX_BITS - adc.frame_bits) for channel in range(channels)]
        always(m, ~taken | reduce(lambda a, b: a | b, names), "each frame chooses an input")
        # What the next frame converts, and what the last one has.
        following, follows = Signal.like(reader.chosen, name="following"), Signal()
        converted, converts = Signal.like(reader.chosen, name="converted"), Signal()
        with m.If(self._bus.taken):
            m.d.sync += [converted.eq(following), converts.eq(follows)]
        with m.If(taken):
            m.d.sync += follows.eq(1)
            for channel, named in enumerate(names):
                with m.If(named):
                    m.d.sync += following.eq(channel)
        always(m, (reader.chosen == following) & (reader.is_chosen == follows), "")
        always(m, self._started | ~(follows | converts), "")
        which = any_number(m, range(channels), "channel")
        m.d.comb += Assume(which < channels)
        hit = received.valid & converts & (converted == which)
        fresh, result = Signal(), Signal(MAX_BITS)
        m.d.sync += fresh.eq((fresh | hit & mine) & self.convert & ~reader.done)
        with m.If(hit & mine):
            m.d.sync += result.eq(received.payload[0])
        code = Array(reader.code)[which]
        wanted, left = self._held.bit_select(which, 1), reader.left.bit_select(which, 1)
        always(m, ~(reader.done & wanted) | fresh, "a channel's input was converted for the request")
        always(m, ~(reader.done & wanted) | (code == self._code(result)), "its code is what the part sent then")
        # Where the walk is.
        state, under_way = reader.state, (reader.state == AdcReaderState.FRAMES) | (reader.state == AdcReaderState.END)
        always(m, (under_way == mine) & (mine | ~fresh), "")
        always(m, (state != AdcReaderState.END) | ~reader.left.any(), "")
        lowest = Cat((reader.left & ((2 << each) - 1)) == 1 << each for each in range(channels))
        chosen = reader.is_chosen & lowest.bit_select(reader.chosen, 1)
        always(m, (state != AdcReaderState.FRAMES) | chosen, "")
        always(m, ~under_way | ((reader.left & ~self._held) == 0), "")
        brings = ~arrived & converts & (converted == which)
        done = under_way & wanted & ~left
        arriving = reader.arriving.bit_select(which, 1)
        always(m, ~done | Mux(brings, arriving, fresh & (code == self._code(result))), "")
        always(m, ~arriving | converts & (converted == which), "")

    def _code(self, word: Any) -> Any:
        """Return the code of a received word: what is above 0 V, in units of the tile's codes, rounded down."""
        adc, bits = self._parts.adc, self._config.adc_bits
        above = word[: adc.bits] - adc.zero
        return above >> (adc.bits - int(adc.bipolar) - bits)
