"""Ports that boards in software can be reached at: a pseudo-terminal, or a TCP port."""

import contextlib
import os
import select
import socket
import time
from pathlib import Path
from typing import Protocol

from twinbar.hw.errors import ConfigError, LinkError

from .port_errors import link_reason, tcp_port_reason

_MOST_BYTES = 65536
_NO_CLIENT_S = 0.02
"""Between two looks at a pseudo-terminal that nobody has open: nothing says when somebody does."""


class Endpoint(Protocol):
    """The board's end of a line. One client at a time; clients come and go."""

    name: str
    """What a host gives as its port."""

    @property
    def connected(self) -> bool:
        """Somebody is at the other end, as far as is known."""

    def receive(self) -> bytes:
        """Return the bytes that have come, without waiting."""

    def send(self, data: bytes) -> int:
        """Return bytes to the client, without waiting; says how many it took. Without a client all are lost."""

    def wait(self, seconds: float) -> None:
        """Wait until something comes, but not longer."""

    def close(self) -> None:
        """Close the port."""


class PtyEndpoint:
    """A pseudo-terminal: a serial port that is none.

    Parameters
    ----------
    link : Path, optional
        A symbolic link to it, so that its name is known beforehand. One that leads nowhere, as a board that was killed
        leaves it, is replaced.

    Raises
    ------
    ConfigError
        If this system has no pseudo-terminals, or the link cannot be made.
    """

    def __init__(self, link: Path | None = None) -> None:
        try:
            import tty

            self._master, slave = os.openpty()
        except (ImportError, AttributeError, OSError) as error:
            raise ConfigError("this system gives no pseudo-terminal; give --tcp PORT instead") from error
        self._make_raw = tty.setraw
        path = self._path = os.ttyname(slave)
        self._make_raw(slave)
        # While nobody has it open, the master says so; the board must not count as somebody.
        os.close(slave)
        os.set_blocking(self._master, False)
        self._link = link
        if link is not None:
            try:
                _replace_link(link, path)
            except BaseException:
                os.close(self._master)
                raise
        self.name = path if link is None else str(link)
        self.connected = False

    def receive(self) -> bytes:
        """Return the bytes that have come, without waiting."""
        try:
            data = os.read(self._master, _MOST_BYTES)
        except BlockingIOError:
            self.connected = True
            return b""
        except OSError:  # EIO: nobody has it open
            self.connected = False
            with contextlib.suppress(OSError):
                # The last one to close it took its settings along; the next one must find no echo.
                self._make_raw(self._master)
            return b""
        self.connected = True
        return data

    def send(self, data: bytes) -> int:
        """Return bytes to the client, without waiting; says how many it took. Without a client all are lost."""
        if not self.connected:
            return len(data)
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError:
            self.connected = False
            return len(data)

    def wait(self, seconds: float) -> None:
        """Wait until something comes, but not longer."""
        if self.connected:
            select.select([self._master], [], [], seconds)
        else:
            time.sleep(min(seconds, _NO_CLIENT_S))

    def close(self) -> None:
        """Close the port."""
        os.close(self._master)
        if self._link is not None:
            with contextlib.suppress(OSError):
                if os.readlink(self._link) == self._path:
                    self._link.unlink()


def _replace_link(link: Path, target: str) -> None:
    try:
        if link.is_symlink():
            led_to = os.readlink(link)
            # A terminal of the same number as that of a board that was killed may be somebody else's by now.
            if led_to != target and link.exists():
                raise ConfigError(
                    f"the link {link} leads to {led_to}, which may be another virtual board; end that one, remove the "
                    "link, or choose a free name"
                )
            link.unlink()
        link.symlink_to(target)
    except OSError as error:
        raise ConfigError(
            f"the link {link} cannot be made ({link_reason(error)}); choose a free name in a folder that may be written"
        ) from None


class TcpEndpoint:
    """A TCP port of this machine; nothing outside it can connect.

    Parameters
    ----------
    port : int
        0: any that is free.

    Raises
    ------
    LinkError
        If the port cannot be had.
    """

    def __init__(self, port: int) -> None:
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LinkError(
                f"TCP port {port} cannot be had ({tcp_port_reason(error)}); choose another one, or 0 for any"
            ) from None
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
        self.name = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def connected(self) -> bool:
        """Somebody is at the other end, as far as is known."""
        return self._client is not None

    def receive(self) -> bytes:
        """Return the bytes that have come, without waiting."""
        data = self._read()
        # One who has gone makes room for the next, who may be there already.
        self._admit()
        return data or self._read()

    def send(self, data: bytes) -> int:
        """Return bytes to the client, without waiting; says how many it took. Without a client all are lost."""
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop()
            return len(data)

    def wait(self, seconds: float) -> None:
        """Wait until something comes, but not longer."""
        select.select([self._listener, *([self._client] if self._client else [])], [], [], seconds)

    def close(self) -> None:
        """Close the port."""
        self._drop()
        self._listener.close()

    def _read(self) -> bytes:
        if self._client is None:
            return b""
        try:
            data = self._client.recv(_MOST_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def _admit(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        if self._client is not None:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
