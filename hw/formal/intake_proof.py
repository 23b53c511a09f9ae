"""Commands come from frames that were found intact, of the session that is open, and from no others."""

from typing import Any, Final

from amaranth.hdl import Cover, Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect

from twinbar.hw.gateware.link.frame_receiver import FrameReceiver
from twinbar.hw.gateware.link.link_session import LinkSession
from twinbar.hw.gateware.link.unpacker import Unpacker, UnpackerState
from twinbar.hw.link.crc import CRC_BYTES
from twinbar.hw.link.frames import FrameKind
from twinbar.hw.link.widths import Widths

from .frame_proof import DEPTH, spaced
from .gate import always
from .symbols import any_number

_HEAD_BYTES: Final = 3
WIDTHS: Final = Widths(tiles=2, rows=4, columns=4, adc_bits=3, sum_bits=10)


class IntakeProof(wiring.Component):
    """Any bytes from the line, and a controller that takes commands whenever it likes.

    Of the ring one byte is followed, which may be any; the others give anything when they are read.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "broken": In(1),
                "next_seq": In(8),
                "ready": In(1),
                "other": In(8),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver(DEPTH)
        m.submodules.session = session = LinkSession()
        m.submodules.unpacker = unpacker = ResetInserter(session.reset)(Unpacker(WIDTHS, DEPTH))
        connect(m, receiver.frame, session.frame)
        m.d.comb += [
            *(getattr(receiver, name).eq(getattr(self, name)) for name in ("data", "valid", "broken")),
            receiver.keep.eq(session.keep),
            receiver.forget.eq(session.reset),
            receiver.taken.eq(unpacker.address),
            session.next_seq.eq(self.next_seq),
            unpacker.end.eq(receiver.end),
            unpacker.o.ready.eq(self.ready),
        ]
        since = spaced(m, self.valid)
        self._keep(m, receiver, session)
        self._follow_a_byte(m, receiver, session, unpacker)
        self._make_commands(m, session, unpacker)
        ended = receiver.frame.intact | receiver.frame.damaged
        always(m, ~ended | (since == 1), "")
        return m

    def _keep(self, m: Module, receiver: FrameReceiver, session: LinkSession) -> None:
        """State which frames are kept, by an account of the session of its own."""
        frame, opened, number, expected = receiver.frame, Signal(), Signal(4), Signal(8)
        hello = frame.intact & (frame.kind == FrameKind.HELLO)
        right = (
            frame.intact & opened & (frame.session == number) & (frame.kind == FrameKind.DATA) & (frame.seq == expected)
        )
        with m.If(right):
            m.d.sync += expected.eq(expected + 1)
        with m.If(session.reset):
            m.d.sync += [opened.eq(1), number.eq(frame.session), expected.eq(0)]
        always(
            m, session.keep == right, "only the next frame with commands of the open session is kept, and it always is"
        )
        always(m, ~session.reset | hello, "only an intact HELLO starts a session")
        always(m, (session.session.opened == opened) & (session.session.awaited == expected), "")
        always(m, ~opened | (session.session.session == number), "")

    def _follow_a_byte(self, m: Module, receiver: FrameReceiver, session: LinkSession, unpacker: Any) -> None:
        """State that a byte is taken as its frame has brought it, and only if that was kept."""
        place = any_number(m, range(DEPTH), "place")
        bits = len(receiver.address)
        held, kept, was_read = Signal(8), Signal(8), Signal()
        writes = receiver.write & (receiver.address == place)
        with m.If(writes):
            m.d.sync += held.eq(receiver.stored)
        read = Signal(8)
        m.d.sync += [was_read.eq(unpacker.address == place), read.eq(held)]
        m.d.comb += unpacker.stored.eq(Mux(was_read, read, self.other))

        used, ahead, behind = Signal(bits), Signal(bits), Signal(bits)
        m.d.comb += [
            used.eq(receiver.end - unpacker.address),
            ahead.eq(receiver.address - receiver.end),
            behind.eq(place - unpacker.address),
        ]
        stored = behind < used
        gained = Signal(bits)
        m.d.comb += gained.eq(place - receiver.end)
        with m.If(session.keep & (gained + CRC_BYTES < ahead)):
            m.d.sync += kept.eq(held)
        takes = unpacker.take & (unpacker.address == place)
        always(m, ~takes | stored & (unpacker.stored == kept), "bytes are taken as a kept frame has brought them")
        always(m, ~(writes & stored), "no byte is overwritten before it is taken")
        always(m, ~session.keep | (ahead >= CRC_BYTES), "the check is not taken for commands")
        frame = receiver.frame
        always(m, used + ahead < DEPTH, "")
        always(m, ~stored | (held == kept), "")
        always(m, ~unpacker.fetched | (used != 0), "")
        always(m, ~(unpacker.fetched & was_read & (unpacker.address == place)) | (read == held), "")
        always(m, ~unpacker.fetched | (was_read == (unpacker.address == place)), "")
        ended = frame.intact | frame.damaged
        at_least = receiver.place - _HEAD_BYTES
        always(m, ended | receiver.bad | (receiver.place <= _HEAD_BYTES) | (ahead >= at_least), "")
        always(m, ended | (receiver.place > _HEAD_BYTES) | (ahead == 0), "")
        always(m, ~ended | (receiver.place == 0), "")
        always(m, receiver.begun | ended | (ahead == 0) & (receiver.place == 0), "")
        always(m, ~frame.intact | (ahead >= CRC_BYTES), "")

    def _make_commands(self, m: Module, session: LinkSession, unpacker: Any) -> None:
        """State that no command comes without a byte of its own."""
        fed, beats = Signal(), unpacker.o
        with m.If(beats.valid & beats.ready):
            m.d.sync += fed.eq(0)
        with m.If(unpacker.take):
            m.d.sync += fed.eq(1)
        with m.If(session.reset):
            m.d.sync += fed.eq(0)
        state = unpacker.state
        always(m, ~beats.valid | fed, "each command has taken a byte since the one before it")
        always(
            m,
            ~(unpacker.malformed & (beats.valid | unpacker.take)),
            "behind bytes that are no commands nothing is taken",
        )
        before, was_reset = Signal(UnpackerState), Signal(init=1)
        m.d.sync += [before.eq(state), was_reset.eq(session.reset)]
        always(
            m,
            was_reset | (before != UnpackerState.MALFORMED) | (state == UnpackerState.MALFORMED),
            "a new session alone ends that",
        )
        working = (state == UnpackerState.ADVANCE) | (state == UnpackerState.WRAP)
        always(m, ~working | fed, "")
        # A command takes two frames with their checks: more than the solver finds in an hour.
        m.d.comb += Cover(session.reset)
