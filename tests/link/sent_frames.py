"""What is seen of frames on a simulated line: how many are unacknowledged, and copies that come late."""

from simulated_line import Damage, SimulatedLine

from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.frames import SEQUENCE, BoardFrame, Deframer, FrameKind, HostFrame


class FrameByFrame:
    """What happens to the frames of one direction (`simulated_line.Damage`); as it stands, nothing."""

    def __init__(self) -> None:
        self._unended = b""
        self.frames = 0

    def pass_on(self, data: bytes) -> bytes:
        *ended, self._unended = (self._unended + data).split(b"\0")
        return b"".join(arriving for frame in ended for arriving in self.arriving(frame + b"\0"))

    def arriving(self, frame: bytes) -> list[bytes]:
        """Return what arrives of a frame, delimiter included."""
        self.frames += 1
        return [frame]


class LateHello(FrameByFrame):
    """Repeats the HELLO of the session behind every later frame of the host; ``frames`` are those with commands."""

    _hello = b""

    def arriving(self, frame: bytes) -> list[bytes]:
        for contents in Deframer().feed(frame):
            found = HostFrame.unpack(contents)
            if found and found.kind is FrameKind.HELLO:
                self._hello = frame
                return [frame]
            self.frames += bool(found and found.kind is FrameKind.DATA)
        return [frame, self._hello]


class CountingLine(SimulatedLine):
    """A line that counts the frames of the host that the board has not acknowledged, as far as the host can know.

    Attributes
    ----------
    frames, most : int
        Frames of commands sent, and the most that were unacknowledged at a time; each must be sent once.
    """

    def __init__(
        self,
        board: BoardModel,
        baud: float,
        latency_s: float,
        to_board: Damage | None = None,
    ) -> None:
        super().__init__(board, baud, latency_s, to_board)
        self.frames = self.most = self._acknowledged = 0
        self._there, self._back = Deframer(), Deframer()

    def write(self, data: bytes) -> None:
        for contents in self._there.feed(data):
            frame = HostFrame.unpack(contents)
            self.frames += bool(frame and frame.kind is FrameKind.DATA)
        self.most = max(self.most, self.frames - self._acknowledged)
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        for contents in self._back.feed(data):
            if frame := BoardFrame.unpack(contents):
                self._acknowledged += (frame.ack - self._acknowledged) % SEQUENCE
        return data
