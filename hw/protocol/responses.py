"""Response beats: what a controller answers.

Every command gives exactly one response beat, with two exceptions: ``MULTIPLY`` gives one per output, and an accepted
``LOAD_INPUT`` gives none (a refused one gives one). A refused ``MULTIPLY`` gives one. The responses of a tile come in
the order of its commands; those of different tiles interleave.
"""

from amaranth.hdl import signed
from amaranth.lib import data

from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.faults import Fault, Reason


class CellResult(data.Struct):
    """Payload of ``READ``, ``WRITE``, ``PULSE`` and ``FORM``."""

    code: signed(16)
    """Code of the last read, averaged; 0 where nothing was read."""
    sets: 12
    """SET or FORM pulses given, truncated ones included."""
    resets: 12


class Product(data.Struct):
    """Payload of ``MULTIPLY``: one output."""

    value: signed(28)
    """Shifted and added codes."""
    output: 12


class StatusValue(data.Struct):
    """Payload of ``STATUS``, ``ARM`` and ``SAFE``."""

    armed: 1


PAYLOAD_BITS = 40
"""Bits of a response's payload; counters wrap there, after three hours at 100 MHz."""


class Payload(data.Union):
    """What a response beat carries besides its header."""

    cell: CellResult
    product: Product
    value: PAYLOAD_BITS
    status: StatusValue


class Response(data.Struct):
    """A response beat of 64 bits; ``kind`` repeats the opcode of the command that it answers."""

    payload: Payload
    faults: Fault
    reason: Reason
    ok: 1
    tile: 8
    kind: Opcode
