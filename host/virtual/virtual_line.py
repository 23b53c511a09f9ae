"""A line to a virtual board in this process."""

from twinbar.emulator.virtual.compiled_board import CompiledBoard


class VirtualLine:
    """A line to a virtual board in this process; time passes only while the host reads.

    Parameters
    ----------
    board : CompiledBoard
    """

    name = "a virtual board"

    def __init__(self, board: CompiledBoard) -> None:
        self.board = board
        self.baud = float(board.core.link.baud)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.board.send(data)

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come (see `twinbar.host.transport.line.Line`)."""
        end = self.board.cycle + round(timeout_s * self.board.core.link.clock_hz)
        while (left := end - self.board.cycle) > 0:
            self.board.run(left)
            if data := self.board.receive():
                return data
        return b""

    def clock(self) -> float:
        """Return the board's time in seconds."""
        return self.board.cycle / self.board.core.link.clock_hz

    def close(self) -> None:
        """Do nothing: the board stays as it is."""
