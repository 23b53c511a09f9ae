"""A serial front end answers its tile's requests when what they ask for is there, once each, and not later."""

from typing import Any, Final

from amaranth.hdl import Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.handshake import CYCLE_BITS
from twinbar.hw.gateware.front_end.serial_front_end import SerialFrontEnd
from twinbar.hw.gateware.front_end.switch_loader import SwitchLoaderState
from twinbar.hw.gateware.tile_states import is_any
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.layouts import COLUMN_BITS, COMPLIANCE_BITS, ROW_BITS, Triple
from twinbar.hw.protocol.vocabulary import Record, Request, Selection

from .gate import always
from .symbols import any_number, opened

_LONGEST: Final = (1 << CYCLE_BITS) - 1


class AnswerProof(wiring.Component):
    """Any requests, held until they are answered or taken back at any time, to a whole front end.

    What its parts mean by ready, finished and done is proven of each of them (`DacProof`, `SwitchProof`, `AdcProof`).

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
        Without a reference source, so that some selections are impossible.
    connects : bool
        Reach a read path that is connected: in as many cycles as its outputs need behind a reset.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts, *, connects: bool) -> None:
        self._config, self._parts, self._connects = config, parts, connects
        super().__init__(
            {
                "request": In(Request),
                "selection": In(Selection),
                "row": In(ROW_BITS),
                "column": In(COLUMN_BITS),
                "channels": In(config.adc_channels),
                "subtract": In(1),
                "record": In(Record),
                "codes": In(Triple),
                "compliance_code": In(COMPLIANCE_BITS),
                "update": In(1),
                "write_gate": In(1),
                "read_enable": In(1),
                "pin_fault": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        front = SerialFrontEnd(self._config, self._parts)
        m.submodules.front_end = inside = opened(front, platform)
        self._tile, self._inside = tile, inside = front.tile, inside.submodules
        names = ("request", "selection", "row", "column", "channels", "subtract", "record", "compliance_code", "update")
        m.d.comb += [getattr(tile, name).eq(getattr(self, name)) for name in (*names, "write_gate", "read_enable")]
        m.d.comb += [tile.codes.eq(self.codes), front.pins.fault.eq(self.pin_fault)]
        self._durations = {}
        for name in ("select", "settle_read", "settle_drive", "settle_multiply"):
            self._durations[name] = number = any_number(m, CYCLE_BITS, name)
            m.d.comb += getattr(tile.durations, name).eq(number)
        self._ask(m)
        self._answer(m, front)
        for pin in ("write_gate", "read_enable"):
            always(m, getattr(front.pins, pin) == getattr(self, pin), "the gates go through as they are")
        return m

    def _ask(self, m: Module) -> None:
        """Ask as a tile does (`tile ...` states it of whole tiles)."""
        shown = Cat(self.selection, self.row, self.column, self.channels, self.subtract)
        self._before = before = Signal(Request)
        shown_before, self._held = Signal(len(shown)), Signal()
        m.d.sync += [before.eq(self.request), shown_before.eq(shown)]
        m.d.sync += self._held.eq((self.request != Request.NONE) & ~self._tile.done)
        connects = is_any(self.request, (Request.CONNECT_READ, Request.CONNECT_MULTIPLY))
        # Cycles of the request before this one: 2 stands for as many and more.
        self._age = age = Signal(2)
        m.d.sync += age.eq(Mux((self.request == Request.NONE) | self._tile.done, 0, age + (age != 2)))
        m.d.comb += [
            Assume(~self._held | (self.request == before) | (self.request == Request.NONE)),
            Assume(~self._held | (self.request == Request.NONE) | (shown == shown_before)),
            Assume((self.request != Request.SELECT) | (self.selection != Selection.NONE)),
            Assume(~connects | ~self.update),
            Assume((self.request != Request.DRIVE) | (self.update == (age == 1))),
            Assume((self.row < self._config.rows) & (self.column < self._config.columns)),
        ]

    def _answer(self, m: Module, front: SerialFrontEnd) -> None:
        """State when each request is answered."""
        tile, request, age = self._tile, self.request, self._age
        keeper, loader, reader = self._inside.keeper, self._inside.loader, self._inside.reader
        impossible = self.selection == Selection.CODES
        if not self._parts.pairs:
            impossible |= self.subtract
        if not self._parts.reference:
            impossible |= self.selection == Selection.REFERENCE
        connects = is_any(request, (Request.CONNECT_READ, Request.CONNECT_MULTIPLY))
        # Cycles in a row, of the request, in which all outputs were at rest behind what it has changed.
        rested, rested_now = Signal(CYCLE_BITS), Signal(CYCLE_BITS)
        at_rest = connects & (age != 0) & keeper.ready
        m.d.comb += rested_now.eq(Mux(at_rest, rested + (rested != _LONGEST), 0))
        m.d.sync += rested.eq(Mux(tile.done, 0, rested_now))
        settle = Mux(
            request == Request.CONNECT_READ, self._durations["settle_read"], self._durations["settle_multiply"]
        )
        refused = Signal()
        m.d.sync += refused.eq((request == Request.SELECT) & impossible)
        for condition, text in (
            (~tile.done | (request != Request.NONE), "nothing is answered that was not requested"),
            (
                ~connects | (tile.done == (at_rest & (rested_now >= settle))),
                "the read path is connected when all outputs have rested for as long as its register says, not later",
            ),
            (
                (request != Request.DRIVE) | (tile.done == ((age == 2) & keeper.ready)),
                "a drive is there when all outputs rest behind its codes",
            ),
            (
                (request != Request.SELECT) | ~tile.done | loader.finished & loader.serves_select & keeper.ready,
                "a selection is connected when the load that was made for it has settled, and no output moves",
            ),
            ((request != Request.SELECT) | ~tile.done | ~impossible, "what cannot be connected is never answered"),
            (tile.fault == (self.pin_fault | refused), "it is a fault, and so is the pin; nothing else is"),
            ((request != Request.CONVERT) | (tile.done == reader.done), "a conversion is answered as its frames end"),
            (
                ~reader.convert | (request == Request.CONVERT) & loader.connected,
                "frames begin when the column's group is connected",
            ),
        ):
            always(m, condition, text)
        m.d.comb += Cover(refused)
        if self._connects:
            m.d.comb += Cover(tile.done & (request == Request.CONNECT_READ) & (self._durations["settle_read"] == 3))
        self._leave_reachable_states(m, front, rested)

    def _leave_reachable_states(self, m: Module, front: SerialFrontEnd, rested: Signal) -> None:
        """Say what the registers of the front end itself hold, and when its loader can be done."""
        last, age, loader = front.last, self._age, self._inside.loader
        connected = is_any(last, (Request.CONNECT_READ, Request.CONNECT_MULTIPLY))
        settle = Mux(last == Request.CONNECT_READ, self._durations["settle_read"], self._durations["settle_multiply"])
        asked = Mux(loader.serves_select, last == Request.SELECT, last == Request.CONVERT)
        for condition in (
            age <= 2,
            (last == Request.NONE) == (age == 0),
            (age != 0) == self._held,
            ~self._held | (last == self._before),
            front.updated == ((last == Request.DRIVE) & (age == 2)),
            ~connected | (front.settled == rested + 1),
            (rested == 0) | connected & (rested < settle),
            (loader.state != SwitchLoaderState.SETTLE) | asked,
        ):
            always(m, condition, "")
