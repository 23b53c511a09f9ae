"""A core in an HDL simulator against the engine `fast`: all that its streams, phases and cells did, cycle by cycle."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Pin, PinPulse, Program
from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.commands import COMMANDS, REGISTER_RESULT, Opcode
from twinbar.hw.protocol.layouts import RESPONSE
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.registers import PHASE_COUNTER_BASE
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import PHASES, Phase

COMPARED_CELLS = ("g", "pulses", "conversions")


class ScoreboardTotals(NamedTuple):
    """What a scoreboard has compared."""

    cycles: int
    commands: int
    responses: int
    pulses: int


class FastScoreboard:
    """Notes what happens at the pins of a core, and holds it to what `fast` does at the same commands and inputs.

    An observer of every cycle. It begins with the first command beat, for a controller fresh from its reset whose array
    is at its beginning, and it takes everything up to `compare` as one program: waits between programs of a bench are
    cycles like others.

    Parameters
    ----------
    crossbar : CrossbarConfig
    controller : ControllerConfig
    """

    def __init__(self, crossbar: CrossbarConfig, controller: ControllerConfig) -> None:
        self.controller = controller
        self._crossbar = crossbar
        self._begun: int | None = None
        self._commands: list[int] = []
        self._presented: list[int] = []
        self._accepted: list[int] = []
        self._is_presented = False
        self._ready: list[bool] = []
        self._responses: list[int] = []
        self._response_cycles: list[int] = []
        self._phases: list[tuple[int, ...]] = []
        self._gates: list[list[tuple[int, int]]] = [[] for _ in range(controller.tiles)]
        self._was_open = [False] * controller.tiles
        self._shows_record = True
        self._high: dict[tuple[Pin, int], list[int]] = {}
        self._last = -1

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.

        Raises
        ------
        AssertionError
            If a pin that halts is high before the first command.
        """
        levels = {(Pin.STOP, 0): bool(pins["stop"])}
        for tile in range(self.controller.tiles):
            # A serial front end finds its faults itself, and has no pin for them.
            name = f"tiles__{tile}__fault"
            levels[Pin.FAULT, tile] = name in pins and bool(pins[name])
        if self._begun is None:
            if any(levels.values()):
                raise AssertionError(
                    "stop or fault is high before the first command; the scoreboard begins with that one"
                )
            if not pins["commands__valid"]:
                return
            self._begun = cycle
            self._shows_record = "tiles__0__record" in pins
        now = cycle - self._begun
        for key, high in levels.items():
            if high:
                self._high.setdefault(key, []).append(now)
                self._last = max(self._last, now + SYNCHRONIZER_CYCLES)
        self._ready.append(bool(pins["responses__ready"]))
        self._phases.append(tuple(pins[f"phases__{tile}"] for tile in range(self.controller.tiles)))
        if pins["busy"]:
            self._last = max(self._last, now)
        self._see_streams(now, pins)
        for tile in range(self.controller.tiles):
            is_open = bool(pins[f"tiles__{tile}__write_gate"])
            if is_open and not self._was_open[tile]:
                record = pins[f"tiles__{tile}__record"] if self._shows_record else 0
                self._gates[tile].append((now, record))
            self._was_open[tile] = is_open

    def _see_streams(self, now: int, pins: Any) -> None:
        if pins["commands__valid"]:
            if not self._is_presented:
                self._commands.append(pins["commands__payload"])
                self._presented.append(now)
            self._is_presented = not pins["commands__ready"]
            if pins["commands__ready"]:
                self._accepted.append(now)
        if pins["responses__valid"] and pins["responses__ready"]:
            self._responses.append(pins["responses__payload"])
            self._response_cycles.append(now)

    def compare(self, state: ArrayState | None = None) -> ScoreboardTotals:
        """Run `fast`, and compare. A bench calls it at its end, with the core at rest.

        Parameters
        ----------
        state : ArrayState, optional
            The array behind the pins; without it, cells are not compared.

        Raises
        ------
        AssertionError
            If anything differs, with the first difference.
        """
        if self._begun is None:
            raise AssertionError("no command was sent; there is nothing to compare")
        program = Program(
            np.array(self._commands, np.uint64),
            np.array(self._presented, np.int64),
            np.array([*self._ready, True], bool),
            list(self._pulses()),
        )
        fast = FastController(self._crossbar, self.controller)
        expected = fast.run(program)
        beats = [int.from_bytes(beat.tobytes(), "little") for beat in expected.responses]
        for number, (found, wanted) in enumerate(zip(self._responses, beats, strict=False)):
            if found != wanted and not _is_idle_counter(found, wanted):
                raise AssertionError(f"response {number} is {_shown(found)}; the engine fast has {_shown(wanted)}")
        _same("responses", len(self._responses), len(beats))
        _same("cycles of acceptance", self._accepted, expected.accepted.tolist())
        _same("cycles of responses", self._response_cycles, expected.response_cycles.tolist())
        _same("cycles", self._last + 1, expected.cycles)
        phases = np.array(self._phases[: expected.cycles]).reshape(-1, self.controller.tiles)
        for tile in range(self.controller.tiles):
            counted = np.bincount(phases[:, tile], minlength=len(PHASES)).tolist()
            _same(f"phases of tile {tile}", counted, expected.phases[tile].tolist())
            self._same_pulses(tile, expected.actions[tile])
        if state is not None:
            cells = fast.cells()
            for name in COMPARED_CELLS:
                if not np.array_equal(cells[name], getattr(state, name)):
                    raise AssertionError(f"{name} of the cells differs from the engine fast")
        pulses = sum(map(len, self._gates))
        return ScoreboardTotals(expected.cycles, len(self._commands), len(beats), pulses)

    def _same_pulses(self, tile: int, actions: Any) -> None:
        opened = self._gates[tile]
        resets = sum(record == Record.RESET.value for _, record in opened)
        counted = [int(actions[Action.PULSE_SET]), int(actions[Action.PULSE_RESET])]
        if self._shows_record:
            _same(f"pulses of tile {tile}", [len(opened) - resets, resets], counted)
        _same(f"pulses of tile {tile}", len(opened), sum(counted))

    def _pulses(self) -> Iterator[PinPulse]:
        for (pin, tile), cycles in self._high.items():
            first = last = cycles[0]
            for cycle in cycles[1:]:
                if cycle > last + 1:
                    yield PinPulse(pin, first, last, tile)
                    first = cycle
                last = cycle
            yield PinPulse(pin, first, last, tile)


def _same(what: str, found: Any, wanted: Any) -> None:
    if found == wanted:
        return
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        place = next(place for place, (one, other) in enumerate(zip(found, wanted, strict=True)) if one != other)
        what, found, wanted = f"{what}, number {place}", found[place], wanted[place]
    raise AssertionError(f"{what}: {found}; the engine fast has {wanted}")


def _is_idle_counter(found: int, wanted: int) -> bool:
    """Whether a beat differs in the counter of idle cycles alone: those before the first command are counted, too."""
    fields, others = RESPONSE.unpack(found), RESPONSE.unpack(wanted)
    body, other = (REGISTER_RESULT.unpack(each.pop("body")) for each in (fields, others))
    if fields != others or fields["opcode"] != Opcode.READ_REGISTER.value or body["address"] != other["address"]:
        return False
    return bool(body["address"] == PHASE_COUNTER_BASE + Phase.IDLE)


def _shown(beat: int) -> str:
    fields = RESPONSE.unpack(beat)
    body = fields.pop("body")
    known = {each.value for each in Opcode}
    name = Opcode(fields["opcode"]).name if fields["opcode"] in known else f"opcode {fields['opcode']}"
    spec = COMMANDS[Opcode(fields["opcode"])] if fields["opcode"] in known else None
    told = spec.response.unpack(body) if spec is not None and spec.response is not None else {"body": body}
    rest = {key: int(value) for key, value in {**fields, **told}.items() if key != "opcode" and int(value)}
    return f"{name} {rest} ({beat:0{2 * RESPONSE_BYTES}x})"
