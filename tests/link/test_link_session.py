"""What each frame of the host does to the board's session: taken from the frame's head alone."""

from collections.abc import Callable
from typing import Any

from amaranth.sim import Simulator

from twinbar.hw.gateware.link.link_session import LinkSession
from twinbar.hw.link.frames import WINDOW, FrameKind

SESSION = 6


class SessionBench:
    """A session in Amaranth's simulator, and frames to it."""

    def __init__(self, context: Any, unit: LinkSession) -> None:
        self._context, self.unit = context, unit

    async def frame(self, kind: int, *, session: int = SESSION, seq: int = 0, ack: int = 0, **more: int) -> list[str]:
        """Let a frame end; gives what the session says in that cycle."""
        context, unit = self._context, self.unit
        shown = {"intact": 1, "kind": kind, "session": session, "seq": seq, "ack": ack, "resend": 0, **more}
        for name, value in shown.items():
            context.set(getattr(unit.frame, name), value)
        said = {
            **{name: getattr(unit, name) for name in ("keep", "reset", "again", "alive")},
            **{name: getattr(unit.session, name) for name in ("heard", "alarmed")},
        }
        found = [name for name, signal in said.items() if context.get(signal)]
        await context.tick()
        for name in ("intact", "damaged"):
            context.set(getattr(unit.frame, name), 0)
        return found

    def get(self, name: str) -> int:
        return int(self._context.get(getattr(self.unit, name)))

    def has_sent(self, seq: int) -> None:
        self._context.set(self.unit.next_seq, seq)


def run(bench: Callable[[SessionBench], Any]) -> None:
    unit = LinkSession()

    async def start(context: Any) -> None:
        await bench(SessionBench(context, unit))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(start)
    simulator.run()


def test_frames_are_kept_in_their_order_and_once() -> None:
    async def bench(session: SessionBench) -> None:
        assert await session.frame(FrameKind.DATA) == []
        assert await session.frame(FrameKind.HELLO) == ["reset"]
        assert await session.frame(FrameKind.DATA, seq=0) == ["keep", "alive", "heard"]
        # Again, because its acknowledgement was lost; then one is missing.
        assert await session.frame(FrameKind.DATA, seq=0) == ["alive", "heard"]
        assert await session.frame(FrameKind.DATA, seq=2) == ["alive", "heard", "alarmed"]
        # That is told once, until the missing one has come.
        assert await session.frame(FrameKind.DATA, seq=3) == ["alive", "heard"]
        assert await session.frame(FrameKind.DATA, seq=1) == ["keep", "alive", "heard"]
        assert await session.frame(FrameKind.DATA, seq=3) == ["alive", "heard", "alarmed"]

    run(bench)


def test_a_late_hello_of_the_session_starts_it_again_only_before_its_first_command() -> None:
    async def bench(session: SessionBench) -> None:
        assert await session.frame(FrameKind.HELLO) == ["reset"]
        assert await session.frame(FrameKind.HELLO) == ["reset", "alive"]
        await session.frame(FrameKind.DATA)
        assert await session.frame(FrameKind.HELLO) == ["alive"]
        assert await session.frame(FrameKind.HELLO, session=SESSION + 1) == ["reset"]

    run(bench)


def test_acknowledgements_are_of_frames_that_were_sent_and_of_this_session() -> None:
    async def bench(session: SessionBench) -> None:
        await session.frame(FrameKind.HELLO)
        session.has_sent(10)
        await session.frame(FrameKind.ACK, ack=7)
        assert session.get("acknowledged") == 7
        # Neither what was never sent, nor less than before; nor what another session, or nobody, says.
        known = FrameKind.ACK
        for kind, number, ack in ((known, SESSION, 11), (known, SESSION, 6), (known, SESSION + 1, 9), (0, SESSION, 9)):
            heard = ["alive"] if (kind, number) == (FrameKind.ACK, SESSION) else []
            assert await session.frame(kind, session=number, ack=ack) == heard
            assert session.get("acknowledged") == 7
        await session.frame(FrameKind.ACK, ack=10)
        assert session.get("acknowledged") == 10

    run(bench)


def test_no_more_frames_are_begun_than_the_window_holds() -> None:
    async def bench(session: SessionBench) -> None:
        await session.frame(FrameKind.HELLO)
        session.has_sent(WINDOW - 1)
        assert not session.get("window_full")
        session.has_sent(WINDOW)
        assert session.get("window_full")
        await session.frame(FrameKind.ACK, ack=1)
        assert not session.get("window_full")

    run(bench)


def test_the_host_asks_for_what_it_lacks() -> None:
    async def bench(session: SessionBench) -> None:
        assert await session.frame(FrameKind.HELLO, resend=1) == ["reset"]
        assert await session.frame(FrameKind.ACK, resend=1) == ["again", "alive"]
        assert await session.frame(FrameKind.DATA, resend=1) == ["keep", "again", "alive", "heard"]
        assert await session.frame(FrameKind.ACK, session=SESSION + 1, resend=1) == []

    run(bench)
