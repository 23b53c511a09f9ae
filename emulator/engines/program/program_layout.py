"""What the compiled controller remembers, as records, and what a tile can be doing.

Kernels get records of NumPy's structured types and use their fields by name. Every type has one fixed size, whatever
the controller's geometry is, so that kernels are compiled once.
"""

from typing import Final

import numpy as np

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.hw.actions import ACTIONS
from twinbar.hw.gateware.controller_bounds import BOUNDS
from twinbar.hw.parts.assembly import MOST_OUTPUTS
from twinbar.hw.parts.cycles import FrontEndCycles
from twinbar.hw.protocol.layouts import LEVEL_BITS, MAX_COLUMNS
from twinbar.hw.protocol.registers import PULSE_TABLES
from twinbar.hw.protocol.sizes import MAX_SCALED, WORD_BITS
from twinbar.hw.timing import LINK_DEPTH, PHASES

NEVER: Final = 1 << 62
"""A cycle that does not come."""

# --- states -----------------------------------------------------------------------------------------------------------
# A tile is in one state for a segment of cycles, whose last one is known when it begins.
IDLE: Final = 0
LOAD: Final = 1
TRANSFER: Final = 2
RESPOND: Final = 3
HOUSEKEEPING: Final = 4
"""Cycles of `decide` that no halt ends: refused commands, registers, DISARM, CLEAR, SAFE, ABORT."""
DECODE: Final = 5
"""First cycle of ARM and WAIT. From here on, a halt ends what the tile does."""
SCAN: Final = 6
WAIT: Final = 7
SELECT: Final = 8
CONNECT: Final = 9
CONVERT: Final = 10
"""All conversions of a read, or one of a group of outputs."""
COMPARE: Final = 11
"""One comparison."""
DECIDE: Final = 12
DRIVE: Final = 13
PULSE: Final = 14
RECOVER: Final = 15
HAND_OVER: Final = 16
"""An output goes to a link or to a lane as soon as it can."""

NO_ENTRY: Final = -1
"""Instead of an entry of the pulse table: the drive holds none."""

LINES: Final = 3
"""Bit line, source line and word line, in this order."""


MOST_OUTPUT_WORDS: Final = MAX_SCALED * BOUNDS["input_bits"].most // WORD_BITS
"""Words of the activations of a product."""
ENTRY_WORDS: Final = sum(table.capacity for table in PULSE_TABLES.values())
"""Addresses of the pulse table."""


def _numbers(*fields: str | tuple[str, int | tuple[int, ...]]) -> np.dtype:
    """Return the type of a record whose fields are 64-bit integers, or arrays of them of a given shape."""
    return np.dtype([(field, "<i8") if isinstance(field, str) else (field[0], "<i8", field[1]) for field in fields])


TILE: Final = _numbers(
    # --- the segment
    "state",
    "begin",  # first cycle of the state
    "end",  # its last cycle, if it is known; of a pulse, what the current limit does is taken into account
    # --- safety
    "mode",
    "faults",  # latched, in the bits of the response
    "aborting",  # SAFE and ABORT that were presented and are not yet answered
    "armed_since",  # first cycle in which the tile was armed; negative if that was in an earlier program
    # --- the write drive
    "record",  # that is driven; SAFE stands for none
    ("codes", LINES),  # that are driven
    "entry",  # of the pulse table that is driven, 2 * number + polarity; NO_ENTRY: none is
    "unsettled",  # a halt has ended the phase in which the codes were to settle
    "target",  # record to be pulsed next
    # --- the command
    "opcode",
    "body",
    "status",
    "column",  # of the cell; output that is converted or answered, of a group the first
    "result",  # value of a register, or the sum of the output that is answered
    "code",
    "sets",
    "resets",
    # --- operations on cells
    "cell",
    "pair",
    "left",  # pulses that may still be given
    "first",  # the next pulse is the first of its command
    "discard",
    "average",
    "total",  # sum of a read's kept samples
    "trip",  # cycle of the pulse in which its current passes the limit; -1: it does not
    "trips",  # the pulse ends with a compliance fault
    "limited",  # last cycle in which the compliance input of earlier pulses is seen high
    "trim_bit",  # that is in work; 0 if no trim is looked for
    # --- writes by pulse table, and comparisons
    "uses_table",  # the write goes by the pulse table
    "compares",  # reads compare
    "gives_code",  # the read in work only gives the code that is answered
    "side",  # polarity pulsed last, or of the command; its bound is compared first
    "compared",  # comparisons of the read in work
    "miss",  # what they have found: -1 below the window, 1 above it
    "offset",
    "number",  # of the entry to be pulsed next
    "group",  # pulses of the entry that are left
    # --- multiplications
    "outputs",  # from ``column`` on
    "planes",  # from this input step on
    "step",  # input steps that are done
    "empty",  # the multiplication has no input step
    "cut",  # status that follows the beat that is answered, because a halt has come; 0: none has
    "rows_on",  # the read path is on while a result is answered
    "heat",  # of the driven rows, per cycle
    # --- cascades, and outputs that share a beat
    "flows",  # the multiplication is one of them
    "first_member",  # of the cascade; a tile alone is both
    "last_member",
    "runs",  # the cascade; up to the last output, or a halt
    "packed",  # outputs in lanes of the beat, which is ``result``
    "offered",  # first cycle in which the complete beat is offered
    "hit",  # cycle in which the cascade's end halts the tile; -1: none
    "halted",  # last cycle in which it was halted
    "cut_off",  # last cycle in which a halt has ended its part of the cascade
    "link_in",  # sums that were handed to the link below, and that were taken from it
    "link_out",
    ("link_at", LINK_DEPTH),  # cycles in which those in the link were handed over
    "link_freed",  # cycle in which one was taken last
    ("link_sums", LINK_DEPTH),
    "group_before",  # input group before ``group_since``
    "group_since",
    # --- activations
    "keeps",  # where sums of the multiplication go, as the register ACTIVATION says
    "activated",  # sums that have become activations
    "complete",  # all of the last product that keeps them are
    "unfilled",  # the row registers lack words of a transfer
    "gathered",  # word of activations that is not stored yet
    ("activations", MOST_OUTPUT_WORDS),
    "seen_planes",  # in which a word with a one has been loaded since all words were cleared
    # --- the command queue
    "head",  # position of the oldest beat
    "level",  # beats in the queue
    # --- counters
    ("phases", len(PHASES)),
    ("actions", len(ACTIONS)),
    ("energies", len(CellEnergy)),
    "least",  # forward code in this program; ``least > most``: there were none
    "most",
    "clipped",
    # --- a serial front end: what `program_front_end` follows
    ("wanted", MOST_OUTPUTS),  # codes that the outputs of the DACs should have, in the order of `SerialParts.outputs`
    ("held", MOST_OUTPUTS),  # codes that were last sent to them; -1: none was
    ("kept", (2, LINES)),  # codes of the lines for READ, then those for MULTIPLY
    "dac_free",  # first cycle in which a word can be sent to a DAC
    "settled",  # first cycle in which the outputs have settled, if no word follows
    "wanted_since",
    "loader_free",  # first cycle in which a load of the switches can begin
    "connected",  # column whose group is connected
    "reader_free",  # first cycle in which a frame of the ADCs can begin
    "chosen",  # ADC channel that the next frame converts; -1: none was chosen
    "load_start",  # first cycle of the load that the request in work has asked for; NEVER: it has asked for none
    "load_latched",
    "load_over",
    "frames",  # of the conversion in work; 0: there is none
    "frames_first",  # cycle in which the first of them is sent
    "free_before",  # ``reader_free`` and ``chosen`` before the conversion
    "chosen_before",
    "lanes_first",  # first ADC channel of the conversion
    "sample_end",  # last cycle of the first conversion of a read
    "fault_first",  # cycles in which the fault of the front end is seen
    "fault_last",  # NEVER: as long as the request is held
    # --- registers and tables
    ("registers", 128),  # by address
    ("levels", 1 << LEVEL_BITS),
    ("table", ENTRY_WORDS),  # the pulse table, by address
    ("scales", MAX_SCALED),  # scale and bias of every column
    ("trims", 64),
    ("offsets", (2, MAX_COLUMNS)),  # of columns, then of pairs
    ("sums", MAX_COLUMNS),  # of the outputs of a multiplication
)
"""A tile: the command it runs, its registers and tables, and its counters."""

FRONT_END: Final = (
    *("wanted", "held", "kept"),
    *("dac_free", "settled", "wanted_since", "loader_free", "connected", "reader_free", "chosen"),
)
"""Fields of a tile that a serial front end remembers between programs, as `FrontEndClock.state` gives it."""

CHIP: Final = np.dtype(
    [
        *_numbers(
            *("rows", "columns", "channels", "adc_bits", "dac_bits", "input_bits", "field_bits", "words"),
            *("command_depth", "response_depth"),
            *("cascade", "shared", "lanes", "lane_bits", "chain"),
            "entries",  # of the pulse table of a polarity
            "holds",  # every column has a sample-and-hold
            ("safe", LINES + 1),  # safe codes of the lines, and of the current limit
            "serial",  # the front end is serial; all that follows is for it
            "latency",  # of the ADC
            "pairs",  # there are switches for subtracted pairs
            "reference",  # there is a switch for the reference source
            "outputs",  # of the DACs in use
            ("lines", MOST_OUTPUTS),  # the line of each
            ("drives", MOST_OUTPUTS),  # its drives, as bits
        ).descr,
        ("parts", _numbers(*FrontEndCycles._fields).descr),
    ]
)
"""What is fixed when the controller is built."""

PIN: Final = _numbers("pin", "tile", "first", "last")
"""A pulse of an asynchronous pin: its first and last cycle, as they are seen behind the synchronizer."""

FLOW: Final = _numbers(
    "position",  # next beat of the program
    "dispatch",  # cycle in which it is presented, or tried again; NEVER while its queue has no room
    "waiting",  # it was presented and has to wait
    "accepted_last",  # cycle in which the beat before it was accepted
    "responses",  # that were handed over
    "room",  # first cycle in which the response queue takes another one
    "served",  # tile that the arbiter served last
    "busy_until",  # last cycle of which it is known that the controller is not at rest
    "safe_now",  # a SAFE is presented in this cycle
    "aborted_now",  # the tile for which an ABORT is, or -1
    "pin_event",  # next cycle in which an input may stop a tile
    "watchdog",  # no watchdog expires before it
    "first",  # tiles that the presented beat goes to
    "behind",
    "to_group",  # of these, those of an input group alone
    "transfers",  # the presented beat is a transfer
    "gathers",  # a tile could take a command in this cycle for which it waits for others
    "transfers_in",  # transfers that were accepted, and that have begun
    "transfers_out",
    "transfer_free",  # first cycle in which one can begin
    "transfer_due",  # cycle in which to look whether one can; NEVER: somebody else will say so
)
"""Where the two streams stand, and when something may halt tiles next."""
