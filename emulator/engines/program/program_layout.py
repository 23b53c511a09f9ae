"""Where the state of a tile's controller lies in its row of one flat array, and what a tile can be doing.

A row holds everything that a tile of the controller remembers: the command it runs, its registers and tables, and its
counters. One array keeps calls between compiled functions cheap.
"""

from typing import Final

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.hw.actions import ACTIONS
from twinbar.hw.parts.assembly import MOST_OUTPUTS
from twinbar.hw.protocol.layouts import LEVEL_BITS
from twinbar.hw.timing import PHASES

NEVER: Final = 1 << 62
"""A cycle that does not come."""

# --- states -----------------------------------------------------------------------------------------------------------
# A tile is in one state for a segment of cycles, whose last one is known when it begins.
IDLE: Final = 0
LOAD: Final = 1
RESPOND: Final = 2
HOUSEKEEPING: Final = 3
"""Cycles of `decide` that no halt ends: refused commands, registers, DISARM, CLEAR, SAFE, ABORT."""
DECODE: Final = 4
"""First cycle of ARM and WAIT. From here on, a halt ends what the tile does."""
SCAN: Final = 5
WAIT: Final = 6
SELECT: Final = 7
CONNECT: Final = 8
CONVERT: Final = 9
"""All conversions of a read, or one of a group of outputs."""
DECIDE: Final = 10
DRIVE: Final = 11
PULSE: Final = 12
RECOVER: Final = 13

# --- the segment ------------------------------------------------------------------------------------------------------
STATE: Final = 0
BEGIN: Final = 1
"""First cycle of the state."""
END: Final = 2
"""Last cycle of the state, if it is known; of a pulse, what the current limit does is taken into account."""

# --- safety -----------------------------------------------------------------------------------------------------------
MODE: Final = 3
FAULTS: Final = 4
"""Latched faults, in the bits of the response."""
ABORTING: Final = 5
"""SAFE and ABORT that were presented and are not yet answered."""
ARMED_SINCE: Final = 6
"""First cycle in which the tile was armed; negative if that was in an earlier program."""

# --- the write drive --------------------------------------------------------------------------------------------------
RECORD: Final = 7
"""Record that is driven; SAFE stands for none."""
CODES: Final = 8
"""Three codes that are driven: bit line, source line, word line."""
TARGET: Final = 11
"""Record to be pulsed next."""

# --- the command ------------------------------------------------------------------------------------------------------
OPCODE: Final = 12
BODY: Final = 13
STATUS: Final = 14
COLUMN: Final = 15
"""Cell's column; output that is converted or answered, of a group the first."""
RESULT: Final = 16
"""Value of a register, or the sum of the output that is answered."""
CODE: Final = 17
SETS: Final = 18
RESETS: Final = 19

# --- operations on cells ----------------------------------------------------------------------------------------------
CELL: Final = 20
PAIR: Final = 21
LEFT: Final = 22
"""Pulses that may still be given."""
FIRST: Final = 23
"""The next pulse is the first of its command."""
DISCARD: Final = 24
AVERAGE: Final = 25
TOTAL: Final = 26
"""Sum of a read's kept samples."""
TRIP: Final = 27
"""Cycle of the pulse in which its current passes the limit; -1: it does not."""
TRIPS: Final = 28
"""The pulse ends with a compliance fault."""
LIMITED: Final = 29
"""Last cycle in which the compliance input of earlier pulses is seen high."""
TRIM_BIT: Final = 30
"""Bit of the trim that is in work; 0 if none is looked for."""

# --- multiplications --------------------------------------------------------------------------------------------------
OUTPUTS: Final = 31
"""Outputs from COLUMN on."""
PLANES: Final = 32
"""Planes from this input step on."""
STEP: Final = 33
"""Input steps that are done."""
EMPTY: Final = 34
"""The multiplication has no input step."""
CUT: Final = 35
"""Status that follows the beat that is answered, because a halt has come; 0: none has."""
ROWS_ON: Final = 36
"""The read path is on while a result is answered."""
HEAT: Final = 37
"""Of the driven rows, per cycle."""
SEEN_PLANES: Final = 38
"""Planes in which a word with a one has been loaded since all words were cleared."""

# --- the command queue ------------------------------------------------------------------------------------------------
HEAD: Final = 39
"""Position of the oldest beat."""
LEVEL: Final = 40
"""Beats in the queue."""

# --- counters ---------------------------------------------------------------------------------------------------------
PHASE_CYCLES: Final = 41
ACTION_COUNTS: Final = PHASE_CYCLES + len(PHASES)
ENERGIES: Final = ACTION_COUNTS + len(ACTIONS)
LEAST: Final = ENERGIES + len(CellEnergy)
MOST: Final = LEAST + 1
CLIPPED: Final = MOST + 1
"""Of forward conversions in this program; LEAST > MOST: there were none."""

# --- a serial front end: what `program_front_end` follows -------------------------------------------------------------
WANTED: Final = CLIPPED + 1
"""Codes that the outputs of the DACs should have, in the order of `SerialParts.outputs`."""
HELD: Final = WANTED + MOST_OUTPUTS
"""Codes that were last sent to them; -1: none was."""
KEPT: Final = HELD + MOST_OUTPUTS
"""Codes of the lines for READ, then those for MULTIPLY."""
DAC_FREE: Final = KEPT + 6
"""First cycle in which a word can be sent to a DAC."""
SETTLED: Final = DAC_FREE + 1
"""First cycle in which the outputs have settled, if no word follows."""
WANTED_SINCE: Final = SETTLED + 1
LOADER_FREE: Final = WANTED_SINCE + 1
"""First cycle in which a load of the switches can begin."""
CONNECTED: Final = LOADER_FREE + 1
"""Column whose group is connected."""
READER_FREE: Final = CONNECTED + 1
"""First cycle in which a frame of the ADCs can begin."""
CHOSEN: Final = READER_FREE + 1
"""ADC channel that the next frame converts; -1: none was chosen."""
LOAD_START: Final = CHOSEN + 1
"""First cycle of the load that the request in work has asked for; NEVER: it has asked for none."""
LOAD_LATCHED: Final = LOAD_START + 1
LOAD_OVER: Final = LOAD_LATCHED + 1
FRAMES: Final = LOAD_OVER + 1
"""Frames of the conversion in work; 0: there is none."""
FRAMES_FIRST: Final = FRAMES + 1
"""Cycle in which the first of them is sent."""
FRAMES_BEFORE: Final = FRAMES_FIRST + 1
"""READER_FREE and CHOSEN before the conversion."""
LANES_FIRST: Final = FRAMES_BEFORE + 2
"""First ADC channel of the conversion, and how many take part."""
SAMPLE_END: Final = LANES_FIRST + 2
"""Last cycle of the first conversion of a read."""
FAULT_FIRST: Final = SAMPLE_END + 1
FAULT_LAST: Final = FAULT_FIRST + 1
"""Cycles in which the fault of the front end is seen; last NEVER: as long as the request is held."""

# --- registers and tables ---------------------------------------------------------------------------------------------
REGISTERS: Final = FAULT_LAST + 1
"""Registers by address."""
LEVELS: Final = REGISTERS + 128
TRIMS: Final = LEVELS + (1 << LEVEL_BITS)
OFFSETS: Final = TRIMS + 64
"""Offsets of columns, then of as many pairs; behind them, the sum of each output."""
TABLES_PER_COLUMN: Final = 3


def row_size(columns: int) -> int:
    """Give the size of a row."""
    return OFFSETS + TABLES_PER_COLUMN * columns


# --- what is fixed when the controller is built -----------------------------------------------------------------------
CHIP_ROWS: Final = 0
CHIP_COLUMNS: Final = 1
CHIP_CHANNELS: Final = 2
CHIP_ADC_BITS: Final = 3
CHIP_DAC_BITS: Final = 4
CHIP_INPUT_BITS: Final = 5
CHIP_FIELD_BITS: Final = 6
CHIP_WORDS: Final = 7
CHIP_COMMAND_DEPTH: Final = 8
CHIP_RESPONSE_DEPTH: Final = 9
CHIP_HOLDS: Final = 10
"""Every column has a sample-and-hold."""
CHIP_SAFE: Final = 11
"""Safe codes of the lines, and of the current limit."""
CHIP_SERIAL: Final = CHIP_SAFE + 4
"""The front end is serial; all that follows is for it."""
CHIP_PARTS: Final = CHIP_SERIAL + 1
"""`twinbar.hw.parts.cycles.FrontEndCycles`, by its ``P_*`` positions."""
CHIP_LATENCY: Final = CHIP_PARTS + 8
"""Of the ADC."""
CHIP_PAIRS: Final = CHIP_LATENCY + 1
CHIP_REFERENCE: Final = CHIP_PAIRS + 1
"""There are switches for subtracted pairs, and for the reference source."""
CHIP_OUTPUTS: Final = CHIP_REFERENCE + 1
"""Outputs of the DACs in use; then the line of each, and its drives as bits."""
CHIP_LINES: Final = CHIP_OUTPUTS + 1
CHIP_DRIVES: Final = CHIP_LINES + MOST_OUTPUTS
CHIP_SIZE: Final = CHIP_DRIVES + MOST_OUTPUTS

# --- asynchronous pins: rows of [pin, tile, first cycle, last cycle], as they are seen behind the synchronizer --------
PIN: Final = 0
PIN_TILE: Final = 1
PIN_FIRST: Final = 2
PIN_LAST: Final = 3
