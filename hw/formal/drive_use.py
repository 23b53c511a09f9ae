"""How a tile uses its write drive: assumed where the drive is proven by itself, and proven of whole tiles."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal

from twinbar.hw.gateware.tile_states import is_any
from twinbar.hw.protocol.vocabulary import Record

from .settling import PULSED


class DriveUse:
    """Follows the updates of a write drive.

    Parameters
    ----------
    m : Module
    drive : WriteDrive

    Attributes
    ----------
    busy : Signal
        Cycles of the update in progress that are left: 3 in the first one.
    granted : value
        The drive has the memory of the records in this cycle.
    conditions : list of (value, str)
        What holds of its use in every cycle.
    """

    def __init__(self, m: Module, drive: Any) -> None:
        pulse, begin = drive.pulse, drive.pulse.begin
        self.busy = busy = Signal(2)
        with m.If(begin):
            m.d.sync += busy.eq(3)
        with m.Elif(busy.any()):
            m.d.sync += busy.eq(busy - 1)
        asked = Cat(pulse.target, pulse.by_entry, pulse.entry)
        before = Signal(len(asked))
        m.d.sync += before.eq(asked)
        self.granted = begin | (busy == 3)
        self.conditions = [
            (
                ~begin | (busy == 0) | (busy == 1) & pulse.first,
                "an update begins behind the one before it, or with the start codes",
            ),
            (~(begin & drive.make_safe), "no update begins in a cycle that makes the drive safe"),
            ((busy != 3) | (asked == before), "what an update is for stays in its first cycle"),
            (~begin | is_any(pulse.target, PULSED), "only records for pulses are updated"),
            (
                ~(begin & pulse.by_entry) | is_any(pulse.target, (Record.SET, Record.RESET)),
                "only SET and RESET have entries",
            ),
            (~drive.load | (busy == 0) & ~begin, "no record is loaded while another one is updated"),
            (
                ~drive.load | is_any(drive.load_record, (Record.READ, Record.MULTIPLY)),
                "only READ and MULTIPLY are loaded",
            ),
        ]
