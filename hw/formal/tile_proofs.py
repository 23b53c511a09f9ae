"""Proofs of whole tiles."""

from dataclasses import replace
from typing import Final

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.tile import Tile

from .mutant import Mutant
from .proof import Proof

SMALL: Final = ControllerConfig(rows=4, columns=4, adc_bits=3, input_bits=2, command_depth=2, response_depth=2)
"""Geometry of the proofs; widths and counters are those of every controller."""

SHARING: Final = replace(SMALL, tiles=2, cascade=True, shared_inputs=True, outputs_per_beat=2)
"""The same with all options of streams."""

CHAINED: Final = replace(SHARING, chain=True)
"""The same, with transfers of activations."""

TABLED: Final = replace(SMALL, pulse_entries=16, compare=True, width_cap=1000, pulse_cap=9, code_caps=(100, 200, 300))
"""The same with a pulse table, comparisons, and caps."""

_ACCESS, _NEXT, _SUPERVISOR = (
    "gateware.control.array_access",
    "gateware.control.next_state",
    "gateware.control.supervisor",
)

_SELECTS_A_COLUMN: Final = Mutant(
    "a whole column is selected while the gate is open",
    _ACCESS,
    "        with m.If(self.halt):\n            m.d.sync += self.selection.eq(Selection.NONE)",
    "        with m.If(self.write_gate):\n            m.d.sync += self.selection.eq(Selection.COLUMN)\n"
    "        with m.If(self.halt):\n            m.d.sync += self.selection.eq(Selection.NONE)",
)
_DOES_NOT_WAIT_FOR_SELECT: Final = Mutant(
    "SELECT does not wait for the front end",
    _NEXT,
    "with m.Case(TileState.SELECT):\n            m.d.comb += clock.restart.eq(self.done)\n"
    "            with m.If(self.done):",
    "with m.Case(TileState.SELECT):\n            m.d.comb += clock.restart.eq(1)\n            with m.If(1):",
)
_DROPS_THE_RESPONSE_OF_READ: Final = Mutant(
    "the response of READ is dropped",
    "gateware.control.responder",
    "            self.responses.valid.eq(self.state == TileState.RESPOND),\n"
    "            self.handed_over.eq(self.responses.valid & self.responses.ready),",
    "            self.responses.valid.eq((self.state == TileState.RESPOND) & (command.opcode.as_value() != 9)),\n"
    "            self.handed_over.eq((self.state == TileState.RESPOND) & self.responses.ready),",
)
IGNORES_A_FAULT: Final = Mutant(
    "a fault does not halt", _SUPERVISOR, "self.halt.eq(self.faulted | self.safe |", "self.halt.eq(self.safe |"
)
LATE_GATE: Final = Mutant(
    "the gate closes a cycle late after a halt",
    _ACCESS,
    "self.write_gate.eq(self.opens & ~self.halt),",
    "self.write_gate.eq(self.opens),",
)
_GATE_OVER_A_RESET: Final = Mutant(
    "a reset leaves the gate open",
    _ACCESS,
    "        m = Module()\n",
    "        m = Module()\n        self.write_gate._reset_less = True\n",
)
_UNSETTLED_DRIVE: Final = Mutant(
    "the gate opens in the second cycle of settling",
    _NEXT,
    "with m.Case(TileState.DRIVE):\n            m.d.comb += clock.restart.eq(self.done)\n"
    "            with m.If(self.done):",
    "with m.Case(TileState.DRIVE):\n            m.d.comb += clock.restart.eq(~clock.first)\n"
    "            with m.If(~clock.first):",
)
_ONE_PULSE_MORE: Final = Mutant(
    "a command may give a pulse more than its limit",
    "gateware.control.pulse_plan",
    "pulse.first.eq(1), left.eq(self.limit)]",
    "pulse.first.eq(1), left.eq(self.limit + 1)]",
)
_LATE_COMPLIANCE: Final = Mutant(
    "the blanking time is a cycle longer",
    "gateware.control.phase_timer",
    "(self.next[:MARK_BITS] == self.mark)",
    "(self.next[:MARK_BITS] == (self.mark + 1)[:MARK_BITS])",
)
_DEAF_TO_END_PULSE: Final = Mutant(
    "END_PULSE does not end a pulse of its last blanked width",
    "gateware.control.compliance_watch",
    "self.ended.eq(self.pulsing & self.limited & may_end),",
    "self.ended.eq(self.pulsing & self.limited & may_end & ~nearly),",
)
_ARMS_UNCHECKED: Final = Mutant(
    "ARM arms with bad records",
    "gateware.control.control",
    "supervisor.arm.eq(self.scan.last & self.scan.good & ~supervisor.halt),",
    "supervisor.arm.eq(self.scan.last & ~supervisor.halt),",
)
_UNLOCKED: Final = Mutant(
    "records can be written while armed for reading",
    "gateware.control.register_file",
    "self.write & locked & (self.mode != Mode.SAFE)",
    "self.write & locked & (self.mode == Mode.WRITE)",
)
_STAYS_ARMED: Final = Mutant(
    "a fault does not disarm",
    _SUPERVISOR,
    "self.make_safe.eq(self.faulted | self.safe | self.disarm),",
    "self.make_safe.eq(self.safe | self.disarm),",
)
_FORGETS_A_CUT: Final = Mutant(
    "a drive whose settling was cut short counts as settled",
    "gateware.control.pulse_plan",
    "budget.needed.eq(differs | pulse.stale | self.unsettled),",
    "budget.needed.eq(differs | pulse.stale),",
)
_FORGETS_A_CUT_ENTRY: Final = Mutant(
    "an entry of the pulse table whose settling was cut short counts as settled",
    "gateware.control.pulse_plan",
    "self.budget.needed.eq(entries.needed | self.unsettled),",
    "self.budget.needed.eq(entries.needed),",
)
_LONGER: Final = Mutant(
    "a pulse is a cycle longer than its record says",
    "gateware.control.phase_timer",
    "m.d.comb += ends.eq(self.next == self.width)",
    "m.d.comb += ends.eq(self.next == self.width + 1)",
)
_EAGER_DRIVE: Final = Mutant(
    "the drive moves while a pulse may be under way",
    "gateware.drive.write_drive",
    "        with m.If(self.updating):\n            m.d.sync += [pulse.held.eq(pulse.by_entry),",
    "        with m.If(pulse.held & ~self.updating & (pulse.use.count == 7)):\n"
    "            m.d.sync += self.codes.word_line.eq(pulse.held_entry)\n"
    "        with m.If(self.updating):\n            m.d.sync += [pulse.held.eq(pulse.by_entry),",
)
_ENDLESS_GROUP: Final = Mutant(
    "a group of the pulse table goes on when no pulses are left",
    "gateware.control.table_plan",
    "self.again.eq(~done & self.more),",
    "self.again.eq(~done),",
)
_ABOVE_THE_CAP: Final = Mutant(
    "a value one above its cap is stored",
    "gateware.control.register_file",
    "wrong.append(value[:bits] > most)",
    "wrong.append(value[:bits] > most + 1)",
)
_PASSES_ON_TWICE: Final = Mutant(
    "an output that is passed on is offered as a response, too",
    "gateware.control.product_outlet",
    "self.offers.eq(~self.responds | ~self.passes & complete & visible),",
    "self.offers.eq(~self.responds | complete & visible),",
)

_STATES: Final = (
    "Whatever the host, the front end and the inputs do: the gate opens only when it may, onto a connected cell and a "
    "settled drive, no longer and no more often than it may; what is driven was checked; each command is answered once."
)

OF_TILES: Final = (
    Proof(
        "tile",
        _STATES,
        lambda: Tile(SMALL),
        2,
        covers=("the gate opens", "a halt closes an open gate", "the limit of the current is seen under an open gate"),
        within=38,
        mutants=(
            _SELECTS_A_COLUMN,
            _DOES_NOT_WAIT_FOR_SELECT,
            _DROPS_THE_RESPONSE_OF_READ,
            IGNORES_A_FAULT,
            LATE_GATE,
            _GATE_OVER_A_RESET,
            _UNSETTLED_DRIVE,
            _FORGETS_A_CUT,
            _LONGER,
            _ONE_PULSE_MORE,
            _LATE_COMPLIANCE,
            _DEAF_TO_END_PULSE,
            _ARMS_UNCHECKED,
            _UNLOCKED,
            _STAYS_ARMED,
        ),
    ),
    Proof(
        "tile with cascades, shared inputs and packed outputs",
        _STATES,
        lambda: Tile(SHARING),
        2,
        covers=("the gate opens", "a halt closes an open gate", "the limit of the current is seen under an open gate"),
        within=38,
        mutants=(_PASSES_ON_TWICE, LATE_GATE),
    ),
    Proof(
        "tile with chains",
        _STATES,
        lambda: Tile(CHAINED),
        2,
        covers=("the gate opens", "a halt closes an open gate", "the limit of the current is seen under an open gate"),
        within=38,
        mutants=(
            Mutant(
                "a transfer ends before its last word",
                _NEXT,
                "with m.Case(TileState.TRANSFER), m.If(self.transferred):",
                "with m.Case(TileState.TRANSFER), m.If(1):",
            ),
            Mutant(
                "cycles without a transfer are counted as its words",
                "gateware.control.control",
                "self.counted.eq(transfers.moved)",
                "self.counted.eq(1)",
            ),
            LATE_GATE,
        ),
    ),
    Proof(
        "tile with a pulse table, comparisons and caps",
        f"{_STATES} No width, code or count of pulses above its cap is ever stored.",
        lambda: Tile(TABLED),
        2,
        covers=("the gate opens", "a halt closes an open gate", "the limit of the current is seen under an open gate"),
        within=38,
        mutants=(_ABOVE_THE_CAP, _ENDLESS_GROUP, _EAGER_DRIVE, _FORGETS_A_CUT_ENTRY),
    ),
)
