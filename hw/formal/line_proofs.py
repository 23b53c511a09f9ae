"""Proofs of the serial link: the UART and the decoder of frames."""

from typing import Final

from .frame_proof import FrameProof
from .intake_proof import IntakeProof
from .mutant import Mutant
from .proof import Proof
from .uart_proof import LAST_CYCLE, ReceiverProof, TransmitterProof

_UART, _FRAMES = "gateware.link.uart", "gateware.link.frame_receiver"
_SESSION, _UNPACKER = "gateware.link.link_session", "gateware.link.unpacker"

OF_LINES: Final = (
    Proof(
        "transmitter",
        "Start bit, data and stop bit are on the line for their time each; bytes follow one another without a pause.",
        TransmitterProof,
        100,
        unbounded=False,
        covers=("a byte follows another one at once",),
        within=60,
        mutants=(
            Mutant(
                "a start bit is a cycle short",
                _UART,
                "left.eq(DATA_BITS + 1), timer.eq(self.divisor - 1), full.eq(0)]",
                "left.eq(DATA_BITS + 1), timer.eq(self.divisor - 2), full.eq(0)]",
            ),
        ),
    ),
    Proof(
        "receiver",
        "Any byte of a sender whose bits are 2 % shorter or longer is received, once and right; one without a stop bit "
        "is not.",
        ReceiverProof,
        LAST_CYCLE + 4,
        unbounded=False,
        covers=("a byte of the fastest sender", "a byte of the slowest sender"),
        within=LAST_CYCLE + 4,
        mutants=(
            Mutant(
                "bits are sampled at their edge",
                _UART,
                "started.eq(0), timer.eq(self.divisor // 2 - 1)]",
                "started.eq(0), timer.eq(0)]",
            ),
            Mutant(
                "a byte without a stop bit is received",
                _UART,
                "self.valid.eq(rx), self.broken.eq(~rx)",
                "self.valid.eq(1), self.broken.eq(~rx)",
            ),
        ),
    ),
    Proof(
        "decoder of frames",
        "Behind any delimiter the decoder is idle, whatever state it was in; a frame is intact if and only if its "
        "stuffing, length and check are right, by a second decoder; of any other one nothing is kept.",
        FrameProof,
        2,
        covers=("a frame is damaged", "a delimiter ends nothing"),
        within=6,
        mutants=(
            Mutant(
                "a frame without a right check is intact",
                _FRAMES,
                "(place == _SHORTEST) & ~bad & crc.residue",
                "(place == _SHORTEST) & ~bad",
            ),
            Mutant(
                "what was bad stays bad behind the delimiter",
                _FRAMES,
                "begun.eq(0), bad.eq(0), place.eq(_HEAD)]",
                "begun.eq(0), place.eq(_HEAD)]",
            ),
            Mutant(
                "a damaged frame is kept, too",
                _FRAMES,
                "with m.If(frame.intact & self.keep):",
                "with m.If((frame.intact | frame.damaged) & self.keep):",
            ),
        ),
    ),
    Proof(
        "intake of commands",
        "Commands are made of the bytes of frames that were intact, of the open session and next in order; each takes "
        "a byte at least, as it came; behind bytes that are no commands none is made until a new session starts.",
        IntakeProof,
        2,
        covers=("a session starts",),
        within=76,
        mutants=(
            Mutant(
                "a frame of another session is kept",
                _SESSION,
                "& (frame.session == session.session) & frame.kind.any()),",
                "& frame.kind.any()),",
            ),
            Mutant(
                "a frame that was taken is taken once more",
                _SESSION,
                "expected.eq(of_session & (frame.kind == FrameKind.DATA) & (ahead == 0)),",
                "expected.eq(of_session & (frame.kind == FrameKind.DATA) & ((ahead == 0) | (ahead == 255))),",
            ),
            Mutant(
                "the last byte of the check is taken for a command",
                _FRAMES,
                "m.d.sync += [self.end.eq(self.address - CRC_BYTES), self.address.eq(self.address - CRC_BYTES)]",
                "m.d.sync += [self.end.eq(self.address), self.address.eq(self.address)]",
            ),
            Mutant(
                "a full ring is written over",
                _FRAMES,
                "m.d.sync += [bad.eq(1), self.address.eq(self.address)]",
                "m.d.sync += bad.eq(1)",
            ),
            Mutant(
                "a byte is taken before it is there to be read",
                _UNPACKER,
                "fetched.eq((self.address != self.end) & ~take)",
                "fetched.eq(self.address != self.end)",
            ),
        ),
    ),
)
