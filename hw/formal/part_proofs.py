"""Proofs of parts of a tile, and of the streams around the tiles."""

from dataclasses import replace
from typing import Final

from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.timing import ARM_CYCLES

from .count_proof import CountProof
from .memory_proof import MemoryProof
from .mutant import Mutant
from .partial_sums import LinkProof
from .proof import Proof
from .records import ArmingProof, DriveProof
from .stream_proofs import ArbiterProof, DispatcherProof, QueueProof
from .tally_proof import TallyProof
from .tile_proofs import SHARING, SMALL, TABLED
from .watchdog_proof import WatchdogProof

CHECKED: Final = 2
"""Entries of each polarity whose check is proven: one of more differs by the bits of a counter."""

_ARMING, _DRIVE, _QUEUE = "gateware.drive.arming", "gateware.drive.write_drive", "gateware.streams.stream_queue"
_CAPPED: Final = replace(SMALL, width_cap=1000, pulse_cap=9, code_caps=(100, 200, 300))
_WILD_DRIVE: Final = Mutant(
    "a code of 77 is driven as 76",
    _DRIVE,
    "        if self.config.pulse_entries:\n            self._hold_entry(m)",
    "        with m.If(driven[1] == 77):\n            m.d.sync += driven[1].eq(76)\n"
    "        if self.config.pulse_entries:\n            self._hold_entry(m)",
)
_UNCUT_RAMP: Final = Mutant(
    "a ramp runs past its stop code", _DRIVE, "with m.If(cutting & (after[line] > stop)):", "with m.If(0):"
)
_FORGETFUL_DRIVE: Final = Mutant(
    "a ramp goes on with the record that was driven before",
    _DRIVE,
    "start = pulse.first | (pulse.record != pulse.target)",
    "start = pulse.first",
)

OF_RECORDS: Final = (
    Proof(
        "arming",
        "If ARM passes, any record is ordered: LOW <= CODES <= STOP <= HIGH in every line, WIDTH within LIMIT; "
        "only what passed is loaded.",
        ArmingProof,
        ARM_CYCLES + 3,
        unbounded=False,
        covers=("a record passes", "a record does not"),
        within=ARM_CYCLES + 3,
        mutants=(
            Mutant("every record passes", _ARMING, "self.scan.good.eq(~bad)]", "self.scan.good.eq(1)]"),
            Mutant(
                "start and stop codes are compared the wrong way round",
                _ARMING,
                "ascending.eq((pair - 1)[:2] == _ASCENDING),",
                "ascending.eq((pair - 1)[:2] == _ASCENDING + 1),",
            ),
        ),
    ),
    Proof(
        "arming with a pulse table",
        "The same of any entry of the pulse table: LOW <= codes <= STOP in every line.",
        lambda: ArmingProof(CHECKED),
        Arming.cycles(CHECKED) + 3,
        unbounded=False,
        covers=("a record passes", "a record does not"),
        within=Arming.cycles(CHECKED) + 3,
        mutants=(
            Mutant(
                "entries are not compared with the stop codes",
                _ARMING,
                "m.d.sync += [looked.eq(waits), stops.eq(with_stop)]",
                "m.d.sync += [looked.eq(waits), stops.eq(0)]",
            ),
        ),
    ),
    Proof(
        "drive",
        "For any record and any ramp, the codes on the lines lie between the start and the stop codes.",
        lambda: DriveProof(SMALL),
        2,
        covers=("a ramp reaches its stop codes",),
        within=12,
        mutants=(_WILD_DRIVE, _UNCUT_RAMP, _FORGETFUL_DRIVE),
        traced=14,
    ),
    Proof(
        "drive with a pulse table",
        "The same where entries of a pulse table come between; those are driven with their own codes and use.",
        lambda: DriveProof(TABLED),
        2,
        covers=("a ramp reaches its stop codes", "an entry is driven"),
        within=12,
        mutants=(
            Mutant(
                "a drive that holds an entry forgets it",
                _DRIVE,
                "        with m.If(self.finishing & pulse.held):",
                "        with m.If(pulse.held):\n            m.d.sync += pulse.held.eq(0)\n"
                "        with m.If(self.finishing & pulse.held):",
            ),
            _WILD_DRIVE,
        ),
        traced=14,
    ),
    Proof(
        "memory of the records",
        "What is read of any register is what was written, or what it holds after power-up; nothing lies above a cap.",
        lambda: MemoryProof(_CAPPED),
        2,
        covers=("another value than the first is read",),
        within=6,
        mutants=(
            Mutant(
                "registers at odd addresses are written at even ones, too",
                "gateware.drive.bias_memory",
                "write.en.eq(self.write & (self.address[0] == odd)),",
                "write.en.eq(self.write & ((self.address[0] == odd) | (odd == 0))),",
            ),
        ),
        traced=6,
    ),
    Proof(
        "watchdog",
        "An armed tile to which nobody speaks halts after WATCHDOG cycles, whatever that is (28 bits), and is safe in "
        "the next one; no fault is latched without its cause, and each cause latches its own.",
        lambda: WatchdogProof(SMALL),
        2,
        covers=("the watchdog has waited for 5 cycles",),
        within=10,
        mutants=(
            Mutant(
                "the watchdog waits a cycle longer",
                "gateware.control.supervisor",
                "over.eq((left == 1) &",
                "over.eq((left == 0) &",
            ),
            Mutant(
                "the watchdog is fed by commands that halt only",
                "gateware.control.supervisor",
                "with m.If(armed & ~self.accepted):",
                "with m.If(armed & ~(self.accepted & self.safe)):",
            ),
            Mutant(
                "the stop latches its fault only while armed",
                "gateware.control.supervisor",
                '"stop": self.stop & ~self.faults.stop,',
                '"stop": armed & self.stop & ~self.faults.stop,',
            ),
            Mutant(
                "ARM wins over DISARM",
                "gateware.control.supervisor",
                "self.make_safe.eq(self.faulted | self.safe | self.disarm),",
                "self.make_safe.eq(self.faulted | self.safe | (self.disarm & ~self.arm)),",
            ),
        ),
        traced=8,
    ),
    Proof(
        "counters",
        "A counter in block RAM gives all that was added to it, at its full width, over resets too.",
        lambda: TallyProof(5, 3),
        2,
        covers=("a counter that holds 5 is read", "additions to one counter follow one another"),
        within=8,
        mutants=(
            Mutant(
                "of two additions in a row the first is lost",
                "gateware.accounts.tally",
                "m.d.sync += amount.eq(amount + self.amount)",
                "m.d.sync += amount.eq(self.amount)",
            ),
        ),
        traced=8,
    ),
)

_EVENTS: Final = (
    Action.SHARED_BEAT,
    Action.PARTIAL_SUM,
    Action.PACKED_OUTPUT,
    Action.REQUANTIZE,
    Action.TRANSFERRED_WORD,
)
_COUNTERS, _PENDING = "gateware.accounts.counters", "gateware.accounts.pending_counts"
_ALL_IS_COUNTED: Final = (
    "All that happens is counted, or waits to be: no count that waits overflows, each cycle is counted for its phase, "
    "and counters in block RAM are used as they must be"
)
OF_COUNTS: Final = (
    Proof(
        "counts",
        f"{_ALL_IS_COUNTED}.",
        lambda: CountProof(()),
        2,
        covers=("two commands wait", "an action that happened five times is counted"),
        within=8,
        mutants=(
            Mutant(
                "a command that starts while those before it are counted is lost",
                _COUNTERS,
                "waiting.eq(waiting - (waiting & count.replicate(3)) + self.started)]",
                "waiting.eq((waiting + self.started) & ~count.replicate(3))]",
            ),
            Mutant(
                "one command at most can wait",
                _COUNTERS,
                "self.waiting = Signal(3, reset_less=True)",
                "self.waiting = Signal(1, reset_less=True)",
            ),
            Mutant(
                "the run of a phase is not added before it overflows",
                _COUNTERS,
                "phases.add.eq((now != last) | run.all()),",
                "phases.add.eq(now != last),",
            ),
        ),
    ),
    Proof(
        "counts of all options",
        f"{_ALL_IS_COUNTED}; nothing waits of a counter that is read.",
        lambda: CountProof(_EVENTS),
        2,
        covers=("as many commands wait as there are actions that do", "an action that happened five times is counted"),
        within=10,
        mutants=(
            Mutant(
                "what happens while it is counted is lost",
                _PENDING,
                "m.d.sync += waiting[number].eq(left + self.happened[number])",
                "m.d.sync += waiting[number].eq((left + self.happened[number]) & ~counted.replicate(BITS))",
            ),
            Mutant(
                "the turn stays at an action of which nothing waits",
                _PENDING,
                "with m.If(self.free & ~jumps):",
                "with m.If(self.count & ~jumps):",
            ),
            Mutant(
                "a counter that is read soon has to wait for its turn",
                _PENDING,
                "m.d.sync += [first.eq(number), jumps.eq(self.urgent)]",
                "m.d.sync += [first.eq(number), jumps.eq(0)]",
            ),
        ),
        traced=22,
    ),
)


def _queue(depth: int) -> Proof:
    return Proof(
        f"queue of {depth}",
        "No beat is lost, doubled, changed or overtaken; what is offered stays until it is taken, and comes in time.",
        lambda: QueueProof(depth),
        3,
        covers=("a full queue gives a beat", "a queue is empty again"),
        within=8,
        mutants=(
            Mutant(
                "a queue takes a beat fewer than it has room for",
                _QUEUE,
                "level != self.depth if self.depth & (self.depth - 1) else ~level[-1]",
                "level < self.depth - 1",
            ),
            Mutant(
                "a beat is offered before it is read",
                _QUEUE,
                "((level == 1) & ~take))",
                "((level == 1) & ~take) | put)",
            ),
        ),
        traced=8,
    )


def _arbiter(tiles: int) -> Proof:
    return Proof(
        f"arbiter of {tiles} tiles",
        "Every response is passed on once and unchanged, and a tile waits for every other one once at most.",
        lambda: ArbiterProof(tiles),
        2,
        covers=("all others were served", "and then this one"),
        within=8,
        mutants=(
            Mutant(
                "the lowest tile always comes first",
                "gateware.streams.arbiter",
                "with m.If(offers[tile] & (last < tile)):",
                "with m.If(0):",
            ),
        ),
        traced=8,
    )


def _dispatcher(name: str, config: ControllerConfig) -> Proof:
    return Proof(
        name,
        "Every accepted beat reaches the tiles that it is for, once and unchanged; it waits for room only; SAFE and "
        "ABORT halt in the first cycle in which they are presented, and once.",
        lambda: DispatcherProof(config),
        2,
        covers=("SAFE has waited for room", "a beat reaches its tiles behind others"),
        within=6,
        mutants=(
            Mutant(
                "SAFE halts again while it waits",
                "gateware.streams.dispatcher",
                "self.safe.eq(presented & to_all)",
                "self.safe.eq(self.i.valid & to_all)",
            ),
        ),
        traced=6,
    )


OF_STREAMS: Final = (
    _queue(2),
    _queue(3),
    _arbiter(2),
    _arbiter(3),
    _dispatcher("dispatcher", replace(SMALL, tiles=2)),
    _dispatcher("dispatcher with shared inputs and cascades", replace(SHARING, tiles=3)),
    Proof(
        "links",
        "Between two tiles of a cascade no partial sum is lost, doubled, overtaken, or left when a cascade starts.",
        LinkProof,
        2,
        covers=("a full link hands a sum over", "a link is cleared"),
        within=6,
        mutants=(
            Mutant(
                "a sum is left when a cascade starts",
                "gateware.streams.sum_link",
                "level.eq(Mux(self.clear, 0, level + put - take))",
                "level.eq(Mux(self.clear & (level != 2), 0, level + put - take))",
            ),
            Mutant(
                "a sum is handed over twice",
                "gateware.streams.sum_link",
                "with m.Elif(put & (take | (level == 0))):",
                "with m.Elif(put & (level == 0)):",
            ),
        ),
        traced=6,
    ),
)
