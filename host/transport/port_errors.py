"""What an error of the system means where a port is opened: why, and what would be right."""

import errno
import re
import socket
from typing import Final

_NUMBER: Final = re.compile(r"\[Errno (-?\d+)\] ?|\((\d+), '[^']*'\)")
"""As errors of the operating system and of termios have it in their text."""

_OF_DEVICE: Final = {
    errno.ENOENT: "there is no such device; plug in the board, or give the name of its port",
    errno.ENODEV: "the device is gone; plug in the board again",
    errno.ENXIO: "the device is gone; plug in the board again",
    errno.EACCES: "you may not open it; join the group that it belongs to (ls -l shows it), and log in again",
    errno.EPERM: "you may not open it; join the group that it belongs to (ls -l shows it), and log in again",
    errno.EISDIR: "it is a folder; give the name of a serial port",
    errno.ENOTTY: "it is no serial port; give the name of one",
    errno.EIO: "it does not answer the system; plug in the board again, or give another port",
}
_OF_ADDRESS: Final = {
    errno.ECONNREFUSED: "nothing takes the connection; start the board (twinbar board virtual --tcp PORT), or correct "
    "the port",
    errno.ENETUNREACH: "no network leads there; correct the host, or connect this machine",
    errno.EHOSTUNREACH: "no network leads there; correct the host, or connect this machine",
    errno.ETIMEDOUT: "it does not answer; check that it runs, host and port",
}
_UNKNOWN_HOST: Final = "the name of the host is not known; correct it"
_OF_SERVER: Final = _OF_ADDRESS | {
    errno.ECONNREFUSED: "no server of serial ports takes the connection; start it, or correct the port",
    **dict.fromkeys((socket.EAI_NONAME, socket.EAI_AGAIN), _UNKNOWN_HOST),
}
"""Of ``rfc2217://host:port``."""
_OF_TCP_PORT: Final = {
    errno.EADDRINUSE: "another program has it",
    errno.EACCES: "it is reserved for the administrator",
}
_OF_LINK: Final = {
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "its folder is a file",
    errno.EEXIST: "there is a file of this name",
    errno.EACCES: "its folder may not be written",
    errno.EROFS: "its folder may not be written",
}


def device_reason(error: Exception) -> str:
    """Say why a serial port cannot be opened, and what would be right."""
    return _reason(error, _OF_SERVER if "rfc2217://" in str(error) else _OF_DEVICE)


def address_reason(error: Exception) -> str:
    """Say why nothing can be reached at a host and port, and what would be right."""
    if isinstance(error, socket.gaierror):
        return _UNKNOWN_HOST
    if isinstance(error, TimeoutError):
        return _OF_ADDRESS[errno.ETIMEDOUT]
    if isinstance(error, ValueError | OverflowError):
        return "a port is a number from 1 to 65535"
    return _reason(error, _OF_ADDRESS)


def tcp_port_reason(error: Exception) -> str:
    """Say why a TCP port cannot be had."""
    if isinstance(error, OverflowError):
        return "ports are numbers from 0 to 65535"
    return _reason(error, _OF_TCP_PORT)


def link_reason(error: OSError) -> str:
    """Say why a symbolic link cannot be made."""
    return _reason(error, _OF_LINK)


def _reason(error: Exception, known: dict[int, str]) -> str:
    number = getattr(error, "errno", None)
    if number is None:
        # pySerial wraps the text of an error without its number.
        found = _NUMBER.search(str(error))
        number = int(found[1] or found[2]) if found is not None else None
    if number in known:
        return known[number]
    plain = getattr(error, "strerror", None) or _NUMBER.sub("", str(error))
    return _NUMBER.sub("", plain).strip() or type(error).__name__
