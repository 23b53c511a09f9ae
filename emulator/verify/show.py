"""Programs as a reader sees them: commands by name, with their fields, and when they arrive."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from twinbar.emulator.verify.beat_fields import fields_of, opcode_of, rest_of
from twinbar.emulator.verify.elaborations import find_elaboration
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.hw.actions import ACTIONS
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.registers import COMPLIANCE, LEVEL_WINDOW, SAMPLING, SHAPE
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record
from twinbar.hw.timing import PHASES

_TABLES = {
    "pair offset": registers.PAIR_OFFSETS,
    "offset": registers.OFFSETS,
    "trim": registers.TRIMS,
    "level": registers.LEVEL_WINDOWS,
}


def describe(beat: int) -> str:
    """Return a command in words; fields that are 0 are left out."""
    opcode, fields = opcode_of(beat), fields_of(beat)
    number, tile = fields.pop("opcode"), fields.pop("tile")
    words = [opcode.name if opcode else f"opcode {number}", f"tile {tile}"]
    if opcode in (Opcode.READ_REGISTER, Opcode.WRITE_REGISTER):
        words.append(register_name(fields.pop("address")))
        if opcode is Opcode.WRITE_REGISTER:
            words.append(f"= {_register_value(beat, fields.pop('value'))}")
        else:
            fields.pop("value")
    if opcode is Opcode.ARM:
        words.append(_name_in(Mode, fields.pop("mode")))
    if "record" in fields:
        words.append(_name_in(Record, fields.pop("record")))
    words += [f"{name} {value:#x}" if name == "bits" else f"{name} {value}" for name, value in fields.items() if value]
    if rest := rest_of(beat):
        words.append(f"unused bits {rest:#x}")
    return " ".join(words)


def _name_in(kind: type, value: int) -> str:
    return next((member.name for member in kind if member.value == value), f"{kind.__name__.lower()} {value}")  # type: ignore[attr-defined]


def register_name(address: int) -> str:
    """Return the name of an address: register, counter, or table and entry."""
    if address in registers.BY_ADDRESS:
        return registers.BY_ADDRESS[address].name
    for base, names in ((registers.PHASE_COUNTER_BASE, PHASES), (registers.ACTION_COUNTER_BASE, ACTIONS)):
        if base <= address < base + len(names):
            return f"counter of {names[address - base]}"
    for name, space in _TABLES.items():
        if address in space:
            return f"{name} {address - space.base}"
    return f"address {address:#x}"


def _register_value(beat: int, value: int) -> str:
    address = fields_of(beat)["address"]
    if address in registers.PULSE_SHAPES:
        return f"{SHAPE['width'].of(value)} cycles, compliance code {SHAPE['compliance'].of(value)}"
    if address in registers.TRIPLES:
        return str(lines_of(value))
    if address == COMPLIANCE.address:
        return f"blanking {COMPLIANCE['blanking'].of(value)}, action {COMPLIANCE['action'].of(value)}"
    if address == SAMPLING.address:
        return f"discard {SAMPLING['discard'].of(value)}, average 2**{SAMPLING['log2_average'].of(value)}"
    if address in registers.LEVEL_WINDOWS:
        return f"{LEVEL_WINDOW['low'].of(value)} .. {LEVEL_WINDOW['high'].of(value)}"
    return str(value)


def _pattern(ready: Sequence[bool]) -> str:
    runs = ((value, len(list(run))) for value, run in groupby(ready))
    return ", ".join(f"{count} {'ready' if value else 'not'}" for value, count in runs)


def _step(step: SessionStep) -> Iterator[str]:
    if step.tick is not None:
        yield f"tick {step.tick}"
    if step.reload:
        yield "cells saved and loaded"
    if step.ready != (True,):
        yield f"responses are taken: {_pattern(step.ready)}, repeated"
    for pulse in step.pins:
        tile = "" if pulse.pin.name == "STOP" else f" of tile {pulse.tile}"
        yield f"pin {pulse.pin.name}{tile} is high in cycles {pulse.first} to {pulse.last}"
    arrivals = step.program().arrivals
    assert arrivals is not None
    for index, (arrival, beat) in enumerate(zip(arrivals.tolist(), step.commands, strict=True)):
        yield f"{index:3d}  from cycle {arrival:4d}  {describe(beat)}"


def show(session: Session) -> str:
    """Return a session as text."""
    elaboration = find_elaboration(session.elaboration)
    c = elaboration.controller
    lines = [
        f"controller {elaboration.name!r}: {c.tiles} tiles of {c.rows} x {c.columns}, {c.adc_channels} ADC channels of "
        f"{c.adc_bits} bits, {c.input_bits}-bit inputs, queues of {c.command_depth} and {c.response_depth}; "
        f"cells {elaboration.preset}"
    ]
    if session.mapped_columns is not None:
        lines.append(f"mapped columns: {session.mapped_columns}")
    if session.faults is not None:
        lines.append(f"faults of cells: {session.faults}")
    for index, step in enumerate(session.steps):
        lines.append(f"program {index}")
        lines += [f"  {line}" for line in _step(step)]
    return "\n".join(lines)
