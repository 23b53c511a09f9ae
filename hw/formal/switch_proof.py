"""A selection is connected when it is said to be: both chains hold it, and lines have settled."""

from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.row_registers import group_rows
from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS
from twinbar.hw.gateware.front_end.switch_loader import COLUMN_CHAIN, ROW_CHAIN, SwitchLoader, SwitchLoaderState
from twinbar.hw.parts.cycles import FrontEndCycles
from twinbar.hw.parts.matrix import SwitchMatrix
from twinbar.hw.parts.switch import SWITCHES, OpenPin
from twinbar.hw.protocol.layouts import COLUMN_BITS, ROW_BITS
from twinbar.hw.protocol.vocabulary import Selection

from .bus_observer import PinAge
from .gate import always
from .symbols import any_number

_SETTLE_BITS: Final = 16


@dataclass(frozen=True)
class _Chain:
    """One of the chains: its words so far, and what one of its switches, which may be any, was sent.

    Parameters
    ----------
    words : int
        Of a frame.
    at : value
        Place of the switch's word in it.
    place : Signal
        Words of the frame that were accepted.
    fresh : Signal
        The frame that is being sent began under the request that is held.
    done : Signal
        A whole frame was sent under it.
    closed : Signal
        What the switch was sent last.
    """

    words: int
    at: Any
    place: Signal
    fresh: Signal
    done: Signal
    closed: Signal


class SwitchProof(wiring.Component):
    """Any selections, held and dropped at any time, and a bus that takes words whenever it likes.

    Parameters
    ----------
    config : ControllerConfig
    matrix : SwitchMatrix
    cycles : FrontEndCycles
        Of switches that a pin opens while a chain is loaded.
    """

    def __init__(self, config: ControllerConfig, matrix: SwitchMatrix, cycles: FrontEndCycles) -> None:
        self._config, self._matrix, self._cycles = config, matrix, cycles
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
                "answered": In(1),
                "ones": In(group_rows(config)),
                "bus_ready": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        loader = SwitchLoader(self._config, self._matrix, self._cycles, OpenPin.OUTPUT_ENABLE)
        m.submodules.loader = self._loader = loader
        settle = any_number(m, _SETTLE_BITS, "settle")
        for name in (
            "awake",
            "select",
            "regroup",
            "selection",
            "row",
            "column",
            "channels",
            "subtract",
            "answered",
            "ones",
        ):
            m.d.comb += getattr(loader, name).eq(getattr(self, name))
        m.d.comb += [loader.words.ready.eq(self.bus_ready), loader.settle.eq(settle)]
        self._accepted = loader.words.valid & loader.words.ready
        self._hold(m)
        rows, columns = self._rows(m), self._columns(m)
        self._say(m, settle, rows, columns)
        self._leave_reachable_states(m, rows, columns)
        return m

    def _hold(self, m: Module) -> None:
        """Ask as a tile does: a selection stays while its request is held, and nothing else is requested with it."""
        shown = Cat(self.selection, self.row, self.column, self.channels, self.subtract)
        before, held, regrouped, was_awake = Signal(len(shown)), Signal(), Signal(), Signal()
        m.d.sync += [before.eq(shown), held.eq(self.select & ~self.answered)]
        m.d.sync += [regrouped.eq(self.regroup), was_awake.eq(self.awake)]
        m.d.comb += [
            Assume(~(held & self.select) | (shown == before)),
            Assume(~self.select | (self.selection != Selection.NONE)),
            Assume(~self.select | ~self.regroup & ~regrouped),
            Assume(self.awake | ~was_awake),
            Assume(~(self.select & self.answered) | self._loader.finished),
            Assume((self.row < self._config.rows) & (self.column < self._config.columns)),
        ]

    def _rows(self, m: Module) -> tuple[_Chain, Any]:
        """Follow the chain of rows; gives it, and whether the selection closes the switch."""
        per_word, switches = group_rows(self._config), self._matrix.row_switches
        switch, plane = any_number(m, range(switches), "row_switch"), any_number(m, 1, "plane")
        m.d.comb += Assume(switch < switches)
        lane_bits = per_word.bit_length() - 1
        place, lane = switch[lane_bits:], switch[:lane_bits]
        # The row registers stay while their rows are connected.
        m.d.comb += Assume((self._loader.group != place) | (self.ones.bit_select(lane, 1) == plane))
        chain = self._chain(m, ROW_CHAIN, "rows", switches // per_word, per_word, place, lane)
        is_cell, is_plane = self.selection == Selection.CELL, self.selection == Selection.PLANE
        return chain, (is_cell & (self.row == switch)) | (is_plane & plane)

    def _columns(self, m: Module) -> tuple[_Chain, Any]:
        """Follow the chain of columns likewise, by `SwitchMatrix.closed_columns`."""
        matrix, channels = self._matrix, self._config.adc_channels
        switches = matrix.column_switches
        switch = any_number(m, range(switches), "column_switch")
        m.d.comb += Assume(switch < switches)
        chain = self._chain(m, COLUMN_CHAIN, "columns", switches // SWITCHES, SWITCHES, switch[3:], switch[:3])
        lane_bits = (channels - 1).bit_length()
        output, of_pair = Signal(COLUMN_BITS + 1), Signal()
        of_reference = switch >= matrix.reference_switch
        m.d.comb += of_pair.eq((switch >= matrix.pair_base) & ~of_reference)
        m.d.comb += output.eq(Mux(of_pair, switch - matrix.pair_base, switch))
        chosen = self.channels.bit_select(output[:lane_bits], 1) & (output[lane_bits:] == self.column[lane_bits:])
        reference = (switch == matrix.reference_switch) & (self.selection == Selection.REFERENCE)
        return chain, Mux(of_reference, reference, chosen & (of_pair == self.subtract))

    def _chain(self, m: Module, chip: int, name: str, words: int, bits: int, place: Any, lane: Any) -> _Chain:
        """Follow the frames of one chain; the word with the highest switches comes first."""
        word = self._loader.words.payload
        chain = _Chain(
            words,
            words - 1 - place,
            Signal(range(words), name=f"{name}_place"),
            Signal(name=f"{name}_fresh"),
            Signal(name=f"{name}_done"),
            Signal(name=f"{name}_closed"),
        )
        accepted, ends = self._accepted & (word.chip == chip), chain.place == words - 1
        with m.If(accepted):
            m.d.sync += chain.place.eq(Mux(ends, 0, chain.place + 1))
            with m.If(chain.place == 0):
                m.d.sync += chain.fresh.eq(1)
            with m.If(chain.place == chain.at):
                m.d.sync += chain.closed.eq(word.bits.bit_select(lane + (MAX_BITS - bits), 1))
            with m.If(ends):
                m.d.sync += chain.done.eq(chain.fresh | (chain.place == 0))
        with m.If(~self.select | self.answered):
            m.d.sync += [chain.fresh.eq(0), chain.done.eq(0)]
        always(m, ~accepted | (word.count == bits - 1) & (word.last == ends), "a chain is loaded whole, in one frame")
        return chain

    def _say(self, m: Module, settle: Signal, rows: tuple[_Chain, Any], columns: tuple[_Chain, Any]) -> None:
        """State when switches are open, and what it means that a selection is connected."""
        loader = self._loader
        finished, age = loader.finished & self.select, PinAge(m, loader.open, "open")
        # Cycles since switches may be closed and the bus has been free: a word is on its way until it takes another.
        rest, rested, on_way = Signal(_SETTLE_BITS + 1), Signal(_SETTLE_BITS + 1), Signal()
        with m.If(self._accepted):
            m.d.sync += on_way.eq(1)
        with m.Elif(loader.words.ready):
            m.d.sync += on_way.eq(0)
        m.d.comb += rested.eq(Mux(loader.open | self._accepted | on_way, 0, rest + ~rest.all()))
        m.d.sync += rest.eq(rested)
        self._rested = rested
        for (chain, closed), name in ((rows, "row"), (columns, "column")):
            always(m, ~finished | chain.done & (chain.closed == closed), f"each {name} switch is as the selection asks")
        loading = self._accepted & (loader.words.payload.chip == ROW_CHAIN) | (rows[0].place != 0)
        always(m, ~loading | loader.open, "all switches are open while rows are loaded")
        begins = self._accepted & (loader.words.payload.chip == ROW_CHAIN) & (rows[0].place == 0)
        always(m, ~begins | (age.now > self._cycles.open), "they have had their time to open before others are closed")
        always(m, ~finished | ~loader.open & (rested >= settle), "switches and lines have had their time to settle")
        nothing = Signal()
        m.d.sync += nothing.eq(self.selection == Selection.NONE)
        closes = age.changes & ~loader.open & loader.serves_select
        always(m, ~closes | rows[0].done & columns[0].done, "switches are closed only for a selection that is held")
        always(m, ~nothing | loader.open, "where nothing is selected, all switches are open in the next cycle")
        waits = loader.stale & self.select & (loader.state == SwitchLoaderState.LATCH)
        m.d.comb += [Cover(finished & (settle == 3) & rows[0].closed & columns[0].closed), Cover(waits)]
        self._age = age

    def _leave_reachable_states(self, m: Module, rows: tuple[_Chain, Any], columns: tuple[_Chain, Any]) -> None:
        """Say how far the loader is in each of its states."""
        loader, row, column = self._loader, rows[0], columns[0]
        for chain, closed in (rows, columns):
            over = chain.done | chain.fresh & (chain.place > chain.at)
            always(m, ~(self.select & over) | (chain.closed == closed), "")
            always(m, chain.place < chain.words, "")
        serves, index, count = loader.serves_select, loader.index, loader.count
        held = serves & ~loader.stale & self.select
        at_start, is_open = (row.place == 0) & (column.place == 0), ~serves | loader.open
        reached = {
            SwitchLoaderState.IDLE: at_start,
            SwitchLoaderState.OPEN: at_start
            & serves
            & loader.open
            & (index == row.words - 1)
            & (count <= self._cycles.open)
            & (self._age.now >= count),
            SwitchLoaderState.ROWS: (column.place == 0)
            & serves
            & loader.open
            & (index == row.words - 1 - row.place)
            & (self._age.now > self._cycles.open)
            & (~held | (row.place == 0) | row.fresh),
            SwitchLoaderState.COLUMNS: (row.place == 0)
            & is_open
            & (index == column.words - 1 - column.place)
            & (~held | row.done & ((column.place == 0) | column.fresh)),
            SwitchLoaderState.LATCH: at_start & is_open & (~held | row.done & column.done),
            SwitchLoaderState.SETTLE: at_start
            & ~loader.stale
            & (~held | row.done & column.done & ~loader.open & (self._rested >= count)),
        }
        always(m, loader.state.as_value() < len(reached), "")
        for each, condition in reached.items():
            always(m, (loader.state != each) | condition, "")
