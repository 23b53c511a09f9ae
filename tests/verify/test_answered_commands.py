"""Which command a response answers, where a product's outputs share response beats."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from twinbar.emulator.contract.program import ProgramResult
from twinbar.emulator.verify.answers import answers_of
from twinbar.hw.protocol.layouts import RESPONSE
from twinbar.hw.protocol.packing import RESPONSE_BYTES, pack
from twinbar.hw.protocol.vocabulary import Opcode


@pytest.mark.parametrize(("lanes", "beats"), [(1, [7, 2]), (2, [4, 1]), (3, [3, 1])])
def test_packed_outputs_belong_to_their_product(lanes: int, beats: list[int]) -> None:
    # Seven outputs, then two: with three lanes 3 + 3 + 1 and 2.
    commands = pack(Opcode.MULTIPLY, 0, outputs=np.array([7, 2])).tolist()
    responses = np.zeros((sum(beats), RESPONSE_BYTES), np.uint8)
    assert RESPONSE["opcode"].offset == 0
    responses[:, 0] = Opcode.MULTIPLY.value
    result = SimpleNamespace(
        response_cycles=np.arange(len(responses)), responses=responses, phases=np.zeros((1, 9), np.int64)
    )
    answered = [answer.command for answer in answers_of(commands, cast(ProgramResult, result), lanes)]
    assert answered == [0] * beats[0] + [1] * beats[1]
