"""Names of the countable actions of a tile.

Counters of the gateware, the compiled engine and the energy tables use these names, so that the counters of a real
board feed the same ledger (Accelergy's rule: energy = sum of action count times table entry).
"""

from enum import IntEnum
from typing import Any, Final


class Action(IntEnum):
    """Something that a tile does a countable number of times, and that costs energy each time."""

    SELECT_CELL = 0
    """The selector was pointed at a cell."""
    CONVERT_VERIFY = 1
    """A conversion of a single-cell read (verify, discarded samples included)."""
    CONVERT_FORWARD = 2
    """A conversion of a column sum."""
    DRIVE_UPDATE = 3
    """A code of the write drive was changed."""
    PULSE_SET = 4
    PULSE_RESET = 5
    WRITE_OK = 6
    """A closed-loop write ended inside its window."""
    WRITE_FAILED = 7
    """A closed-loop write used up its pulses."""
    ROW_DRIVE = 8
    """A row was driven for one input step of a multiplication."""
    INPUT_STEP = 9
    """A row mask, or a vector of DAC codes, was applied to the rows."""
    SHIFT_ADD = 10
    """A converted code was shifted and added."""
    COMMAND_BEAT = 11
    RESPONSE_BEAT = 12
    PARTIAL_SUM = 13
    """A sum was handed to the tile below in a cascade."""
    PACKED_OUTPUT = 14
    """An output of a product was kept for the response beat that it shares with the next ones."""
    SHARED_BEAT = 15
    """A command beat that another tile counts as `COMMAND_BEAT` was taken."""
    TWIN_ACCESS = 16
    """32 bits of the twin's memory were read or written on the host."""
    TWIN_RANDOM = 17
    """32 random bits were drawn on the host, for stochastic rounding of the twin."""
    COMPARE = 18
    """A cell was compared with a threshold instead of being converted."""
    CHANNEL_WAKE = 19
    """An ADC channel was switched on."""
    CLOCK_GATE = 20
    """The clock of a tile may have been stopped and started again (`clock_gates` of `emulator.contract.activity`)."""
    CHANNEL_CYCLE = 21
    """An ADC channel was on for a cycle; what that costs is a static power of the energy table."""
    REQUANTIZE = 22
    """A sum was scaled, shifted and limited to the input codes of the next layer."""
    TRANSFERRED_WORD = 23
    """A word of activations was sent, or written into the row registers of a tile."""


ACTIONS: Final = tuple(action.name.lower() for action in Action)
"""Names of the actions, in the order of their numbers."""

OF_OPTIONS: Final = tuple(
    ACTIONS[action]
    for action in (
        *(Action.PARTIAL_SUM, Action.PACKED_OUTPUT, Action.SHARED_BEAT, Action.COMPARE),
        *(Action.REQUANTIZE, Action.TRANSFERRED_WORD),
    )
)
"""Names of those that only controllers with an option do."""


OF_STATES: Final = tuple(ACTIONS[action] for action in (Action.CHANNEL_WAKE, Action.CLOCK_GATE))
"""Names of those that a change of power state takes."""
PRICED: Final = tuple(name for name in ACTIONS if name != ACTIONS[Action.CHANNEL_CYCLE])
"""Names of those that have an energy each."""


def response_beats(respond: Any, actions: Any) -> Any:
    """Return the response beats of a tile: the cycles of its phase `respond` in which a beat was handed over.

    Parameters
    ----------
    respond : int or int array
        Cycles of the phase.
    actions : indexable by `Action`
        Counts of the same kind as ``respond``.
    """
    return respond - actions[Action.PARTIAL_SUM] - actions[Action.PACKED_OUTPUT]
