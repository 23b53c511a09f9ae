"""The handshake between a tile's sequencer and its analog front end, in roles."""

from types import SimpleNamespace
from typing import Any, Final

from amaranth.hdl import signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS, COMPLIANCE_BITS, ROW_BITS, TRIM_BITS, WORD_BITS, Triple
from twinbar.hw.protocol.vocabulary import Record, Request, Selection

from ..controller_config import ControllerConfig

CYCLE_BITS: Final = 16
"""Bits of a duration in cycles."""


class FrontEndDurations(data.Struct):
    """Durations that a front end with times of its own needs at the same time."""

    select: CYCLE_BITS
    settle_read: CYCLE_BITS
    settle_drive: CYCLE_BITS
    settle_multiply: CYCLE_BITS


def array_members(config: ControllerConfig) -> dict[str, wiring.Member]:
    """Return the members by which an array is driven and read; they are the pins of the direct front end.

    Members
    -------
    selection, row, column, plane, subtract : Out
        What is connected: a cell, a column with all rows open, the reference source, or the rows of a bit plane or of
        all codes; with ``subtract``, ``column`` is a pair. In a multiplication ``column`` is the first of the group to
        be converted.
    record, codes, compliance_code, update : Out
        The write drive: record, codes of the three lines and of the current limit, and a strobe in the first cycle of
        new ones.
    range : Out
        ADC range code.
    trim : Out array
        Gain trims of the channels.
    row_load, row_clear, row_word, row_bits : Out
        Row registers: in a cycle with ``row_load``, the word is written, and with ``row_clear`` all others are cleared.
    write_gate, read_enable : Out
        Registers; never high together.
    channels : Out
        ADC channels that take part in a conversion.
    code : In
        Codes of the channels, signed.
    compliance, fault : In
        Asynchronous; the current reached its limit, or the front end cannot go on.
    threshold : Out
    over : In array
        Code of a comparison, and whether a conversion of the channel in its place would give it or more; where there
        are comparisons.
    """
    return {
        "selection": Out(Selection),
        "row": Out(ROW_BITS),
        "column": Out(COLUMN_BITS),
        "plane": Out(3),
        "subtract": Out(1),
        "record": Out(Record),
        "codes": Out(Triple),
        "compliance_code": Out(COMPLIANCE_BITS),
        "update": Out(1),
        "range": Out(16),
        "trim": Out(TRIM_BITS).array(config.adc_channels),
        "row_load": Out(1),
        "row_clear": Out(1),
        "row_word": Out(ROW_BITS),
        "row_bits": Out(WORD_BITS),
        "write_gate": Out(1),
        "read_enable": Out(1),
        "channels": Out(config.adc_channels),
        "code": In(signed(config.adc_bits + 1)).array(config.adc_channels),
        "compliance": In(1),
        "fault": In(1),
        **({"threshold": Out(config.adc_bits + 1), "over": In(1).array(config.adc_channels)} if config.compare else {}),
    }


class FrontEndSignature(wiring.Signature):
    """What a tile asks of its front end: `array_members`, and one request at a time.

    Members
    -------
    request : Out
        Held through a phase.
    done : In
        High in the last cycle of the phase; a new request may follow in the next cycle.
    begins, expires : Out
        First cycle of a request, and the cycle in which it has lasted as long as its register says: for front ends that
        have fixed latencies.
    durations : Out(FrontEndDurations)
        For front ends that have times of their own.
    """

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {
                "request": Out(Request),
                "done": In(1),
                "begins": Out(1),
                "expires": Out(1),
                "durations": Out(FrontEndDurations),
                **array_members(config),
            }
        )


class RolesSignature(wiring.Signature):
    """Some members of `FrontEndSignature`: what one room of a tile says to the front end, and hears of it.

    Parameters
    ----------
    config : ControllerConfig
    *names : str
        The members.
    """

    def __init__(self, config: ControllerConfig, *names: str) -> None:
        members = FrontEndSignature(config).members
        super().__init__({name: members[name] for name in names})


def connect_roles(m: Any, front: Any, roles: Any) -> None:
    """Connect what a room says and hears (`RolesSignature`) to its tile's front end (`FrontEndSignature`)."""
    names = roles.signature.members
    part = SimpleNamespace(signature=roles.signature.flip(), **{name: getattr(front, name) for name in names})
    wiring.connect(m, roles, part)


class DirectPinsSignature(wiring.Signature):
    """Pins of the direct front end: `array_members`, and strobes in the first cycle of a conversion or comparison."""

    def __init__(self, config: ControllerConfig) -> None:
        strobes = ("convert", "compare") if config.compare else ("convert",)
        super().__init__({**{name: Out(1) for name in strobes}, **array_members(config)})
