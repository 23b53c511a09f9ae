"""Loads the switch matrix of a serial front end: rows and columns, in two chains behind one bus."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.parts.cycles import FrontEndCycles
from twinbar.hw.parts.matrix import SwitchMatrix
from twinbar.hw.parts.switch import SWITCHES, OpenPin
from twinbar.hw.protocol.layouts import COLUMN_BITS, ROW_BITS
from twinbar.hw.protocol.vocabulary import Selection

from ..controller_config import ControllerConfig
from .row_registers import group_rows
from .spi_transceiver import MAX_BITS, SpiWord

ROW_CHAIN = 0
COLUMN_CHAIN = 1


class SwitchLoaderState(enum.Enum, shape=3):
    """What the loader does in a cycle."""

    IDLE = 0
    OPEN = 1
    """All switches are opened."""
    ROWS = 2
    COLUMNS = 3
    LATCH = 4
    """The last word is on its way."""
    SETTLE = 5


class SwitchLoader(wiring.Component):
    """Loads the switch matrix.

    A load that is cut off by a halt is completed, because a chain cannot be left half shifted, with all switches open.

    Parameters
    ----------
    config : ControllerConfig
    matrix : SwitchMatrix
    cycles : FrontEndCycles
    open_pin : OpenPin

    Members
    -------
    awake : In(1)
        Parts are powered up.
    select, regroup : In(1)
        Held: connect ``selection``; connect another group of columns, if it is another one.
    selection, row, column, channels, subtract : In
        See `array_members`.
    settle : In(16)
        Cycles after the switches have changed.
    answered : In(1)
        The request ends with this cycle.
    group : Out
    ones : In
        To `RowRegisters`.
    words : Out(stream(SpiWord))
    finished : Out(1)
        What ``select`` asked for is connected and has settled.
    connected : Out(1)
        The group of ``column`` is connected and has settled.
    open : Out(1)
        The pin that opens all switches. A register.

    Attributes
    ----------
    state, index, count : Signal
        What the loader does, the word of a chain that is sent next, and the cycles of OPEN and SETTLE.
    serves_select, stale : Signal
        The load is for ``select``; what asked for it is gone. The proof looks at all of these.
    """

    def __init__(
        self, config: ControllerConfig, matrix: SwitchMatrix, cycles: FrontEndCycles, open_pin: OpenPin
    ) -> None:
        self.config, self.matrix, self.cycles, self.open_pin = config, matrix, cycles, open_pin
        self._row_words = matrix.row_switches // group_rows(config)
        self._column_words = matrix.column_switches // SWITCHES
        self.state, self.index = Signal(SwitchLoaderState), Signal(range(max(self._row_words, self._column_words)))
        self.count, self.serves_select, self.stale = Signal(16), Signal(), Signal()
        super().__init__(
            {
                "awake": In(1),
                "select": In(1),
                "regroup": In(1),
                "selection": In(Selection),
                "row": In(ROW_BITS),
                "column": In(COLUMN_BITS),
                "channels": In(config.adc_channels),
                "subtract": In(1),
                "settle": In(16),
                "answered": In(1),
                "group": Out(ROW_BITS),
                "ones": In(group_rows(config)),
                "words": Out(stream.Signature(SpiWord)),
                "finished": Out(1),
                "connected": Out(1),
                "open": Out(1, init=1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        state, index, count, stale, serves_select = self.state, self.index, self.count, self.stale, self.serves_select
        row_words, column_words, rows = self._row_words, self._column_words, group_rows(self.config)
        loaded_column = Signal(COLUMN_BITS)
        asked = Signal()
        m.d.comb += asked.eq((serves_select & self.select) | (~serves_select & self.regroup))
        forgotten, abandoned = Signal(), Signal()
        settled = count >= self.settle
        m.d.comb += forgotten.eq(stale | ~asked)

        m.d.comb += [
            self.group.eq(index),
            self.finished.eq((state == SwitchLoaderState.SETTLE) & settled),
            self.connected.eq((state == SwitchLoaderState.IDLE) & (loaded_column == self.column)),
        ]
        with m.Switch(state):
            with m.Case(
                SwitchLoaderState.OPEN, SwitchLoaderState.ROWS, SwitchLoaderState.COLUMNS, SwitchLoaderState.LATCH
            ):
                m.d.sync += stale.eq(forgotten)
                m.d.comb += abandoned.eq(forgotten)
            with m.Case(SwitchLoaderState.SETTLE):
                m.d.comb += abandoned.eq(~asked & ~settled)

        m.d.sync += count.eq(count + 1)
        with m.Switch(state):
            with m.Case(SwitchLoaderState.IDLE):
                m.d.sync += [count.eq(1), stale.eq(0)]
                with m.If(self.awake & self.select):
                    m.d.sync += [
                        state.eq(SwitchLoaderState.OPEN),
                        serves_select.eq(1),
                        index.eq(row_words - 1),
                        loaded_column.eq(self.column),
                        self.open.eq(1),
                    ]
                with m.Elif(self.awake & self.regroup & (loaded_column != self.column)):
                    m.d.sync += [
                        state.eq(SwitchLoaderState.COLUMNS),
                        serves_select.eq(0),
                        index.eq(column_words - 1),
                        loaded_column.eq(self.column),
                    ]
            with m.Case(SwitchLoaderState.OPEN):
                with m.If(count == self.cycles.open):
                    m.d.sync += state.eq(SwitchLoaderState.ROWS)
                    if self.open_pin is OpenPin.RESET:
                        m.d.sync += self.open.eq(0)
            with m.Case(SwitchLoaderState.ROWS):
                self._send(m, ROW_CHAIN, self._row_bits(), rows, index)
                with m.If(self.words.ready & (index == 0)):
                    m.d.sync += [state.eq(SwitchLoaderState.COLUMNS), index.eq(column_words - 1)]
            with m.Case(SwitchLoaderState.COLUMNS):
                self._send(m, COLUMN_CHAIN, self._column_bits(m, index), SWITCHES, index)
                with m.If(self.words.ready & (index == 0)):
                    m.d.sync += state.eq(SwitchLoaderState.LATCH)
            with m.Case(SwitchLoaderState.LATCH):
                m.d.sync += count.eq(1)
                with m.If(self.words.ready):
                    m.d.sync += [state.eq(SwitchLoaderState.SETTLE), self.open.eq(0)]
                    with m.If(forgotten):
                        m.d.sync += state.eq(SwitchLoaderState.IDLE)
            with m.Case(SwitchLoaderState.SETTLE):
                # A selection stays until its request is answered; a group of columns until it has settled.
                with m.If(~asked | self.answered | (~serves_select & settled)):
                    m.d.sync += state.eq(SwitchLoaderState.IDLE)
                with m.Elif(settled):
                    m.d.sync += count.eq(count)
        # Last, because it comes before anything else.
        with m.If((self.selection == Selection.NONE) | abandoned):
            m.d.sync += self.open.eq(1)
        return m

    def _send(self, m: Module, chain: int, bits, count: int, index) -> None:
        word = self.words.payload
        m.d.comb += [
            self.words.valid.eq(1),
            word.bits.eq(bits << (MAX_BITS - count)),
            word.count.eq(count - 1),
            word.chip.eq(chain),
            word.last.eq(index == 0),
        ]
        with m.If(self.words.ready):
            m.d.sync += index.eq(index - 1)

    def _row_bits(self):
        """Return the rows of the group ``index`` that are connected."""
        rows = group_rows(self.config)
        lane_bits = rows.bit_length() - 1
        here = self.row[lane_bits:] == self.group
        cell = Cat(here & (self.row[:lane_bits] == row) for row in range(rows))
        is_cell = (self.selection == Selection.CELL).replicate(rows)
        is_plane = (self.selection == Selection.PLANE).replicate(rows)
        return (cell & is_cell) | (self.ones & is_plane)

    def _column_bits(self, m: Module, index):
        """Return the switches of the part ``index`` of the column chain that are closed."""
        matrix, channels = self.matrix, self.config.adc_channels
        lane_bits = (channels - 1).bit_length()
        pair_base = matrix.pair_base // SWITCHES
        bits = Signal(SWITCHES)

        def group(part, chosen) -> None:
            for switch in range(SWITCHES):
                output = Cat(Const(switch, 3), part)
                lane = output[:lane_bits]
                here = output[lane_bits:] == self.column[lane_bits:]
                m.d.comb += bits[switch].eq(chosen & here & self.channels.bit_select(lane, 1))

        with m.If(index < pair_base):
            group(index, ~self.subtract)
        if matrix.pairs:
            with m.Elif(index < matrix.reference_switch // SWITCHES):
                group((index - pair_base)[: len(index)], self.subtract)
        if matrix.reference:
            with m.Elif(index == matrix.reference_switch // SWITCHES):
                m.d.comb += bits[0].eq(self.selection == Selection.REFERENCE)
        return bits
