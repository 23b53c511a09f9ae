"""An excerpt of a run: programs that are kept in memory, to be run again where their timing or signals can be seen."""

from collections.abc import Mapping
from typing import Any

from twinbar.emulator.contract.program import Pin, PinPulse, Program
from twinbar.host.trace.recorder import Recorded
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import unpack_commands
from twinbar.hw.protocol.vocabulary import Opcode


class Excerpt:
    """The programs of some optimizer steps (a `Sink`).

    Every engine gives the same answer to the same program, so a timeline can be drawn by the engine that tells most of
    the timing, and waveforms by the netlist, whichever engine trains. Programs without commands are left out: they take
    no cycle, so that there is nothing to see.

    Attributes
    ----------
    state : dict
        State of the engine when the excerpt began, with its `MAPPED_COLUMNS`.
    programs : list of (int, Program)
        Each with its tick.
    multiplies, pulses : bool
        Whether a program has multiplied, and whether one has pulsed a cell.
    is_open : bool
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.state: dict[str, Any] = {}
        self.programs: list[tuple[int, Program]] = []
        self.multiplies = False
        self.pulses = False
        self.is_open = False

    def begin(self, state: dict[str, Any]) -> None:
        """Restart, with the engine's state now."""
        self.clear()
        self.state = state
        self.is_open = True

    @property
    def shows_all(self) -> bool:
        """Whether multiplications and pulses of writes are among what it shows."""
        return self.multiplies and self.pulses

    def add(self, recorded: Recorded) -> None:
        """Add a program, if it has commands."""
        commands = recorded.program.commands
        if not len(commands):
            return
        self.programs.append((recorded.tick, recorded.program))
        self.multiplies |= bool((unpack_commands(commands)["opcode"] == Opcode.MULTIPLY.value).any())
        self.pulses |= bool(recorded.result.actions[:, [Action.PULSE_SET, Action.PULSE_RESET]].any())

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it, so that a resumed run goes on with it."""
        return {
            "state": dict(self.state),
            "programs": [_program_state(tick, program) for tick, program in self.programs],
            "multiplies": self.multiplies,
            "pulses": self.pulses,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; it is closed until it is opened again."""
        self.clear()
        self.state = dict(state["state"])
        self.programs = [_program_of(each) for each in state["programs"]]
        self.multiplies, self.pulses = state["multiplies"], state["pulses"]


def _program_state(tick: int, program: Program) -> dict[str, Any]:
    return {
        "tick": tick,
        "kind": program.kind,
        "commands": program.commands,
        "arrivals": program.arrivals,
        "ready": program.ready,
        "pins": [(pulse.pin.name, pulse.first, pulse.last, pulse.tile) for pulse in program.pins],
    }


def _program_of(state: Mapping[str, Any]) -> tuple[int, Program]:
    pins = [PinPulse(Pin[pin], first, last, tile) for pin, first, last, tile in state["pins"]]
    return state["tick"], Program(state["commands"], state["arrivals"], state["ready"], pins, state["kind"])
