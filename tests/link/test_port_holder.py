"""A port that is locked: who holds it is said where the system tells, and nothing is made up where it does not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinbar.host.transport.line import SerialLine
from twinbar.host.transport.port_holder import holder_of
from twinbar.hw.errors import LinkError

pytestmark = pytest.mark.skipif(not Path("/proc/locks").is_file(), reason="the system has no /proc/locks")

HOLD = "import serial, sys; line = serial.serial_for_url(sys.argv[1], exclusive=True); print('held'); input()"


@pytest.fixture
def port() -> Iterator[str]:
    ends = os.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


def test_the_process_and_its_command_are_named(port: str, tmp_path: Path) -> None:
    by_id = tmp_path / "usb-adapter"
    by_id.symlink_to(port)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LinkError) as caught:
            SerialLine(str(by_id), 115_200)
        other.communicate("\n")
    said = f"the port {by_id} is in use by process {other.pid} ({sys.executable} -c import serial, sys;"
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("...); end it, or use another port")
    assert "\n" not in str(caught.value)


def test_a_port_that_this_process_holds_is_its_own(port: str) -> None:
    line = SerialLine(port, 115_200)
    with pytest.raises(LinkError, match=f"in use by process {os.getpid()}, which is this one; end it"):
        SerialLine(port, 115_200)
    line.close()


@pytest.mark.parametrize("locks", ["", "1: FLOCK  ADVISORY  WRITE 0 00:00:1 0 EOF\n", "\xff", "1: FLOCK x"])
def test_what_the_system_does_not_tell_is_not_said(port: str, locks: str, tmp_path: Path) -> None:
    (tmp_path / "locks").write_text(locks, encoding="latin-1")
    assert holder_of(port, tmp_path) is None
    assert holder_of("/nowhere/at/all") is None


def test_a_process_that_is_none_of_ours_has_no_number(port: str, tmp_path: Path) -> None:
    """Linux shows 0 for one outside of a container."""
    status = os.stat(port)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    (tmp_path / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 0 {place} 0 EOF\n", encoding="ascii")
    assert holder_of(port, tmp_path) is None
    (tmp_path / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 77 {place} 0 EOF\n", encoding="ascii")
    assert holder_of(port, tmp_path) == "process 77"


def test_a_process_that_has_it_open_is_named_where_locks_are_not_told(port: str, tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("", encoding="ascii")
    (tmp_path / "77" / "fd").mkdir(parents=True)
    (tmp_path / "77" / "fd" / "3").symlink_to(port)
    assert holder_of(port, tmp_path) == "process 77"
    (tmp_path / "77" / "cmdline").write_bytes(b"minicom\0-D\0" + port.encode() + b"\0")
    assert holder_of(port, tmp_path) == f"process 77 (minicom -D {port})"
