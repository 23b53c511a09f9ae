"""Draws operations: mostly such that do real work on the tile as it is believed to be, sometimes any other."""

from collections.abc import Mapping
from random import Random
from typing import Any

from twinbar.emulator.verify.beats import BODY_OFFSET, beat
from twinbar.emulator.verify.settings import anything, converters, level, write
from twinbar.emulator.verify.sketch import Sketch, small, weighted
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import BODY_BITS, WORD_BITS
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

ARRAY = {
    Opcode.WRITE: 18,
    Opcode.READ: 8,
    Opcode.FORM: 7,
    Opcode.PULSE: 12,
    Opcode.DRIVE: 4,
    Opcode.CONVERT: 4,
    Opcode.CALIBRATE: 9,
    Opcode.LOAD: 12,
    Opcode.MULTIPLY: 15,
}
HOUSEKEEPING = {
    Opcode.READ_REGISTER: 6,
    Opcode.WRITE_REGISTER: 4,
    Opcode.WAIT: 4,
    Opcode.ARM: 2,
    Opcode.DISARM: 0.7,
    Opcode.CLEAR: 1,
    Opcode.SAFE: 0.7,
    Opcode.ABORT: 1.5,
    None: 0.7,
}
"""None stands for an opcode that does not exist."""
PULSED = {Record.SET: 5, Record.RESET: 5, Record.FORM: 2}
BAD = 0.05
"""How many operations have an argument that is refused."""


def operation(rng: Random, sketch: Sketch, opcodes: Mapping[Any, float] | None = None) -> list[int]:
    """Draw a command, now and then with others that it needs to be of use."""
    opcode = weighted(rng, opcodes or ARRAY | HOUSEKEEPING)
    beats = [command(rng, sketch, opcode)]
    if opcode is Opcode.MULTIPLY and rng.random() < 0.6:
        beats = [command(rng, sketch, Opcode.LOAD), *beats]
    if opcode in (Opcode.SAFE, Opcode.DISARM) and rng.random() < 0.8:
        beats.append(beat(Opcode.ARM, sketch.tile, mode=Mode.WRITE.value))
    return beats


def command(rng: Random, sketch: Sketch, opcode: Opcode | None) -> int:
    """Draw the arguments of a command."""
    if opcode is None:
        unknown = [value for value in range(32) if value not in {each.value for each in Opcode}]
        return rng.choice(unknown) | sketch.tile << 5 | rng.getrandbits(BODY_BITS) << BODY_OFFSET
    found = _arguments(rng, sketch, opcode)
    if rng.random() < 0.01:  # a tile that does not exist
        tiles = sketch.elaboration.controller.tiles
        found = found & ~(0xFF << 5) | rng.randint(tiles, 255) << 5
    if rng.random() < 0.02:  # reserved bits
        found |= rng.getrandbits(3) << 13
    if opcode in (Opcode.DISARM, Opcode.CLEAR, Opcode.SAFE, Opcode.ABORT) and rng.random() < 0.2:
        found |= rng.getrandbits(BODY_BITS) << BODY_OFFSET
    return found


def _arguments(rng: Random, sketch: Sketch, opcode: Opcode) -> int:
    controller, tile = sketch.elaboration.controller, sketch.tile
    cell = {"row": _below(rng, controller.rows), "column": _below(rng, controller.columns)}
    if opcode in (Opcode.WRITE, Opcode.FORM):
        return beat(opcode, tile, **cell, level=_level(rng, sketch))
    if opcode in (Opcode.READ, Opcode.CONVERT):
        return beat(opcode, tile, **cell, level=rng.choice([0, rng.getrandbits(8)]))
    if opcode in (Opcode.PULSE, Opcode.DRIVE):
        record = weighted(rng, PULSED).value if rng.random() > BAD else rng.getrandbits(3)
        count = rng.randint(1, min(sketch["PULSE_LIMIT"], 4)) if rng.random() > BAD else rng.getrandbits(8)
        return beat(opcode, tile, **cell, record=record, count=count)
    if opcode is Opcode.CALIBRATE:
        return _calibrate(rng, sketch)
    if opcode is Opcode.LOAD:
        word = _below(rng, controller.words)
        return beat(opcode, tile, word=word, clear=rng.random() < 0.4, bits=_inputs(rng, sketch))
    if opcode is Opcode.MULTIPLY:
        return _multiply(rng, sketch)
    if opcode is Opcode.READ_REGISTER:
        return beat(opcode, tile, address=_address(rng, sketch))
    if opcode is Opcode.WRITE_REGISTER:
        return _write(rng, sketch)
    if opcode is Opcode.WAIT:
        cycles = 0 if rng.random() < BAD else small(rng, 1, 30, 300, rare=0.1)
        return beat(opcode, tile, cycles=cycles)
    if opcode is Opcode.ARM:
        mode = weighted(rng, {Mode.WRITE: 8, Mode.READ: 1.5, Mode.SAFE: 0.3}).value
        return beat(opcode, tile, mode=mode if rng.random() < 0.98 else 3)
    return beat(opcode, tile)


def _below(rng: Random, many: int) -> int:
    if rng.random() > BAD / 2:
        return rng.randrange(many)
    return rng.choice([many, 1023, rng.randint(many, 1023)])


def _level(rng: Random, sketch: Sketch) -> int:
    if rng.random() < BAD:
        return rng.getrandbits(8)
    return rng.randrange(min(sketch["LEVELS"], len(sketch.elaboration.config.levels)))


def _calibrate(rng: Random, sketch: Sketch) -> int:
    controller = sketch.elaboration.controller
    gain = rng.random() < 0.35
    subtract = (not gain and rng.random() < 0.4) or rng.random() < BAD / 2
    column = _below(rng, controller.columns // 2 if subtract else controller.columns)
    return beat(Opcode.CALIBRATE, sketch.tile, column=column, subtract=subtract, gain=gain)


def _multiply(rng: Random, sketch: Sketch) -> int:
    controller = sketch.elaboration.controller
    channels, subtract = controller.adc_channels, rng.random() < 0.4
    most = controller.columns // 2 if subtract else controller.columns
    column = channels * rng.randrange(max(most // channels, 1))
    outputs = rng.choice([most - column, rng.randint(1, max(most - column, 1))])
    if rng.random() < BAD:
        column, outputs = rng.randrange(most + 2), rng.choice([0, rng.randint(1, 2 * most)])
    return beat(
        Opcode.MULTIPLY,
        sketch.tile,
        outputs=outputs,
        column=column,
        subtract=subtract,
        codes=rng.random() < 0.4,
        skip=rng.random() < 0.5,
    )


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
        registers.TRIM_BASE + rng.randrange(controller.adc_channels): 2,
        registers.OFFSET_BASE + rng.randrange(controller.columns): 2,
        registers.PAIR_OFFSET_BASE + rng.randrange(controller.columns // 2): 2,
        rng.getrandbits(12): 0.7,
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
