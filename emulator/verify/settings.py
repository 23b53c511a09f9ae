"""Draws register settings with which operations do real work, and sometimes ones that are refused."""

from random import Random
from typing import Final

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.range_codes import range_code
from twinbar.emulator.devices.layout import G_ONE, RESET, SET
from twinbar.emulator.verify.beat_fields import beat
from twinbar.emulator.verify.sketch import Sketch, small, weighted
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.packing import lines_of, triple
from twinbar.hw.protocol.registers import (
    BY_NAME,
    LEVEL_BASE,
    OFFSET_BASE,
    PAIR_OFFSET_BASE,
    PULSE_COUNT,
    PULSE_TABLES,
    PULSE_USE,
    TRIM_BASE,
    WRITE_TABLE,
    entry_address,
)
from twinbar.hw.protocol.sizes import ENTRY_BITS
from twinbar.hw.protocol.vocabulary import RECORDS as _RECORDS
from twinbar.hw.protocol.vocabulary import Opcode, Record

RECORDS: Final = tuple(record.name for record in _RECORDS)
NO_LIMIT: Final = registers.NO_LIMIT


def write(sketch: Sketch, register: str | int, value: int) -> int:
    """Make the beat that writes a register or table entry, and remember the value."""
    address = register if isinstance(register, int) else BY_NAME[register].address
    if isinstance(register, str):
        sketch.settings[register] = value
    return beat(Opcode.WRITE_REGISTER, sketch.tile, address=address, value=value)


def durations(rng: Random, sketch: Sketch) -> list[int]:
    """Draw all durations, mostly short and different, so that a confusion shows."""
    compare = [write(sketch, "COMPARE", small(rng, 1, 5, 20))] if sketch.elaboration.controller.compare else []
    return [
        *compare,
        write(sketch, "SELECT", small(rng, 1, 4, 30)),
        write(sketch, "SETTLE_READ", small(rng, 1, 6, 40)),
        write(sketch, "SETTLE_DRIVE", small(rng, 2, 6, 40)),
        write(sketch, "SETTLE_MULTIPLY", small(rng, 1, 6, 40)),
        write(sketch, "CONVERT", small(rng, 1, 4, 20)),
        write(sketch, "RECOVER", small(rng, 1, 8, 30)),
    ]


def sampling(rng: Random, sketch: Sketch) -> int:
    """Draw how often a read converts."""
    discard = small(rng, 0, 2, 15) if rng.random() < 0.5 else 0
    average = weighted(rng, {0: 5, 1: 3, 2: 2, 3: 0.3, 4: 0.3})
    return write(sketch, "SAMPLING", registers.SAMPLING.word.pack(discard=discard, log2_average=average))


def safety(rng: Random, sketch: Sketch) -> list[int]:
    """Draw compliance, watchdog and the pulse limit."""
    action = weighted(rng, {0: 1, 1: 3, 2: 3})
    blanking = weighted(rng, {0: 4, rng.randint(1, 6): 4, rng.randint(7, 40): 0.5, 0xFFFF: 0.2})
    watchdog = weighted(
        rng,
        {
            0: 6,
            rng.randint(30, 120): 3,
            rng.randint(120, 400): 1.5,
            rng.randint(1, 30): 0.3,
            (1 << WIDTH_BITS) - 1: 0.5,
        },
    )
    return [
        write(sketch, "COMPLIANCE", registers.COMPLIANCE.word.pack(blanking=blanking, action=action)),
        write(sketch, "WATCHDOG", watchdog),
        write(sketch, "PULSE_LIMIT", small(rng, 1, 12, 40)),
    ]


def _codes(rng: Random, sketch: Sketch, record: str) -> tuple[list[int], list[int], list[int]]:
    """Draw start codes, steps and stop codes of bit line, source line and word line."""
    drive = sketch.elaboration.config.cells.drive
    top = (1 << sketch.elaboration.controller.dac_bits) - 1
    if record in ("READ", "MULTIPLY"):
        start = [rng.randint(0, min(top, 900)) for _ in range(3)]
        return start, [0] * 3, start
    polarity = RESET if record == "RESET" else SET
    amplitude = min(int(drive.amplitude_start[polarity] * rng.uniform(0.75, 1.15)), top)
    gate = min(drive.gate_start[polarity], top)
    if record == "FORM" or rng.random() < 0.2:
        gate = min(int(gate * rng.uniform(0.7, 1.1)), top)
    # The current flows from one line to the other; the second one may stand off the ground.
    ground = rng.choice([0, 0, rng.randint(0, 300)])
    high = min(amplitude + ground, top)
    start = [ground, high, gate] if polarity == RESET else [high, ground, gate]
    step = [0, 0, 0]
    if rng.random() < 0.5:
        step = [rng.choice([0, rng.randint(1, 200)]) for _ in range(3)]
    stop = [min(code + step * rng.randint(1, 6), top) for code, step in zip(start, step, strict=True)]
    return start, step, stop


def _limit_code(rng: Random, sketch: Sketch, amplitude: int) -> int:
    """Draw a current limit that cells reach in the middle of their range, or any."""
    if rng.random() < 0.1:
        return rng.randint(0, NO_LIMIT)
    unit = int(sketch.elaboration.config.cells.scalars[0].limit_unit)
    return min(int(10 ** rng.uniform(-2, 0) * G_ONE * amplitude / unit), NO_LIMIT)


def record(rng: Random, sketch: Sketch, name: str, *, good: bool) -> list[int]:
    """Draw a bias record; one that is not ``good`` leaves its window somewhere."""
    top = (1 << sketch.elaboration.controller.dac_bits) - 1
    start, step, stop = _codes(rng, sketch, name)
    tight = rng.random() < 0.3
    low, high = (start, stop) if tight else ([0, 0, 0], [top] * 3)
    width = small(rng, 1, 14, 60, rare=0.05)
    limit_code = _limit_code(rng, sketch, abs(start[0] - start[1])) if rng.random() < 0.6 else NO_LIMIT
    widest, greatest = (width, limit_code) if tight else ((1 << WIDTH_BITS) - 1, NO_LIMIT)
    if not good:
        line = rng.randrange(3)
        kind = rng.randrange(5)
        if kind == 0:
            low = [code + (code < top and lane == line) for lane, code in enumerate(start)]
        elif kind == 1:
            high = [max(code - (lane == line), 0) for lane, code in enumerate(stop)]
        elif kind == 2:
            stop = [max(code - (lane == line), 0) for lane, code in enumerate(start)]
        elif kind == 3:
            widest = max(width - 1, 1)
        else:
            greatest = max(limit_code - 1, 0)
    values = {
        "CODES": triple(*start),
        "STOP": triple(*stop),
        "HIGH": triple(*high),
        "LOW": triple(*low),
        "STEP": triple(*step),
        "WIDTH": registers.SHAPE.pack(width=width, compliance=limit_code),
        "LIMIT": registers.SHAPE.pack(width=widest, compliance=greatest),
    }
    # What is as it was before is not written again.
    return [
        write(sketch, f"{name}_{part}", value) for part, value in values.items() if sketch[f"{name}_{part}"] != value
    ]


def pulse_table(rng: Random, sketch: Sketch) -> list[int]:
    """Draw whether writes go by the pulse table, and some entries; none where the controller has no table."""
    controller = sketch.elaboration.controller
    entries = controller.pulse_entries
    if not entries:
        return []
    fields = {
        "use": int(rng.random() < 0.8),
        "compare": int(controller.compare and rng.random() < 0.5),
        "keep": rng.randrange(2),
        "shift": weighted(rng, {0: 3, 1: 2, 2: 1, registers.UNCOUNTED: 2, rng.randrange(16): 1}),
        "rise": rng.choice([0, 1, rng.randrange(entries), rng.randrange(1 << ENTRY_BITS)]),
        "fall": rng.choice([0, 1, entries - 1, rng.randrange(1 << ENTRY_BITS)]),
        "patience": weighted(rng, {registers.NEVER: 3, rng.randint(0, 4): 3, rng.randrange(256): 0.3}),
        "slack": small(rng, 0, 4, 511),
    }
    beats = [write(sketch, "WRITE_TABLE", WRITE_TABLE.word.pack(**fields))]
    for record in PULSE_TABLES:
        # Codes after power-up are 0, which may lie below the window.
        rest = sketch[f"{record.name}_LOW"] != 0
        numbers = range(entries) if rest else sorted(rng.sample(range(entries), rng.randint(1, 4)))
        for number in numbers:
            beats += _entry(rng, sketch, record, number)
    return beats


def _entry(rng: Random, sketch: Sketch, record: Record, number: int) -> list[int]:
    """Draw an entry of the pulse table, rarely one that leaves its window."""
    lanes = zip(lines_of(sketch[f"{record.name}_LOW"]), lines_of(sketch[f"{record.name}_STOP"]), strict=True)
    codes = [low + int((stop - low) * rng.choice([1, 1, rng.uniform(0.6, 1), rng.random()])) for low, stop in lanes]
    if rng.random() < 0.004:
        codes[rng.randrange(3)] = rng.randint(0, (1 << sketch.elaboration.controller.dac_bits) - 1)
    beats = [write(sketch, entry_address(record, number), triple(*codes))]
    if rng.random() < 0.6:
        flags = weighted(rng, {(0, 0): 4, (1, 0): 2, (0, 1): 2, (1, 1): 0.05})
        use = PULSE_USE.pack(count=small(rng, 1, 3, 9) - (rng.random() < 0.02), turns=flags[0], ends=flags[1])
        beats.append(write(sketch, entry_address(record, number, PULSE_COUNT), use))
    return beats


def scales(rng: Random, sketch: Sketch) -> list[int]:
    """Draw how sums become activations; nothing where the controller has no chains."""
    controller = sketch.elaboration.controller
    if not controller.chain:
        return []
    beats = [activation(rng, sketch)]
    for column in range(controller.columns):
        scale = rng.choice([rng.randint(1, 60), rng.randint(-60, 60), rng.randint(-(1 << 13), (1 << 13) - 1)])
        bias = rng.choice([0, rng.randint(-30, 30), rng.randint(-(1 << 17), (1 << 17) - 1)])
        value = registers.SCALES.word.pack(scale=scale, bias=bias)
        beats.append(write(sketch, registers.SCALES.base + column, value))
    return beats


def activation(rng: Random, sketch: Sketch) -> int:
    """Draw where sums go, and what all activations have in common."""
    fields = {
        "sums": weighted(rng, {0: 1, 1: 4, 2: 4, 3: 0.05}),
        "relu": rng.randrange(2),
        "shift": small(rng, 0, 7, 31),
        "zero": rng.choice([0, 0, rng.randrange(1 << sketch.elaboration.controller.input_bits)]),
    }
    if rng.random() < 0.02:
        fields["zero"] = 255
    return write(sketch, "ACTIVATION", registers.ACTIVATION.word.pack(**fields))


def level(rng: Random, sketch: Sketch, index: int) -> int:
    """Draw a window of a level: usually one of the configuration's, sometimes any other, even an empty one."""
    table = sketch.elaboration.config.levels
    top = (1 << sketch.elaboration.controller.adc_bits) - 1
    kind = rng.random()
    if kind < 0.7:
        low, high = int(table.low[index % len(table)]), int(table.high[index % len(table)])
    elif kind < 0.9:
        low = rng.randint(0, top)
        high = min(low + rng.randint(0, top // 3 + 1), top)
    else:
        low, high = rng.randint(0, top), rng.randint(0, top)
    window = registers.LEVEL_WINDOW.pack(low=min(max(low, 0), top), high=min(max(high, 0), top))
    return write(sketch, LEVEL_BASE + index, window)


def converters(rng: Random, sketch: Sketch) -> list[int]:
    """Draw ranges, the target of gain calibration, trims and offsets."""
    config: CrossbarConfig = sketch.elaboration.config
    controller = sketch.elaboration.controller
    unit = 1 << config.array.grid_bits
    beats = []
    if rng.random() < 0.8:
        full_scale = unit * controller.rows * rng.uniform(0.05, 1.5)
        if rng.random() < 0.3:
            full_scale *= config.array.input_max
        value = range_code(full_scale) if rng.random() < 0.95 else rng.getrandbits(16)
        beats.append(write(sketch, "RANGE_MULTIPLY", value))
    if rng.random() < 0.3:
        value = weighted(rng, {0: 1, range_code(unit * rng.uniform(0.5, 2.5)): 3, rng.getrandbits(16): 0.2})
        beats.append(write(sketch, "RANGE_READ", value))
    if rng.random() < 0.7:
        near = max(config.gain_target + rng.randint(-3, 3), 0)
        beats.append(write(sketch, "GAIN_TARGET", near if rng.random() < 0.9 else rng.getrandbits(16)))
    if rng.random() < 0.3:
        beats.append(write(sketch, TRIM_BASE + rng.randrange(controller.adc_channels), rng.getrandbits(8)))
    for _ in range(rng.choice([0, 0, 1, 3])):
        base, many = rng.choice([(OFFSET_BASE, controller.columns), (PAIR_OFFSET_BASE, controller.columns // 2)])
        reach = rng.choice([3, 1 << controller.adc_bits])
        value = registers.OFFSET.put(rng.randint(-reach, reach - 1))
        beats.append(write(sketch, base + rng.randrange(many), value))
    return beats


def anything(rng: Random, sketch: Sketch) -> int:
    """Draw a write of any value to any address."""
    address = rng.getrandbits(ADDRESS_BITS)
    if rng.random() < 0.7:
        address = rng.choice(registers.REGISTERS).address
    elif rng.random() < 0.7:
        tables = (registers.PHASE_COUNTER_BASE, registers.ACTION_COUNTER_BASE, LEVEL_BASE, TRIM_BASE, OFFSET_BASE)
        pulses = (table.base for table in PULSE_TABLES.values())
        address = rng.choice((*tables, registers.SCALES.base, PAIR_OFFSET_BASE, *pulses)) + rng.randrange(20)
    value = rng.getrandbits(rng.choice([1, 4, 8, 17, 32, VALUE_BITS]))
    # A width or duration of a million cycles would only make the program long.
    register = registers.BY_ADDRESS.get(address)
    if address in registers.PULSE_SHAPES:
        value = registers.SHAPE.pack(width=rng.randint(0, 20), compliance=rng.getrandbits(8))
    elif register is not None and register.access is registers.Access.LOCKED and register.bits < VALUE_BITS:
        value = weighted(rng, {rng.randint(0, 20): 3, 1 << register.bits: 1, register.least: 1})
    return write(sketch, address, value)
