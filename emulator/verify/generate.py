"""Draws whole sessions: a controller is set up, and then works, halts, waits and is set up again."""

from dataclasses import replace
from random import Random
from typing import Final

from twinbar.emulator.contract.program import PinPulse
from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING
from twinbar.emulator.verify.beat_fields import beat, fields_of, opcode_of
from twinbar.emulator.verify.drawn_operations import ARRAY, GROUPS, HOUSEKEEPING, operation
from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.emulator.verify.settings import (
    RECORDS,
    anything,
    converters,
    durations,
    level,
    pulse_table,
    record,
    safety,
    sampling,
    scales,
)
from twinbar.emulator.verify.settings import write as write_register
from twinbar.emulator.verify.sketch import Sketch, weighted
from twinbar.emulator.verify.world import arrivals, duration, halt_after, pin_pulses, readiness
from twinbar.hw.protocol.vocabulary import Mode, Opcode

MOST_PROGRAMS: Final = 8
HALTED: Final = {
    **ARRAY,
    Opcode.PULSE: 35,
    Opcode.WRITE: 25,
    Opcode.FORM: 12,
    Opcode.WAIT: 4,
    Opcode.ARM: 4,
}
"""What is halted: pulses more often, because every phase of theirs is to be hit."""
HALTED_PRODUCTS: Final = {**ARRAY, Opcode.MULTIPLY: 150, Opcode.LOAD: 40, Opcode.READ: 10}
"""What is halted where products are more than what one tile does and answers."""


def session(seed: int, number: int, elaborations: list[Elaboration]) -> Session:
    """Draw a session: always the same one for the same arguments.

    Parameters
    ----------
    seed : int
    number : int
        Which of the seed's sessions.
    elaborations : list of Elaboration
        It runs on one of them.
    """
    rng = Random(f"{seed}/{number}")
    elaboration = rng.choice(elaborations)
    controller = elaboration.controller
    sketches = [Sketch(elaboration, tile) for tile in range(controller.tiles)]
    steps = [SessionStep(_merge(rng, [_set_up(rng, sketch) for sketch in sketches]), ready=readiness(rng))]
    tick = 0
    for _ in range(rng.randint(2, MOST_PROGRAMS - 1)):
        kind = weighted(rng, {_work: 5, _halted: 8, _stream: 4, _set_up_anew: 1.5, _registers: 1, _pins_only: 0.2})
        step = kind(rng, sketches)
        if rng.random() < 0.3:
            tick += rng.choice([1, 1, 2, rng.randint(3, 5000)])
            step = replace(step, tick=tick)
        steps.append(replace(step, reload=rng.random() < 0.1))
    cells = range(controller.rows * controller.columns)
    return Session(
        elaboration.name,
        tuple(steps),
        tuple(rng.randint(0, controller.columns) for _ in sketches) if rng.random() < 0.4 else None,
        tuple(tuple(rng.choice([0, 0, 0, rng.randint(0, FAULT_NON_RESPONDING)]) for _ in cells) for _ in sketches)
        if rng.random() < 0.25
        else None,
    )


def _merge(rng: Random, lists: list[list[int]]) -> tuple[int, ...]:
    """Interleave the beats of several tiles, in runs."""
    merged: list[int] = []
    waiting = [list(reversed(each)) for each in lists if each]
    while waiting:
        source = rng.choice(waiting)
        for _ in range(rng.choice([1, 1, 3, 10])):
            if source:
                merged.append(source.pop())
        waiting = [each for each in waiting if each]
    return tuple(merged)


def _set_up(rng: Random, sketch: Sketch) -> list[int]:
    """Make a tile ready, from power-up."""
    beats = [*durations(rng, sketch), *safety(rng, sketch)]
    if rng.random() < 0.7:
        beats.append(sampling(rng, sketch))
    if rng.random() < 0.2:
        beats.append(write_register(sketch, "LEVELS", rng.choice([1, 3, 8, 8, 256])))
    good = rng.random() < 0.93
    names = ["SET", "RESET", *(name for name in ("FORM", "READ", "MULTIPLY") if rng.random() < 0.6)]
    bad = None if good else rng.choice(names)
    for name in names:
        beats += record(rng, sketch, name, good=name != bad)
    for index in range(rng.randint(2, len(sketch.elaboration.config.levels))):
        beats.append(level(rng, sketch, index))
    beats += converters(rng, sketch)
    beats += pulse_table(rng, sketch)
    beats += scales(rng, sketch)
    if sketch.elaboration.controller.shared_inputs:
        beats.append(write_register(sketch, "INPUT_GROUP", rng.randrange(GROUPS)))
    if rng.random() < 0.1:
        beats.append(anything(rng, sketch))
    beats.append(_arm(rng, sketch))
    if not good:
        fixed = [*record(rng, sketch, str(bad), good=True), *pulse_table(rng, sketch)]
        beats += [*fixed, _arm(rng, sketch)]
    return beats


def _has_options(sketch: Sketch) -> bool:
    """Whether the controller adds sums of tiles, packs outputs, or makes inputs of them."""
    controller = sketch.elaboration.controller
    return controller.cascade or controller.outputs_per_beat > 1 or controller.chain


def _arm(rng: Random, sketch: Sketch) -> int:
    sketch.mode = weighted(rng, {Mode.WRITE: 10, Mode.READ: 1})
    return beat(Opcode.ARM, sketch.tile, mode=sketch.mode.value)


def _revive(rng: Random, sketches: list[Sketch], share: float) -> list[int]:
    """Clear faults and arm again, on most tiles: what halted them is not known here."""
    beats = []
    for sketch in sketches:
        if rng.random() < share:
            beats += [beat(Opcode.CLEAR, sketch.tile), _arm(rng, sketch)]
    return beats


def _work(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """Operations on all tiles."""
    beats = _revive(rng, sketches, 0.95)
    for _ in range(rng.randint(4, 20)):
        beats += operation(rng, rng.choice(sketches))
    return SessionStep(tuple(beats), arrivals(rng, len(beats)), readiness(rng))


def _halted(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """A few operations, and something that halts them in a cycle drawn from their duration."""
    beats = _revive(rng, sketches, 0.9)
    base = 45 + 5 * len(beats)
    times = [0] * len(beats)
    cause = weighted(rng, {"abort": 4, "safe": 3, "pins": 5, "gap": 1})
    sketch = rng.choice(sketches)
    worked: list[int] = []
    for _ in range(rng.randint(1, 4)):
        worked += operation(rng, sketch, HALTED_PRODUCTS if _has_options(sketch) and rng.random() < 0.8 else HALTED)
    if sketch.elaboration.controller.cascade and rng.random() < 0.7:
        sketch = rng.choice(sketches)  # a halt of any member ends a cascade
    beats += worked
    times += [base] * len(worked)
    total = sum(duration(sketch, each) for each in worked)
    pins: tuple[PinPulse, ...] = ()
    when = base + halt_after(rng, total)
    if cause in ("abort", "safe"):
        beats.append(beat(Opcode.ABORT if cause == "abort" else Opcode.SAFE, sketch.tile))
        times.append(when)
    elif cause == "pins":
        pins = pin_pulses(rng, len(sketches), when, sketch.tile)
    else:
        when += rng.choice([sketch["WATCHDOG"], 100]) % 1000
    # What follows shows what the halt has left behind.
    after = when + rng.choice([0, 1, 2, 3, rng.randint(4, 60), total])
    for _ in range(rng.randint(0, 4)):
        added = operation(rng, rng.choice([sketch, rng.choice(sketches)]))
        if rng.random() < 0.5:
            added = [beat(Opcode.CLEAR, sketch.tile), _arm(rng, sketch), *added]
        beats += added
        times += [after] * len(added)
        after += rng.choice([0, 0, rng.randint(1, 30)])
    return SessionStep(tuple(beats), tuple(times), readiness(rng), pins)


def _stream(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """Products one after the other, whose answers may have to wait."""
    beats = _revive(rng, sketches, 0.9)
    for _ in range(rng.randint(2, 6)):
        beats += operation(rng, rng.choice(sketches), {Opcode.LOAD: 2, Opcode.MULTIPLY: 5})
    times = list(arrivals(rng, len(beats)))
    if rng.random() < 0.5:
        sketch = rng.choice(sketches)
        beats.append(beat(rng.choice([Opcode.ABORT, Opcode.SAFE]), sketch.tile))
        total = sum(duration(sketch, each) for each in beats if opcode_of(each) in ARRAY)
        times.append(times[-1] + halt_after(rng, total + rng.choice([0, 150])))
    pins = (
        pin_pulses(rng, len(sketches), rng.randint(20, 400), rng.randrange(len(sketches)))
        if rng.random() < 0.35
        else ()
    )
    return SessionStep(tuple(beats), tuple(times), readiness(rng, blocked=0.7), pins)


def _set_up_anew(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """A tile gets other settings, mostly after it was disarmed."""
    beats: list[int] = []
    for sketch in rng.sample(sketches, rng.randint(1, len(sketches))):
        if rng.random() < 0.9:
            beats.append(beat(Opcode.DISARM, sketch.tile))
        if rng.random() < 0.5:
            beats += durations(rng, sketch)
        if rng.random() < 0.6:
            beats += safety(rng, sketch)
        if rng.random() < 0.6:
            beats.append(sampling(rng, sketch))
        for name in rng.sample(RECORDS, rng.randint(0, 2)):
            beats += record(rng, sketch, name, good=rng.random() < 0.85)
        if rng.random() < 0.8:
            beats += pulse_table(rng, sketch)
        beats += converters(rng, sketch)
        beats += [beat(Opcode.CLEAR, sketch.tile), _arm(rng, sketch)]
        beats += operation(rng, sketch, ARRAY)
    return SessionStep(tuple(beats), arrivals(rng, len(beats)), readiness(rng))


def _registers(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """Registers of any kind, read and written."""
    beats: list[int] = []
    for _ in range(rng.randint(4, 20)):
        sketch = rng.choice(sketches)
        if rng.random() < 0.4:
            written = anything(rng, sketch)
            beats.append(written)
            if rng.random() < 0.5:
                beats.append(beat(Opcode.READ_REGISTER, sketch.tile, address=fields_of(written)["address"]))
        else:
            beats += operation(rng, sketch, {Opcode.READ_REGISTER: 5, Opcode.WRITE_REGISTER: 3, **HOUSEKEEPING})
    return SessionStep(tuple(beats), arrivals(rng, len(beats)), readiness(rng))


def _pins_only(rng: Random, sketches: list[Sketch]) -> SessionStep:
    """No command at all; a pin may be high."""
    pins = pin_pulses(rng, len(sketches), rng.randint(0, 20), rng.randrange(len(sketches)))
    return SessionStep((), (), readiness(rng), rng.choice([(), pins]))
