"""A short session over the link, byte for byte: what the bench of a core behind a UART plays."""

import numpy as np

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link import cobs
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.command_codec import encode
from twinbar.hw.link.frames import FrameKind, HostFrame
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.commands import REGISTER_RESULT, Opcode
from twinbar.hw.protocol.enumerations import Mode, Status
from twinbar.hw.protocol.layouts import RESPONSE
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import BY_NAME

_SESSION = 1
_LONGEST = 4096
_DELIMITER = bytes([cobs.DELIMITER])


class OneAnswer:
    """A controller that answers every command with the same beat."""

    busy = False

    def __init__(self, answer: int) -> None:
        self._answer = answer
        self._waiting: list[int] = []

    def reset(self) -> None:
        """Forget all commands."""
        self._waiting.clear()

    def accept(self, beat: int) -> bool:
        """Take a command beat."""
        self._waiting.append(self._answer)
        return True

    def step(self, now: float) -> list[int]:
        """Return the answers since the last call."""
        answers, self._waiting = self._waiting, []
        return answers


def uart_session(config: ControllerConfig, link: LinkConfig, front_end: int) -> list[tuple[str, str]]:
    """Return what a host sends and the frames of the board, without their ends: its hello, and the register IDENTITY.

    Parameters
    ----------
    config : ControllerConfig
    link : LinkConfig
    front_end : int
        See `twinbar.hw.link.front_end_number`.
    """
    identity = BY_NAME["IDENTITY"]
    answer = RESPONSE.pack(
        opcode=Opcode.READ_REGISTER.value,
        status=Status.OK.value,
        mode=Mode.SAFE.value,
        body=REGISTER_RESULT.pack(address=identity.address, value=identity.init),
    )
    board = BoardModel(config, link, OneAnswer(answer), front_end)
    beats = np.atleast_1d(pack(Opcode.READ_REGISTER, 0, address=identity.address))
    payload = encode(beats, Hello.of(config, link, front_end).widths)
    frames = (
        HostFrame(FrameKind.HELLO, _SESSION),
        HostFrame(FrameKind.DATA, _SESSION, seq=0, ack=1, payload=payload, push=True),
    )
    session = []
    for frame in frames:
        sent = frame.pack()
        board.receive(sent)
        board.advance(0.0)
        (answer,) = board.send(_LONGEST).strip(_DELIMITER).split(_DELIMITER)
        session.append((sent.hex(), answer.hex()))
    return session
