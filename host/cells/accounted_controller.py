"""A controller whose programs are counted and priced, and whose refusals are errors."""

from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.beats import Commands, Responses
from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.ledger.ledger import Kind, Ledger
from twinbar.hw.actions import ACTIONS
from twinbar.hw.errors import RefusedError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import FAULTS
from twinbar.hw.protocol.packing import RESPONSE_BYTES, unpack
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import PHASES

_KINDS: Final[Mapping[str, Kind]] = {"read": "write", "write": "write", "forward": "forward"}
"""Kind in the ledger of each kind of program; others are not entered."""
_ADVICE: Final = {
    Status.DISARMED: '; arm it first: arm("read") or arm("write")',
    Status.FAULTED: "; find the cause, then clear() and arm()",
    Status.ABORTED: "; it was stopped; arm it again",
    Status.WINDOW: "; a bias record leaves its window (LOW, HIGH and LIMIT of the record)",
    Status.BAD_LEVEL: "; its table of levels has fewer (configure, set_levels)",
    Status.BAD_VALUE: "; a number is larger than its registers allow",
    Status.LOCKED: "; disarm it first",
}


class ProgramRunner(Protocol):
    """What the verbs need: a controller, and that it runs programs. Every engine's controller does, and a board's."""

    controller: ControllerConfig

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""


class AccountedController:
    """A controller that runs the programs of the verbs.

    Parameters
    ----------
    controller : ProgramRunner
    ledger : Ledger

    Attributes
    ----------
    shape : ControllerConfig
        Tiles, rows and columns.
    phases : int64 [tiles, len(PHASES)]
        Cycles by phase of the programs that were entered.
    actions : int64 [tiles, len(ACTIONS)]
    """

    def __init__(self, controller: ProgramRunner, ledger: Ledger) -> None:
        self.controller = controller
        self.ledger = ledger
        self.shape = controller.controller
        tiles = self.shape.tiles
        self.phases: npt.NDArray[np.int64] = np.zeros((tiles, len(PHASES)), np.int64)
        self.actions: npt.NDArray[np.int64] = np.zeros((tiles, len(ACTIONS)), np.int64)

    def run(self, commands: Commands, kind: str = "write", *, may_fail: bool = False, macs: int = 0) -> Responses:
        """Run commands that must be carried out; with ``may_fail``, writes may end outside their windows.

        Parameters
        ----------
        commands : uint64 [n]
        kind : {"read", "write", "forward", "initialization"}
            What for; an initialization is not entered in the ledger.
        may_fail : bool
        macs : int
            Multiplications with accumulation among them.

        Returns
        -------
        uint8 [m, RESPONSE_BYTES]

        Raises
        ------
        RefusedError
            If a tile refuses one; the sentence says which, and what would be right. What was done is entered.
        """
        if not len(commands):
            return np.zeros((0, RESPONSE_BYTES), np.uint8)
        result = self.controller.run(Program(commands, kind=kind))
        if kind in _KINDS:
            activity = Activity.of_program(result.phases, result.actions, result.energy, result.cycles)
            activity.macs = macs
            self.ledger.add(_KINDS[kind], activity)
            self.phases += result.phases
            self.actions += result.actions
        _check(result.responses, may_fail)
        return result.responses


def _check(responses: Responses, may_fail: bool) -> None:
    header = unpack(responses)
    bad = header["status"] != Status.OK.value
    if may_fail:
        bad &= header["status"] != Status.FAILED.value
    if not bad.any():
        return
    first = int(np.flatnonzero(bad)[0])
    faults = ", ".join(fault.name for fault in FAULTS if fault.name in header and header[fault.name][first])
    status = Status(int(header["status"][first]))
    raise RefusedError(
        f"tile {header['tile'][first]} answered {Opcode(int(header['opcode'][first])).name} with {status.name}"
        + (f" (latched faults: {faults})" if faults else "")
        + _ADVICE.get(status, "")
    )
