"""Records the traffic of a line, and plays it back: a session with a real board becomes a fixture that runs anywhere.

A recording is a text file of JSON lines: a head, then what the host did and got, in order: ``["write", hex]``,
``["read", hex]`` and ``["clock", seconds]``. Since the host's side depends on nothing else, it does the same again.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.link.frames import Deframer, HostFrame

from .line import Line

_FORMAT = "twinbar line recording 1"


def free_path(path: Path) -> Path:
    """Return a path, or where a file is there already, one with the next free number: ``line-2.jsonl``."""
    numbers = itertools.count(2)
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}-{next(numbers)}{path.suffix}")
    return free


class RecordingLine:
    """A line that notes what goes over another one.

    Parameters
    ----------
    line : Line
    path : Path
        File to write; replaced if it exists.

    Raises
    ------
    ConfigError
        If the file cannot be written; later, if it cannot be continued.
    """

    def __init__(self, line: Line, path: Path) -> None:
        self._line = line
        self.name = line.name
        self.baud = line.baud
        self._path = path
        try:
            self._file = path.open("w", encoding="ascii")
        except OSError as error:
            raise self._unwritable(error) from None
        self._note({"format": _FORMAT, "name": line.name, "baud": line.baud})

    def _note(self, event: Any) -> None:
        try:
            self._file.write(json.dumps(event) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"the recording {self._path} cannot be written ({error.strerror or error}); choose another file"
        )

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._note(["write", data.hex()])
        self._line.write(data)

    @property
    def write_aside(self) -> Callable[[bytes], None]:
        """What sends bytes that are no part of the conversation, and of no recording; see `Line`."""
        aside: Callable[[bytes], None] = self._line.write_aside  # type: ignore[attr-defined]
        return aside

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come (see `Line`)."""
        data = self._line.read(timeout_s)
        self._note(["read", data.hex()])
        return data

    def clock(self) -> float:
        """Return the time in seconds."""
        now = self._line.clock()
        self._note(["clock", now])
        return now

    def close(self) -> None:
        """End the recording, and give the line back."""
        self._file.close()
        self._line.close()

    def __enter__(self) -> "RecordingLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ReplayLine:
    """A line that answers as recorded, as long as the host does as recorded.

    Parameters
    ----------
    path : Path
        What `RecordingLine` wrote.

    Raises
    ------
    ConfigError
        If the file cannot be read, or is no recording.
    LinkError
        Later, if the host does something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="ascii")
        except OSError as error:
            raise ConfigError(
                f"the recording {path} cannot be read ({error.strerror or error}); give a file of --record-line"
            ) from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not a recording of a line") from None
        try:
            head, *events = [json.loads(line) for line in text.splitlines()]
            if head["format"] != _FORMAT:
                raise ValueError
            self.name, self.baud = f"the recording {path.name}", float(head["baud"])
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{path} is not a recording of a line") from error
        self._events = events
        self._next = 0

    @property
    def first_session(self) -> int:
        """Number from which `Link` counts its sessions, so that it starts as the recorded one did."""
        sent = b"".join(bytes.fromhex(value) for what, value in self._events if what == "write")
        frames = (HostFrame.unpack(contents) for contents in Deframer().feed(sent))
        return next((frame.session - 1 & 15 for frame in frames if frame), 0)

    @property
    def finished(self) -> bool:
        """Whether everything recorded has been played."""
        return self._next == len(self._events)

    def _play(self, what: str) -> Any:
        if self.finished or self._events[self._next][0] != what:
            found = "ends" if self.finished else f"goes on with a {self._events[self._next][0]}"
            raise LinkError(
                f"{self.name} {found} where the host asks for a {what}: it is of another program or version"
            )
        self._next += 1
        return self._events[self._next - 1][1]

    def write(self, data: bytes) -> None:
        """Compare bytes with those that were sent."""
        if self._play("write") != data.hex():
            raise LinkError(f"the host sends other bytes than in {self.name}: it is of another program or version")

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that came."""
        return bytes.fromhex(self._play("read"))

    def clock(self) -> float:
        """Return the recorded time."""
        return float(self._play("clock"))

    def close(self) -> None:
        """Do nothing."""
