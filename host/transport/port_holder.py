"""Who holds a serial port, where the system tells (Linux: /proc)."""

import os
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")
_LONGEST: Final = 100
"""Characters of a command that are quoted."""


def holder_of(port: str, processes: Path = _PROCESSES) -> str | None:
    """Name the process that has locked a port, or else one that has it open.

    Parameters
    ----------
    port : str
        Name of a device.
    processes : Path
        What the system tells of processes.

    Returns
    -------
    str or None
        Its number and its command; None if that cannot be found out, as where it belongs to another user.
    """
    try:
        status = os.stat(port)
        places = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        rows = [row.split() for row in (processes / "locks").read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return None
    # 1: FLOCK  ADVISORY  WRITE 1234 00:19:5 0 EOF
    locked = [int(row[4]) for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[5] == places]
    number = next((each for each in locked if each > 0), None) or _opener(os.path.realpath(port), processes)
    if number is None:
        return None
    if number == os.getpid():
        return f"process {number}, which is this one"
    command = _command(processes / str(number))
    return f"process {number} ({command})" if command else f"process {number}"


def _opener(device: str, processes: Path) -> int | None:
    for process in processes.glob("[0-9]*"):
        try:
            if any(os.path.realpath(each) == device for each in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # of another user, or it has ended
    return None


def _command(process: Path) -> str:
    try:
        said = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
