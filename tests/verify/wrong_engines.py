"""Engines that are wrong on purpose: they change what a right one gives."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twinbar.emulator.contract.program import Program, ProgramController, ProgramResult
from twinbar.emulator.verify.compared_engines import MakeSessionController
from twinbar.emulator.verify.session import Session
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode, Status

Change = Callable[[ProgramResult], ProgramResult]


class Wrong:
    """A controller whose results are changed."""

    def __init__(self, right: ProgramController, change: Change) -> None:
        self._right = right
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)

    def run(self, program: Program) -> ProgramResult:
        return self._change(self._right.run(program))


def wrong(engine: MakeSessionController, change: Change) -> MakeSessionController:
    def make(session: Session) -> Any:
        return Wrong(engine(session), change)

    return make


def _of(result: ProgramResult, opcode: Opcode) -> np.ndarray:
    return np.flatnonzero(unpack(result.responses)["opcode"] == opcode.value)


def late_after_reset_pulses(result: ProgramResult) -> ProgramResult:
    """A WRITE that gave a RESET pulse answers a cycle too late."""
    writes = _of(result, Opcode.WRITE)
    given = unpack_results(Opcode.WRITE, result.responses[writes])["resets"] > 0
    cycles = result.response_cycles.copy()
    cycles[writes[given]] += 1
    return replace(result, response_cycles=cycles)


def sum_is_one_too_large(result: ProgramResult) -> ProgramResult:
    """A product above 2 has its lowest bit changed."""
    responses = result.responses.copy()
    products = _of(result, Opcode.MULTIPLY)
    large = unpack_results(Opcode.MULTIPLY, responses[products])["sum"] > 2
    responses[products[large], 5] ^= 1 << 4
    return replace(result, responses=responses)


def forgets_pulses_that_failed(result: ProgramResult) -> ProgramResult:
    """A WRITE that failed is not counted."""
    header = unpack(result.responses)
    failed = header["tile"][(header["opcode"] == Opcode.WRITE.value) & (header["status"] == Status.FAILED.value)]
    actions = result.actions.copy()
    actions[:, 7] -= np.bincount(failed, minlength=len(actions))
    return replace(result, actions=actions)


CHANGES = (late_after_reset_pulses, sum_is_one_too_large, forgets_pulses_that_failed)
