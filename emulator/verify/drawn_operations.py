"""Draws operations: mostly such that do real work on the tile as it is believed to be, sometimes any other."""

from collections.abc import Mapping
from random import Random
from typing import Any

from twinbar.emulator.verify.beat_fields import BODY_OFFSET, beat, fields_of, with_fields
from twinbar.emulator.verify.settings import activation, anything, converters, level, write
from twinbar.emulator.verify.sketch import Sketch, small, weighted
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.commands import COMMANDS, READING, WRITING, CommandSpec
from twinbar.hw.protocol.fields import Field
from twinbar.hw.protocol.layouts import ADDRESS_BITS, BODY_BITS, COMMAND, MAX_COLUMNS, WORD_BITS
from twinbar.hw.protocol.rules import (
    Aligned,
    Below,
    Bound,
    GeometryBound,
    Needs,
    NotBoth,
    OneOf,
    Rule,
    Setting,
    Span,
    Within,
)
from twinbar.hw.protocol.sizes import ENTRY_BITS
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

_WEIGHTS = {
    Opcode.WRITE: 18,
    Opcode.READ: 8,
    Opcode.FORM: 7,
    Opcode.PULSE: 12,
    Opcode.CALIBRATE: 9,
    Opcode.LOAD: 12,
    Opcode.MULTIPLY: 15,
    Opcode.READ_REGISTER: 6,
    Opcode.ARM: 2,
    Opcode.DISARM: 0.7,
    Opcode.CLEAR: 1,
    Opcode.SAFE: 0.7,
    Opcode.ABORT: 1.5,
    Opcode.TRANSFER: 0.5,
}
_USUAL_WEIGHT = 4
_OF_MEMBERS = {Record.SET: 5, Record.RESET: 5, Record.FORM: 2, Mode.WRITE: 8, Mode.READ: 1.5}
"""How often a member of an enumeration is drawn, where one has to be."""
_OF_FLAGS = {"skip": 0.5, "gain": 0.35}
_USUAL_FLAG = 0.4
_USUAL_MOST = {"count": (4, 4), "cycles": (30, 300)}
"""What an argument is at most as a rule, and now and then; longer programs show no more."""


def _weighted(opcode: Opcode) -> float:
    return _WEIGHTS.get(opcode, _USUAL_WEIGHT)


ARRAY: Mapping[Any, float] = {
    opcode: _weighted(opcode) for opcode in Opcode if opcode in (*READING, *WRITING, Opcode.LOAD)
}
HOUSEKEEPING: Mapping[Any, float] = {
    **{opcode: _weighted(opcode) for opcode in Opcode if opcode not in ARRAY},
    None: 0.7,
}
"""None stands for an opcode that does not exist."""
GROUPS = 2
"""Input groups of a controller, where tiles are in one."""
BAD = 0.05
"""How many operations have an argument that is refused."""


def operation(rng: Random, sketch: Sketch, opcodes: Mapping[Any, float] | None = None) -> list[int]:
    """Draw a command, now and then with others that it needs to be of use."""
    if sketch.elaboration.controller.chain and rng.random() < (0.2 if opcodes is None else 0.5):
        return _two_layers(rng, sketch)
    opcode = weighted(rng, opcodes or {**ARRAY, **HOUSEKEEPING})
    beats = [command(rng, sketch, opcode)]
    if opcode is Opcode.MULTIPLY and rng.random() < 0.6:
        beats = [*_inputs_of(rng, sketch, beats[0]), *beats]
    if opcode in (Opcode.SAFE, Opcode.DISARM) and rng.random() < 0.8:
        beats.append(beat(Opcode.ARM, sketch.tile, mode=Mode.WRITE.value))
    return beats


def _two_layers(rng: Random, sketch: Sketch) -> list[int]:
    """Draw a product whose sums become inputs of another one, now and then without what that needs."""
    product = command(rng, sketch, Opcode.MULTIPLY)
    beats = [activation(rng, sketch)] if rng.random() < 0.4 or not sketch["ACTIVATION"] else []
    if rng.random() < 0.6:
        beats += _inputs_of(rng, sketch, product)
    beats.append(product)
    beats += [command(rng, sketch, Opcode.TRANSFER) for _ in range(rng.choice([1, 1, 2]))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        tile = rng.randrange(sketch.elaboration.controller.tiles)
        beats.append(with_fields(command(rng, sketch, Opcode.MULTIPLY), tile=tile))
    return beats


def _inputs_of(rng: Random, sketch: Sketch, product: int) -> list[int]:
    """Draw inputs for a product, of a cascade for each of its members."""
    controller = sketch.elaboration.controller
    members = max(fields_of(product)["members"] if controller.cascade else 1, 1)
    found = []
    for tile in range(sketch.tile, min(sketch.tile + members, controller.tiles)):
        load = command(rng, sketch, Opcode.LOAD)
        found.append(load if fields_of(load)["shared"] else with_fields(load, tile=tile))
    return found


def command(rng: Random, sketch: Sketch, opcode: Opcode | None) -> int:
    """Draw the arguments of a command."""
    if opcode is None:
        known = {each.value for each in Opcode}
        unknown = [value for value in range(COMMAND["opcode"].mask + 1) if value not in known]
        return with_fields(rng.choice(unknown), tile=sketch.tile) | rng.getrandbits(BODY_BITS) << BODY_OFFSET
    found = _command(rng, sketch, opcode)
    if rng.random() < 0.01:  # a tile that does not exist
        tiles = sketch.elaboration.controller.tiles
        found = with_fields(found, tile=rng.randint(tiles, COMMAND["tile"].mask))
    if rng.random() < 0.02:
        found = with_fields(found, reserved=rng.getrandbits(COMMAND["reserved"].bits))
    if COMMANDS[opcode].arguments is None and rng.random() < 0.2:
        found |= rng.getrandbits(BODY_BITS) << BODY_OFFSET
    return found


def _command(rng: Random, sketch: Sketch, opcode: Opcode) -> int:
    if opcode is Opcode.WRITE_REGISTER:
        return _write(rng, sketch)
    values = _arguments(rng, sketch, COMMANDS[opcode])
    if opcode is Opcode.READ_REGISTER:
        values = {"address": _address(rng, sketch)}
    if opcode is Opcode.TRANSFER:
        _draw_transfer(rng, sketch, values)
    if opcode is Opcode.LOAD:
        values["bits"] = _inputs(rng, sketch)
        if values["shared"] and sketch.elaboration.controller.shared_inputs:
            # Instead of a tile, it names a group: usually one that tiles are in.
            return beat(opcode, rng.randrange(GROUPS + (rng.random() < BAD)), **values)
    return beat(opcode, sketch.tile, **values)


def _arguments(rng: Random, sketch: Sketch, spec: CommandSpec) -> dict[str, int]:
    """Draw arguments that keep the rules of a command, and now and then some that break one."""
    values: dict[str, int] = {}
    fields = spec.arguments.fields if spec.arguments is not None else ()
    flags = [field for field in fields if field.bits == 1]
    for field in flags:
        values[field.name] = int(rng.random() < _OF_FLAGS.get(field.name, _USUAL_FLAG))
    for rule in spec.rules:
        if isinstance(rule, NotBoth) and values[rule.one] and rng.random() > BAD / 2:
            values[rule.other] = 0
    for field in fields:
        if field not in flags:
            values[field.name] = _argument(rng, sketch, field, [r for r in spec.rules if field.name in r.arguments])
    for rule in spec.rules:
        if isinstance(rule, Needs) and _resolve(sketch, rule.option):
            values[rule.argument] = _of_option(rng, sketch, rule)
        elif isinstance(rule, Needs) and rng.random() > BAD / 2:
            values[rule.argument] = rule.most
        if isinstance(rule, Span):
            unit = next((other.unit for other in spec.rules if isinstance(other, Aligned)), None)
            _draw_span(rng, sketch, rule, 1 if unit is None else _resolve(sketch, unit), values)
        if isinstance(rule, Below) and rule.halved_by:
            values[rule.argument] = _below(rng, _resolve(sketch, rule.bound) >> values[rule.halved_by])
    return values


def _argument(rng: Random, sketch: Sketch, field: Field, rules: list[Rule]) -> int:
    if not rules:
        return rng.choice([0, rng.getrandbits(field.bits)])
    rule = rules[0]
    if isinstance(rule, Below):
        if isinstance(rule.bound, Setting):  # of more levels than there are windows, most are empty
            many = min(_resolve(sketch, rule.bound), len(sketch.elaboration.config.levels))
            return rng.randrange(many) if rng.random() > BAD else rng.getrandbits(field.bits)
        return _below(rng, _resolve(sketch, rule.bound))
    if isinstance(rule, OneOf):
        if rng.random() < BAD:
            return rng.getrandbits(field.bits)
        return int(weighted(rng, {member: _OF_MEMBERS.get(member, 1) for member in rule.members}).value)
    if isinstance(rule, Within):
        if rng.random() < BAD:
            return rng.choice([rule.least - 1, 0 if rule.most is None else rng.getrandbits(field.bits)])
        usual, most = _USUAL_MOST[field.name]
        reached = most if rule.most is None else min(most, _resolve(sketch, rule.most))
        return small(rng, rule.least, min(usual, reached), reached, rare=0.1)
    return 0


def _of_option(rng: Random, sketch: Sketch, rule: Needs) -> int:
    """Draw an argument that the controller has an option for: a flag, or the members of a cascade."""
    above = sketch.elaboration.controller.tiles - sketch.tile
    if rule.argument == "entry":
        entries = sketch.elaboration.controller.pulse_entries
        return rng.choice(
            [0, rng.randrange(entries), rng.randrange(entries if rng.random() > BAD else 1 << ENTRY_BITS)]
        )
    if rule.argument != "members":
        return int(rng.random() < _USUAL_FLAG)
    if rng.random() < BAD:
        return rng.choice([above + 1, rng.getrandbits(8)])
    return rng.randint(2, above) if above > 1 and rng.random() < 0.7 else rng.randint(0, 1)


def _resolve(sketch: Sketch, bound: Bound) -> int:
    """Return what a bound stands for in a tile as it is believed to be."""
    if isinstance(bound, Setting):
        return int(registers.BY_NAME[bound.register][bound.field].of(sketch[bound.register]))
    return int(getattr(sketch.elaboration.controller, bound.name)) if isinstance(bound, GeometryBound) else bound


def _below(rng: Random, many: int) -> int:
    if rng.random() > BAD / 2:
        return rng.randrange(many)
    return rng.choice([many, MAX_COLUMNS - 1, rng.randint(many, MAX_COLUMNS - 1)])


def _draw_span(rng: Random, sketch: Sketch, rule: Span, unit: int, values: dict[str, int]) -> None:
    """Draw where neighbours begin, and how many they are."""
    most = _resolve(sketch, rule.bound) >> (values[rule.halved_by] if rule.halved_by else 0)
    first = unit * rng.randrange(max(most // unit, 1))
    count = rng.choice([most - first, rng.randint(1, max(most - first, 1))])
    if rng.random() < BAD:
        first, count = rng.randrange(most + 2), rng.choice([0, rng.randint(1, 2 * most)])
    values[rule.first], values[rule.count] = first, count


def _draw_transfer(rng: Random, sketch: Sketch, values: dict[str, int]) -> None:
    """Draw which words go to which group, and where."""
    controller = sketch.elaboration.controller
    values["group"] = rng.randrange(GROUPS + (rng.random() < BAD))
    if rng.random() > BAD:
        most = min(controller.words, controller.output_words)
        values["words"] = words = rng.randint(1, most)
        values["word"] = rng.randint(0, controller.words - words)
        values["first"] = rng.randint(0, controller.output_words - words)


def _inputs(rng: Random, sketch: Sketch) -> int:
    """Draw a word of inputs: none, few, or any, and now and then bits that belong to no input."""
    controller = sketch.elaboration.controller
    share = rng.choice([0.0, 0.3, 0.7, 1.0])
    if rng.random() < 0.1:
        return rng.getrandbits(WORD_BITS)
    bits = 0
    for place in range(controller.rows_per_word):
        if rng.random() < share:
            bits |= rng.getrandbits(controller.input_bits) << place * controller.field_bits
    return bits


def _address(rng: Random, sketch: Sketch) -> int:
    controller = sketch.elaboration.controller
    kinds = {
        rng.choice(registers.REGISTERS).address: 4,
        registers.BY_NAME["INPUTS"].address: 1,
        registers.PHASE_COUNTER_BASE + rng.choice(list(registers.Phase)): 4,
        registers.ACTION_COUNTER_BASE + rng.choice(registers.COUNTED_ACTIONS): 4,
        registers.LEVEL_BASE + rng.randrange(8): 1,
        registers.SET_PULSES.base + rng.randrange(2 * registers.SET_PULSES.capacity): 1,
        registers.TRIM_BASE + rng.randrange(controller.adc_channels): 2,
        registers.OFFSET_BASE + rng.randrange(controller.columns): 2,
        registers.PAIR_OFFSET_BASE + rng.randrange(controller.columns // 2): 2,
        registers.SCALES.base + rng.randrange(controller.columns): 2 if controller.chain else 0.3,
        rng.getrandbits(ADDRESS_BITS): 0.7,
    }
    return int(weighted(rng, kinds))


def _write(rng: Random, sketch: Sketch) -> int:
    """Draw a write that is permitted while the tile is armed, or any."""
    kind = rng.random()
    if kind < 0.35:
        return level(rng, sketch, rng.randrange(min(8, sketch["LEVELS"])))
    if kind < 0.7 and (beats := converters(rng, sketch)):
        return rng.choice(beats)
    if kind < 0.85:
        return write(sketch, rng.choice(("SELECT", "CONVERT", "RECOVER")), rng.randint(1, 4))
    return anything(rng, sketch)
