"""Halts in every cycle of every operation leave on the compiled controller what they leave on the netlist."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both_engines import Both, beats, read, set_up, statuses, write
from shared_netlists import PAIR

from twinbar.emulator.contract.program import Pin, PinPulse
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Status

pytestmark = pytest.mark.compiler

OPERATIONS: dict[str, Any] = {
    "write": pack(Opcode.WRITE, row=1, column=1, level=7),
    "train": pack(Opcode.PULSE, row=1, column=2, count=3, record=Record.RESET),
    "drive": pack(Opcode.DRIVE, row=1, column=2, record=Record.FORM),
    "read": pack(Opcode.READ, row=2, column=2),
    "offset": pack(Opcode.CALIBRATE, column=1),
    "gain": pack(Opcode.CALIBRATE, column=1, gain=1),
    "multiply": beats(pack(Opcode.LOAD, clear=1, bits=5), pack(Opcode.MULTIPLY, outputs=4, skip=1)),
    "arm": pack(Opcode.ARM, mode=Mode.WRITE),
    "wait": pack(Opcode.WAIT, cycles=9),
    "registers": beats(read("SELECT"), write("RANGE_READ", 3), pack(Opcode.CLEAR), pack(Opcode.DISARM)),
    "refusals": beats(pack(Opcode.READ, row=999), 31, pack(Opcode.LOAD, word=1000), pack(Opcode.LOAD)),
}
SETTINGS = {"SELECT": 1, "SETTLE_READ": 1, "CONVERT": 2, "SETTLE_DRIVE": 3, "RECOVER": 1, "PULSE_LIMIT": 3}
"""Short phases, so that every cycle of an operation can be tried."""
UPWARD = {"width": 3, "codes": (2000, 0, 3900), "step": (100, 0, 120), "stop": (2150, 0, 4095)}
DOWNWARD = {"width": 3, "codes": (0, 2000, 3900), "step": (0, 100, 120), "stop": (0, 2150, 4095)}
SHORT = {Record.SET: UPWARD, Record.FORM: UPWARD, Record.RESET: DOWNWARD}
"""Short pulses whose ramps end between two steps."""
BEHIND = beats(
    pack(Opcode.READ, row=1, column=1),
    read("INPUTS"),
    pack(Opcode.PULSE, row=1, column=2, count=3, record=Record.RESET),
)
"""Shows what an operation has left."""
HALTS = {"abort": Status.ABORTED, "safe": Status.ABORTED, "stop": Status.FAULTED, "fault": Status.FAULTED}


@pytest.mark.parametrize("halting", HALTS)
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_a_halt_in_any_cycle(make: Callable[..., Both], operation: np.ndarray, halting: str) -> None:
    both = make(PAIR)
    both.run(set_up(both.config, records=SHORT, **SETTINGS))
    ready = [True, True, False, False, False]
    whole = both.run(operation, ready=ready)
    stoppable = operation is not OPERATIONS["registers"] and operation is not OPERATIONS["refusals"]
    assert not stoppable or set(statuses(whole)) <= {Status.OK, Status.FAILED}
    revive = beats(pack(Opcode.CLEAR), pack(Opcode.ARM, mode=Mode.WRITE))
    seen: set[Status] = set()
    # ABORT comes in every cycle; the other causes meet the same states, each in other cycles.
    step = {"abort": 1, "safe": 5, "stop": 4, "fault": 7}[halting]
    for cycle in range(1, whole.cycles + 1, step):
        both.run(revive)
        if HALTS[halting] is Status.ABORTED:
            beat = pack(Opcode.ABORT if halting == "abort" else Opcode.SAFE)
            arrivals = [*[0] * len(operation), *[max(cycle, len(operation) - 1)] * (1 + len(BEHIND))]
            result = both.run(beats(operation, beat, BEHIND), arrivals=arrivals, ready=ready)
        else:
            pin = Pin.STOP if halting == "stop" else Pin.FAULT
            result = both.run(beats(operation, BEHIND), ready=ready, pins=(PinPulse(pin, cycle, cycle + 4),))
        seen |= set(statuses(result))
    assert HALTS[halting] in seen or not stoppable


@pytest.mark.parametrize("action", [ComplianceAction.OFF, ComplianceAction.END_PULSE, ComplianceAction.FAULT])
@pytest.mark.parametrize("blanking", [0, 4, 30])
def test_the_current_limit(make: Callable[..., Both], action: ComplianceAction, blanking: int) -> None:
    both = make()
    trains = [
        pack(Opcode.PULSE, row=row, column=row % 4, count=3, record=record)
        for row in range(2)
        for record in (Record.SET, Record.RESET, Record.SET)
    ]
    seen = set()
    for limit in (0, 12, 25, 60, 254):
        records = {record: {"limit": limit, "width": 12, "step": (0, 0, 0)} for record in (Record.SET, Record.RESET)}
        setting = action.value << 16 | blanking
        both.run(beats(pack(Opcode.DISARM), set_up(both.config, records=records, COMPLIANCE=setting, RECOVER=1)))
        result = both.run(beats(*trains, pack(Opcode.WRITE, row=1, level=7), pack(Opcode.CLEAR)))
        seen |= set(statuses(result))
    assert (Status.FAULTED in seen) == (action is ComplianceAction.FAULT and blanking < 12)


@pytest.mark.parametrize("period", [1, 7, 30])
def test_watchdogs(make: Callable[..., Both], period: int) -> None:
    both = make(PAIR)
    both.run(beats(*(set_up(both.config, tile, mode=None, WATCHDOG=period + tile) for tile in range(2))))
    arm = beats(*(pack(Opcode.ARM, tile, mode=Mode.WRITE) for tile in range(2)))
    operations = beats(*(pack(Opcode.READ, tile) for tile in (0, 1, 0, 1, 1)))
    arm_at, latched = 30, False
    for gap in (0, 1, 2, 7, 29, 31):
        both.run(beats(pack(Opcode.CLEAR, 0), pack(Opcode.CLEAR, 1)))
        arrivals = np.concatenate([np.zeros(len(arm)), arm_at + gap * np.arange(len(operations))])
        result = both.run(beats(arm, operations), arrivals=arrivals)
        latched |= bool(unpack(result.responses)["watchdog"].any())
        # Between programs its time stands still.
        for _ in range(2):
            both.run(pack(Opcode.CLEAR, 0))
    assert latched


def test_a_latched_stop_comes_back_while_the_input_is_high(make: Callable[..., Both]) -> None:
    both = make(PAIR)
    both.run(beats(*(set_up(both.config, tile) for tile in range(2))))
    stream = beats(*(pack(opcode, tile) for opcode in (Opcode.CLEAR, Opcode.CLEAR, Opcode.READ) for tile in range(2)))
    pins = (PinPulse(Pin.STOP, 0, 30), PinPulse(Pin.STOP, 40, 40), PinPulse(Pin.FAULT, 3, 60, 1))
    for gap in range(5):
        result = both.run(stream, arrivals=np.arange(6) * 3 * gap, pins=pins, ready=[True] + [False] * 8)
    assert unpack(result.responses)["stop"].any()
    assert unpack(result.responses)["front_end"].any()


def test_an_abort_waits_behind_a_full_queue(make: Callable[..., Both]) -> None:
    both = make(PAIR)
    both.run(beats(*(set_up(both.config, tile) for tile in range(2))))
    crowd = [pack(Opcode.WAIT, 0, cycles=20)] * 5
    for stop in (pack(Opcode.ABORT, 0), pack(Opcode.ABORT, 1), pack(Opcode.SAFE)):
        for ready in ([True], [False, False, False, True]):
            result = both.run(beats(*crowd, stop, pack(Opcode.ABORT, 0), *crowd), ready=ready)
            assert Status.ABORTED in statuses(result)
