"""Programs that together hit every bin of a coverage: drawn, and kept where the engine `fast` says so."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import numpy as np

from twinbar.emulator.contract import beats as setting
from twinbar.emulator.contract.program import Pin, PinPulse, Program, ProgramResult
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.verify.beat_fields import beat
from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.hw.cocotb.response_coverage import ResponseCoverage, all_bins, most_of_a_value
from twinbar.hw.errors import TwinbarError
from twinbar.hw.export.bench_protocol import protocol_of
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.commands import COMMANDS, READING, WRITING, Opcode
from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, OPCODE_BITS, WIDTH_BITS
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.registers import BY_NAME, COMPLIANCE, LEVEL_BASE, LEVEL_WINDOW
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Record

SIZE: Final = ControllerConfig(
    tiles=2,
    rows=4,
    columns=4,
    adc_channels=2,
    adc_bits=6,
    input_bits=2,
    command_depth=4,
    response_depth=4,
    safe_codes=(1, 2, 3),
)
COVERED: Final = Elaboration("covered", SIZE, "taox-hfox", (("adc_offset_codes", 1.0),))
"""The core whose coverage is stated: two tiles, converters with offsets, cells that differ from one another."""
MOST_TRIES: Final = 20_000
_HALTING: Final = ("SAFE", "ABORT")
_SPAN: Final = 160
"""Cycles in which something is to happen to the command that is looked at."""
_SLOW: Final = (False,) * 40 + (True,)
"""A consumer that lets responses wait."""
_NO_LIMIT: Final = (1 << COMPLIANCE_BITS) - 1
_LONG_SPAN: Final = 3_000
"""The same, for a write that is to have gone both ways."""
_NO_WINDOW: Final = (40, 20)


class _Drawing:
    """Draws programs for a tile, most of them for one operation."""

    def __init__(self, rng: Random, elaboration: Elaboration, name: str, cause: str, *, both: bool = False) -> None:
        self.rng, self.elaboration = rng, elaboration
        self.name, self.cause, self.both = name, cause, both
        self.tile = rng.randrange(elaboration.controller.tiles)

    def write(self, register: str, value: int) -> int:
        """Return the beat that writes a register."""
        return beat(Opcode.WRITE_REGISTER, self.tile, address=BY_NAME[register].address, value=value)

    def program(self) -> Program:
        """Draw one."""
        rng = self.rng
        before = self._before()
        mode = rng.choice([Mode.WRITE, Mode.WRITE, Mode.WRITE, Mode.READ])
        armed = [] if self.cause == "disarmed" else [beat(Opcode.ARM, self.tile, mode=mode.value)]
        first = 0.7 * (self.cause == "compliance") + 0.4 * (self.name == "FORM")
        work = [self._operation("PULSE")] * (rng.random() < first)
        if self.name in _HALTING and self.cause != "none":
            # It comes when the fault is latched: at once, it would halt what leads there.
            work, after = [self._operation("PULSE") for _ in range(4)], [self._operation(self.name)]
        else:
            work += [self._operation(self.name) for _ in range(rng.choice([1, 1, 2, 3]))]
            after = [self._operation(rng.choice([self.name, "READ_REGISTER"])) for _ in range(rng.choice([0, 1, 2]))]
        commands = [*before, *armed, *work]
        arrivals = [0] * len(commands)
        pins: list[PinPulse] = []
        begin = 3 * len(before) + 20
        when = begin + rng.randrange(_LONG_SPAN if self.both else _SPAN)
        if self.cause in ("SAFE", "ABORT"):
            commands.append(beat(Opcode[self.cause], self.tile))
            arrivals.append(when)
        elif self.cause in ("stop", "front_end"):
            pin = Pin.STOP if self.cause == "stop" else Pin.FAULT
            pins.append(PinPulse(pin, when, when + rng.choice([0, 0, 3]), self.tile))
        elif self.cause == "ABORT twice":
            commands += [
                beat(Opcode.ABORT, self.tile),
                beat(Opcode[self.name], self.tile),
                beat(Opcode.ABORT, self.tile),
            ]
            arrivals += [when, when, when]
        late = when + rng.choice([2, 300])
        commands += after
        arrivals += [late if self.cause != "none" else arrivals[-1]] * len(after)
        # The settings before are answered at once: else they would hold up what is looked at.
        ready = (True,) * begin + _SLOW * 150 if rng.random() < 0.5 else (True,)
        return Program(np.array(commands, np.uint64), np.array(arrivals), np.array(ready, bool), pins)

    def _before(self) -> list[int]:
        rng = self.rng
        tile, first = self.tile, []
        for each in range(self.elaboration.controller.tiles):
            first += [beat(Opcode.CLEAR, each), beat(Opcode.DISARM, each)]
        action = ComplianceAction.FAULT if self.cause == "compliance" else ComplianceAction.OFF
        blanking = rng.randrange(3)
        when = _LONG_SPAN if self.both else 260
        first += [
            self.write("PULSE_LIMIT", 60 if self.both else rng.choice([1, 2, 3, 5, 12])),
            self.write("WATCHDOG", rng.randrange(30, when) if self.cause == "watchdog" else 0),
            self.write("COMPLIANCE", COMPLIANCE.word.pack(blanking=blanking, action=action.value)),
        ]
        tripping = self.cause == "compliance"
        limits = (rng.randrange(80), rng.randrange(4), 20) if tripping else (_NO_LIMIT,)
        limit, width = rng.choice(limits), rng.choice((6, 9) if tripping else (1, 5, 17))
        for name in ("SET", "RESET", "FORM"):
            first.append(self.write(f"{name}_LIMIT", BY_NAME[f"{name}_LIMIT"].most))
            first.append(self.write(f"{name}_WIDTH", width | limit << WIDTH_BITS))
        # In a window without a code, a write goes up and down until its pulses are spent.
        threshold = rng.randrange(3, 40)
        crossed = [(threshold, threshold - 1), (threshold, threshold)]
        reached = (rng.randrange(8, 64), 63)
        windows = (
            [reached]
            if self.name == "FORM"
            else crossed
            if self.both
            else [_NO_WINDOW, (0, 63), (0, 5), (50, 63), (20, 34)]
        )
        low, high = rng.choice(windows)
        window = LEVEL_WINDOW.pack(low=low, high=high)
        first.append(beat(Opcode.WRITE_REGISTER, tile, address=LEVEL_BASE, value=window))
        top = BY_NAME["SET_HIGH"].most
        first.append(self.write("SET_HIGH", 0 if self.cause == "window" else top))
        return first

    def _operation(self, name: str) -> int:
        rng, size = self.rng, self.elaboration.controller
        if name == "unknown":
            return 31 | self.tile << OPCODE_BITS
        opcode = Opcode[name]
        tile = self.tile if rng.random() > 0.1 else size.tiles + rng.randrange(3)
        wrong = rng.random() < 0.25
        values: dict[str, int] = {}
        if opcode in (*READING, *WRITING):
            names = COMMANDS[opcode].arguments or ()
            values = {each.name: 0 for each in names}
            values |= {key: rng.randrange(4) for key in ("row", "column") if key in values}
            if "level" in values:
                values["level"] = rng.choice([0, 0, 1, 200 if wrong else 2])
            if wrong:
                values["column"] = rng.choice([4, 9, 1])
            self._particulars(opcode, values, wrong)
        elif opcode is Opcode.ARM:
            values = {"mode": 3 if wrong else rng.choice([1, 2])}
        elif opcode is Opcode.WAIT:
            values = {"cycles": 0 if wrong else rng.choice([1, 50, 200])}
        elif opcode is Opcode.LOAD:
            values = {
                "word": 3 if wrong else 0,
                "clear": 1,
                "shared": int(rng.random() < 0.3),
                "bits": rng.getrandbits(8),
            }
        elif opcode is Opcode.READ_REGISTER:
            values = {"address": 0x7F if wrong else BY_NAME["SELECT"].address}
        elif opcode is Opcode.WRITE_REGISTER:
            address = rng.choice([0x7F, BY_NAME["SELECT"].address, BY_NAME["RANGE_READ"].address])
            values = {"address": address, "value": 0 if wrong else 1}
        return beat(opcode, tile, **values)

    def _particulars(self, opcode: Opcode, values: dict[str, int], wrong: bool) -> None:
        rng = self.rng
        if "record" in values:
            values["record"] = rng.choice([Record.SET, Record.RESET, Record.FORM]).value
            values["count"] = rng.choice([0, 1, 1, 2, 3, 4, 5, 6, 12, 13])
            if wrong and rng.random() < 0.5:
                values["record"], values["column"] = Record.READ.value, 0
        if opcode is Opcode.CALIBRATE:
            values["subtract"], values["gain"] = (1, 1) if wrong else (0, int(rng.random() < 0.3))
        elif opcode is Opcode.MULTIPLY:
            values["outputs"], values["column"] = rng.choice([(1, 0), (2, 2), (4, 0), (3, 0)])
            if wrong:
                values |= rng.choice([{"column": 1, "outputs": 1}, {"outputs": 9}, {"members": 2}])
        elif opcode is Opcode.WRITE and wrong:
            values["entry"] = rng.choice([0, 3])


def boundary_program(elaboration: Elaboration) -> Program:
    """Return a program that writes to every register of a tile the least and the greatest value, and the next one.

    Values that they hold otherwise are written at the end.
    """
    protocol = protocol_of(elaboration.controller)
    commands = [beat(Opcode.DISARM, tile) for tile in range(elaboration.controller.tiles)]
    for address, least, greatest in protocol.BOUNDS.values():
        values = [least, greatest] + [greatest + 1] * (greatest < most_of_a_value(protocol))
        commands += [beat(Opcode.WRITE_REGISTER, 0, address=address, value=value) for value in values]
    return Program(np.array([*commands, *map(int, _set_up(elaboration))], np.uint64))


def _set_up(elaboration: Elaboration) -> Any:
    """Return the beats that bring tiles, as they are, back to the settings of a configuration."""
    tiles, protocol = elaboration.controller.tiles, protocol_of(elaboration.controller)
    first = {address: protocol.INITIAL[address] for address, _, _ in protocol.BOUNDS.values()}
    fresh = [beat(Opcode.DISARM, tile) for tile in range(tiles)]
    for tile in range(tiles):
        fresh += [beat(Opcode.WRITE_REGISTER, tile, address=each, value=value) for each, value in first.items()]
    # Forming pulses are those of SET, so that cells react to them.
    driven, forming = elaboration.config.registers, []
    for tile in range(tiles):
        high = BY_NAME["FORM_HIGH"]
        forming.append(beat(Opcode.WRITE_REGISTER, tile, address=high.address, value=high.most))
        for field, end in (("CODES", "start"), ("STOP", "stop")):
            codes = int(triple(getattr(driven.set_amplitude, end), 0, getattr(driven.set_gate, end)))
            forming.append(beat(Opcode.WRITE_REGISTER, tile, address=BY_NAME[f"FORM_{field}"].address, value=codes))
    usual = setting.set_registers(elaboration.config, tiles)
    return np.concatenate([np.array(fresh, np.uint64), usual, np.array(forming, np.uint64), setting.arm(tiles)])


def predicted(protocol: Any, program: Program, result: ProgramResult, prompt: ProgramResult) -> ResponseCoverage:
    """Return what a program covers, by what `fast` does with it, and with a consumer that is always ready."""
    found = ResponseCoverage(protocol)
    for command in program.commands.tolist():
        found.ask(int(command))
    taken = result.response_cycles.tolist()
    same = len(prompt.response_cycles) == len(taken)
    earliest = prompt.response_cycles.tolist() if same else taken
    for number, (response, cycle) in enumerate(zip(result.responses, taken, strict=True)):
        presented = max(earliest[number], taken[number - 1] + 1 if number else 0)
        found.answer(int.from_bytes(response.tobytes(), "little"), waited=cycle > presented)
    return found


def covering_programs(elaboration: Elaboration = COVERED, seed: int = 1) -> Iterator[Program]:
    """Give programs, to be run one after the other from a reset, that hit all bins of `all_bins`.

    Parameters
    ----------
    elaboration : Elaboration
        Without options that share streams.
    seed : int

    Raises
    ------
    TwinbarError
        If bins are left after `MOST_TRIES` draws.
    """
    protocol, rng = protocol_of(elaboration.controller), Random(seed)
    fast = FastController(elaboration.config, elaboration.controller)
    missing = set(all_bins(protocol))
    for program in (boundary_program(elaboration), boundary_program(elaboration)):
        missing -= _hit(predicted(protocol, program, *_run(fast, program)[:2]))
        yield program
    for tried in range(MOST_TRIES):
        if not missing:
            return
        target = rng.choice(sorted(missing))
        name, cause = _target(rng, target)
        program = _Drawing(rng, elaboration, name, cause, both="/both/" in target).program()
        trial = copy.deepcopy(fast)
        new = _hit(predicted(protocol, program, *_run(trial, program))) & missing
        # Now and then one that adds nothing: where cells have drifted, some bins are out of reach.
        if new or tried % 400 == 399:
            missing -= new
            fast = trial
            yield program
    raise TwinbarError(f"{len(missing)} bins are not hit by {MOST_TRIES} programs: {', '.join(sorted(missing)[:8])}")


def _run(fast: FastController, program: Program) -> tuple[ProgramResult, ProgramResult]:
    """Run a program, and first the same with a consumer that is always ready."""
    prompt = copy.deepcopy(fast).run(Program(program.commands, program.arrivals, pins=program.pins))
    return fast.run(program), prompt


def _hit(coverage: ResponseCoverage) -> set[str]:
    return {name for name, count in coverage.hits.items() if count}


def _target(rng: Random, name: str) -> tuple[str, str]:
    """Return the operation of a bin, and what may lead to its outcome."""
    operation, *rest = name.split("/")
    if operation.startswith("register"):
        return "WRITE_REGISTER", "none"
    cause = "none"
    outcome, fault = (rest[1], rest[2]) if len(rest) == 4 else ("OK", "-")
    if fault != "-":
        cause = fault
    elif outcome == "ABORTED":
        cause = rng.choice(["SAFE", "ABORT", "ABORT", "ABORT twice"])
    elif operation == "WRITE_REGISTER":
        cause = rng.choice(["none", "disarmed"])
    elif outcome in ("WINDOW", "DISARMED"):
        cause = outcome.lower()
    return operation, cause
