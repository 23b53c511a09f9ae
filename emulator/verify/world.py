"""Draws what surrounds the commands of a program: when they arrive, when responses are taken, what pins do."""

from random import Random

from twinbar.emulator.contract.program import Pin, PinPulse
from twinbar.emulator.verify.beat_fields import fields_of, opcode_of
from twinbar.emulator.verify.sketch import Sketch, weighted
from twinbar.hw.protocol.commands import CELL_READS, CLOSED_LOOP
from twinbar.hw.protocol.layouts import TRIM_BITS
from twinbar.hw.protocol.vocabulary import Opcode


def arrivals(rng: Random, beats: int) -> tuple[int, ...]:
    """Draw when beats arrive: at once, one by one, or in bursts."""
    share, longest = weighted(rng, {(0.0, 0): 5, (1.0, 3): 1, (0.3, 8): 2, (0.1, 80): 2, (0.05, 600): 0.5})
    found = []
    cycle = 0
    for _ in range(beats):
        found.append(cycle)
        if rng.random() < share:
            cycle += rng.randint(1, longest)
    return tuple(found)


def readiness(rng: Random, blocked: float = 0.25) -> tuple[bool, ...]:
    """Draw in which cycles responses are taken: always, or with the probability ``blocked`` in a pattern."""
    if rng.random() >= blocked:
        return (True,)
    if rng.random() < 0.5:
        pattern = [rng.random() < 0.5 for _ in range(rng.randint(1, 9))]
    else:
        pattern = [False] * rng.randint(1, 200) + [True] * rng.choice([1, 5, 60])
        first = rng.randrange(len(pattern))
        pattern = pattern[first:] + pattern[:first]
    return tuple(pattern) if any(pattern) else (*pattern, True)


def pin_pulses(rng: Random, tiles: int, when: int, tile: int) -> tuple[PinPulse, ...]:
    """Draw one to three pulses of the asynchronous inputs, the first one around a cycle."""
    pulses = []
    free: dict[tuple[Pin, int], int] = {}
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        pin = rng.choice([Pin.STOP, Pin.FAULT])
        which = tile if rng.random() < 0.8 else rng.randrange(tiles)
        key = (pin, 0 if pin is Pin.STOP else which)
        first = max(when - 2, free.get(key, 0), 0)
        last = first + rng.choice([0, 0, 1, rng.randint(2, 60)])
        free[key] = last + 2
        pulses.append(PinPulse(pin, first, last, which))
        when = last + rng.randint(0, 40)
    return tuple(pulses)


def halt_after(rng: Random, total: int) -> int:
    """Draw the cycles from the first command's presentation to a halt, for commands that take ``total`` cycles."""
    return rng.randint(0, 6) if rng.random() < 0.15 else rng.randint(0, max(total, 1) + 6)


def duration(sketch: Sketch, beat: int) -> int:
    """Estimate the cycles of a command, from the settings as they are believed to be."""
    opcode, fields = opcode_of(beat), fields_of(beat)
    controller = sketch.elaboration.controller
    select, read = sketch.select_cycles, sketch.read_cycles
    if opcode is Opcode.WAIT:
        return fields["cycles"] + 2
    if opcode is Opcode.ARM:
        return 25
    if opcode in CELL_READS:
        return select + (TRIM_BITS if fields.get("gain") else 1) * read + 1
    if opcode in CLOSED_LOOP:
        return select + read + 2 * (read + sketch.pulse_cycles("SET" if opcode is Opcode.WRITE else "FORM"))
    if opcode is Opcode.PULSE:
        return select + fields["count"] * sketch.pulse_cycles("SET")
    if opcode is Opcode.MULTIPLY:
        steps = 1 if fields["codes"] else controller.input_bits
        groups = -(-min(fields["outputs"], controller.columns) // controller.adc_channels)
        step = select + sketch["SETTLE_MULTIPLY"] + groups * (sketch.convert_cycles + 1)
        return steps * step + fields["outputs"]
    return 5
