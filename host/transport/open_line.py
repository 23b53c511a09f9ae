"""Opens the line that a port names."""

from pathlib import Path

from twinbar.hw.errors import ConfigError

from .line import Line, SerialLine, SocketLine
from .recording import ReplayLine

REPLAY = "replay:"
"""Before the file of a recording, where a port is asked for."""


def open_line(port: str, baud: int) -> Line:
    """Open a serial port, the connection to a virtual board (``socket://host:port``), or a recording (``replay:FILE``).

    Raises
    ------
    ConfigError
        If the baud rate is none, or the recording cannot be read.
    LinkError
        If the port cannot be opened.
    """
    if baud <= 0:
        raise ConfigError(f"the baud rate is {baud}; give the one that the board was built for, such as 2000000")
    if port.startswith(REPLAY):
        return ReplayLine(Path(port.removeprefix(REPLAY)))
    return SocketLine(port, baud) if port.startswith("socket://") else SerialLine(port, baud)
