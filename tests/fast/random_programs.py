"""Random controllers and programs that reach every operation, refusal and halt."""

from typing import Any

import numpy as np
from both_engines import beats, set_up, write

from twinbar.emulator.configuration import CrossbarConfig
from twinbar.emulator.program import Pin, PinPulse
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import COMMAND_BODIES, COMMAND_BODY_OF
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import ACTION_COUNTER_BASE, BY_NAME, PHASE_COUNTER_BASE, REGISTERS, record_address
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record

PULSED = (Record.SET, Record.RESET, Record.FORM)
FREQUENT = [
    *[Opcode.WRITE] * 5,
    *[Opcode.MULTIPLY] * 4,
    *[Opcode.LOAD] * 4,
    *[Opcode.PULSE] * 3,
    *[Opcode.READ_REGISTER] * 3,
    *[Opcode.READ, Opcode.FORM, Opcode.CONVERT, Opcode.CALIBRATE, Opcode.CALIBRATE, Opcode.DRIVE] * 2,
    Opcode.WRITE_REGISTER,
    Opcode.WAIT,
]
RARE = [Opcode.SAFE, Opcode.ABORT, Opcode.ABORT, Opcode.CLEAR, Opcode.ARM, Opcode.ARM, Opcode.DISARM]
ADDRESSES = [
    *(register.address for register in REGISTERS),
    *range(PHASE_COUNTER_BASE, PHASE_COUNTER_BASE + 10),
    *range(ACTION_COUNTER_BASE, ACTION_COUNTER_BASE + 12),
    *(registers.LEVEL_BASE, registers.LEVEL_BASE + 255, registers.TRIM_BASE, registers.TRIM_BASE + 1, 0x3FF, 0xFFF),
    *(registers.OFFSET_BASE, registers.OFFSET_BASE + 3, registers.PAIR_OFFSET_BASE + 1),
]


def random_controller(rng: np.random.Generator) -> ControllerConfig:
    """Draw elaboration parameters."""
    channels = int(rng.choice([1, 2, 4]))
    return ControllerConfig(
        tiles=int(rng.integers(1, 4)),
        rows=int(rng.integers(1, 12)),
        columns=2 * channels * int(rng.integers(1, 4)),
        adc_channels=channels,
        adc_bits=int(rng.choice([5, 8, 10])),
        input_bits=int(rng.integers(1, 6)),
        command_depth=int(rng.integers(2, 7)),
        response_depth=int(rng.integers(2, 5)),
    )


def random_set_up(rng: np.random.Generator, config: CrossbarConfig, tile: int) -> np.ndarray:
    """Draw registers, and arm most tiles."""
    blanking, action = int(rng.integers(0, 4)), int(rng.choice([kind.value for kind in ComplianceAction]))
    settings = {
        "SELECT": int(rng.integers(1, 4)),
        "SETTLE_READ": int(rng.integers(1, 4)),
        "SETTLE_DRIVE": int(rng.integers(2, 5)),
        "SETTLE_MULTIPLY": int(rng.integers(1, 4)),
        "CONVERT": int(rng.integers(1, 4)),
        "RECOVER": int(rng.integers(1, 3)),
        "SAMPLING": int(rng.choice([0, 2, 0x11, 0x21])),
        "PULSE_LIMIT": int(rng.integers(1, 9)),
        "LEVELS": len(config.levels),
        "COMPLIANCE": action << 16 | blanking,
        "WATCHDOG": int(rng.choice([0, 0, 40, 300])),
        "RANGE_MULTIPLY": int(rng.choice([0, 6, 9])) << 11,
        "GAIN_TARGET": config.gain_target,
    }
    records: dict[Record, dict[str, Any]] = {}
    for record in PULSED:
        own: dict[str, Any] = {"width": int(rng.integers(1, 9)), "limit": int(rng.choice([255, 255, 60, 10]))}
        if rng.random() < 0.1:
            own["step"] = (0, 0, 0)
        records[record] = own
    mode = [Mode.WRITE, Mode.WRITE, Mode.WRITE, Mode.READ, None][rng.integers(5)]
    return set_up(config, tile, mode=mode, records=records, **settings)


def random_beat(rng: np.random.Generator, controller: ControllerConfig, config: CrossbarConfig) -> int:
    """Draw a command; most could be carried out."""
    if rng.random() < 0.01:
        return int(rng.integers(1 << 63))
    opcode = Opcode((RARE if rng.random() < 0.08 else FREQUENT)[rng.integers(len(RARE))])
    if rng.random() < 0.92:
        opcode = FREQUENT[rng.integers(len(FREQUENT))]
    tile = int(rng.integers(controller.tiles)) if rng.random() < 0.98 else int(rng.integers(controller.tiles + 1))
    group = COMMAND_BODY_OF[opcode]
    known = set(dict(COMMAND_BODIES[group])) if group else set()
    subtract = int(rng.integers(2))
    columns = controller.columns >> (subtract if opcode in (Opcode.MULTIPLY, Opcode.CALIBRATE) else 0)
    fields: dict[str, int] = {
        "row": int(rng.integers(controller.rows)),
        "column": int(rng.integers(columns)),
        "level": int(rng.integers(len(config.levels))),
        "count": int(rng.integers(1, 6)),
        "record": PULSED[rng.integers(3)].value,
        "subtract": subtract,
        "gain": int(rng.integers(2)) if not subtract else 0,
        "codes": int(rng.integers(2)),
        "skip": int(rng.integers(2)),
        "word": int(rng.integers(controller.words)),
        "clear": int(rng.integers(2)),
        "bits": int(rng.choice([0, 1, 0x11, int(rng.integers(1 << 32))])),
        "cycles": int(rng.integers(1, 20)),
        "mode": int(rng.integers(1, 3)),
        "address": int(rng.choice(ADDRESSES)),
        "value": int(rng.choice([0, 1, 3, int(rng.integers(1 << 12)), int(rng.integers(1 << 36))])),
    }
    if opcode is Opcode.MULTIPLY:
        fields["column"] -= fields["column"] % controller.adc_channels
        fields["outputs"] = int(rng.integers(1, columns - fields["column"] + 1))
    if opcode is Opcode.WRITE_REGISTER and rng.random() < 0.7:
        fields["address"] = int(rng.choice([*ADDRESSES[-5:], BY_NAME["RANGE_READ"].address]))
        fields["value"] = int(rng.integers(1 << 4))
    if rng.random() < 0.04 and known:
        wrong = sorted(known)[rng.integers(len(known))]
        fields[wrong] = int(
            rng.choice([0, 1, 5, 7, 200]) if wrong not in ("record", "mode", "clear") else rng.integers(2)
        )
    return int(
        pack(opcode, tile, **{name: fields[name] for name in known if name in fields and _fits(name, fields)})[0]
    )


def _fits(name: str, fields: dict[str, int]) -> bool:
    return not (name in ("subtract", "gain", "codes", "skip", "clear") and fields[name] > 1)


def random_program(
    rng: np.random.Generator, controller: ControllerConfig, config: CrossbarConfig, length: int
) -> dict[str, Any]:
    """Draw commands, arrivals, a consumer and pins, as `both_engines.Both.run` takes them."""
    stream = [random_beat(rng, controller, config) for _ in range(length)]
    for _ in range(rng.integers(3)):
        # Recover from what may have been latched.
        tile, place = int(rng.integers(controller.tiles)), int(rng.integers(length))
        stream[place:place] = [int(pack(Opcode.CLEAR, tile)[0]), int(pack(Opcode.ARM, tile, mode=Mode.WRITE)[0])]
    arrivals = None
    if rng.random() < 0.7:
        gaps = rng.integers(0, int(rng.choice([2, 30, 120])), size=len(stream))
        gaps[0] = 0
        arrivals = np.cumsum(gaps * (rng.random(len(stream)) < 0.4))
    ready = np.ones(1, np.bool_)
    if rng.random() < 0.6:
        ready = rng.random(int(rng.integers(1, 12))) < rng.choice([0.15, 0.6])
        ready[rng.integers(len(ready))] = True
    pins, cycle = [], 0
    if rng.random() < 0.4:
        for _ in range(rng.integers(1, 3)):
            first = cycle + int(rng.integers(2, 600))
            cycle = first + int(rng.integers(0, 40))
            pins.append(PinPulse(Pin(int(rng.integers(2))), first, cycle, int(rng.integers(controller.tiles))))
    return {"commands": beats(stream), "arrivals": arrivals, "ready": ready, "pins": tuple(pins)}


def random_preparation(rng: np.random.Generator, controller: ControllerConfig, config: CrossbarConfig) -> np.ndarray:
    """Draw the beats that set all tiles up."""
    groups = [random_set_up(rng, config, tile) for tile in range(controller.tiles)]
    offsets = [
        write(registers.OFFSET_BASE + int(rng.integers(controller.columns)), int(rng.integers(4)), tile)
        for tile in range(controller.tiles)
    ]
    return beats(*groups, *offsets)


assert record_address(Record.SET, 0) in ADDRESSES
