"""Opens the line that a port names."""

from pathlib import Path

from twinbar.hw.errors import ConfigError

from .line import Line, SerialLine, SocketLine
from .recording import ReplayLine

_SCHEMES = ("socket", "rfc2217")
REPLAY = "replay:"
"""Before the file of a recording, where a port is asked for."""


def open_line(port: str, baud: int) -> Line:
    """Open a serial port, the connection to a virtual board (``socket://host:port``), or a recording (``replay:FILE``).

    A serial port is a device, or ``rfc2217://host:port``.

    Raises
    ------
    ConfigError
        If the baud rate is none, the recording cannot be read, or the port begins with another scheme.
    LinkError
        If the port cannot be opened.
    """
    if baud <= 0:
        raise ConfigError(f"the baud rate is {baud}; give the one that the board was built for, such as 2000000")
    if port.startswith(REPLAY):
        return ReplayLine(Path(port.removeprefix(REPLAY)))
    scheme, separator, _ = port.partition("://")
    if separator and scheme not in _SCHEMES:
        # pyserial knows more of them, of which spy:// writes files; a port may come from somebody else's run folder.
        known = ", ".join(f"{each}://" for each in _SCHEMES)
        raise ConfigError(
            f"the port {port} begins with {scheme}://, which is none of {known}; give the name of a device, one of "
            "these, or replay:FILE"
        )
    return SocketLine(port, baud) if scheme == "socket" and separator else SerialLine(port, baud)
