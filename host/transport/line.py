"""Lines: what carries bytes between host and board."""

import contextlib
import errno
import os
import select
import socket
import time
from typing import Protocol
from urllib.parse import urlsplit

import serial

from twinbar.hw.errors import LinkError, PortInUseError

from .port_errors import address_reason, device_reason
from .port_holder import holder_of

_LONGEST_WRITE_S = 5.0
_NAP_S = 0.005
"""Longest single wait for a byte: changing the timeout of an open port would reconfigure the port each time."""
_MOST_BYTES = 65536


class Line(Protocol):
    """Carries bytes both ways, and may damage them.

    One whose time goes on by itself also has ``write_aside``: it sends bytes that are no part of the conversation, from
    any thread, and leaves a port that is gone as it is.
    """

    name: str
    """For messages."""
    baud: float
    """Bits per second, ten per byte."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come; wait for the first one, but not longer than so many seconds."""

    def clock(self) -> float:
        """Return the time in seconds, from any origin."""

    def close(self) -> None:
        """Close the line."""


class SerialLine:
    """A serial port.

    Parameters
    ----------
    port : str
        Name of a device, or ``rfc2217://host:port``.
    baud : int

    Raises
    ------
    LinkError
        If the port cannot be opened; later, if it fails.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.name = port
        self.baud = float(baud)
        try:
            # Locked before its buffers are emptied: a second host must not take the bytes of the first one.
            self._port = serial.serial_for_url(
                port, baud, timeout=_NAP_S, write_timeout=_LONGEST_WRITE_S, exclusive=True
            )
        except (ValueError, OSError) as error:
            if getattr(error, "errno", None) == errno.EWOULDBLOCK:
                holder = holder_of(port) or "another program"
                raise PortInUseError(f"the port {port} is in use by {holder}; end it, or use another port") from error
            reason = device_reason(error)
            if os.path.islink(port) and not os.path.exists(port):
                gone = os.readlink(port)
                reason = f"it leads to {gone}, which is gone; start the virtual board again, or plug in the board"
            raise LinkError(f"the port {port} cannot be opened at {baud} baud: {reason}") from error
        # Adapters that can, give what they have after 1 ms instead of 16 ms.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            self._port.set_low_latency_mode(True)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write(data)
        except OSError as error:
            raise LinkError(f"{self.name} failed while sending; is the board still plugged in?") from error

    write_aside = write

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come; wait for the first one, but not longer than so many seconds."""
        end = self.clock() + timeout_s
        try:
            while not (data := self._port.read(self._port.in_waiting or 1)) and self.clock() < end:
                pass
        except OSError as error:
            raise LinkError(f"{self.name} failed while receiving; is the board still plugged in?") from error
        return bytes(data)

    def clock(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port."""
        self._port.close()


class SocketLine:
    """A TCP connection to a virtual board.

    Parameters
    ----------
    address : str
        ``socket://host:port``
    baud : int
        Rate of the line that the connection stands for.

    Raises
    ------
    LinkError
        If nothing listens there; later, if the connection breaks.
    """

    def __init__(self, address: str, baud: int) -> None:
        self.name = address
        self.baud = float(baud)
        try:
            parts = urlsplit(address)
            if not parts.hostname or not parts.port:
                raise LinkError(f"{address} is not the address of a virtual board; write socket://host:port")
            self._socket = socket.create_connection((parts.hostname, parts.port), timeout=_LONGEST_WRITE_S)
        except (ValueError, OSError) as error:
            raise LinkError(f"no virtual board listens at {address}: {address_reason(error)}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = False

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    write_aside = write

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come; wait for the first one, but not longer than so many seconds."""
        try:
            ready, _, _ = select.select([self._socket], [], [], max(timeout_s, 0.0))
            if not ready:
                return b""
            data = self._socket.recv(_MOST_BYTES)
        except OSError as error:
            raise self._broken(error) from error
        if not data:
            raise self._broken(None)
        self._heard = True
        return data

    def _broken(self, error: OSError | None) -> LinkError:
        """Say what it means that the connection is gone: nothing ever came where another host has the board."""
        if not self._heard:
            return PortInUseError(
                f"{self.name} closed the connection before it said anything: another host is connected to it, or the "
                "virtual board ends; end that host, or use another board"
            )
        if error is not None:
            return LinkError(f"the connection to {self.name} broke; is the virtual board still running?")
        return LinkError(f"{self.name} closed the connection; is the virtual board still running?")

    def clock(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
