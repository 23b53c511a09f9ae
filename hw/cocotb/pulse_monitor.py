"""What the pins of a tile did to its cells."""

from typing import Any, NamedTuple


class SeenPulse(NamedTuple):
    """A pulse as the pins showed it.

    Parameters
    ----------
    opened, width : int
        First cycle, and how many there were.
    row, column, record, codes, compliance_code : int
    """

    opened: int
    width: int
    row: int
    column: int
    record: int
    codes: int
    compliance_code: int


class PulseMonitor:
    """Notes the pulses of a tile with a direct front end.

    Parameters
    ----------
    tile : int

    Attributes
    ----------
    pulses : list of SeenPulse
        Those that have ended.
    """

    def __init__(self, tile: int) -> None:
        self._prefix = f"tiles__{tile}__"
        self.pulses: list[SeenPulse] = []
        self._open: SeenPulse | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        if not pins[self._prefix + "write_gate"]:
            if self._open is not None:
                self.pulses.append(self._open)
                self._open = None
            return
        if self._open is None:
            names = ("row", "column", "record", "codes", "compliance_code")
            self._open = SeenPulse(cycle, 0, *(pins[self._prefix + name] for name in names))
        self._open = self._open._replace(width=self._open.width + 1)


class BeatMonitor:
    """Notes the beats that a stream hands over.

    Parameters
    ----------
    valid, ready, payload : str
        Names of ports.

    Attributes
    ----------
    beats : list of tuple of int
        Cycle in which each was presented, cycle in which it was taken, and the beat.
    """

    def __init__(self, valid: str, ready: str, payload: str) -> None:
        self._names = valid, ready, payload
        self.beats: list[tuple[int, int, int]] = []
        self._presented: int | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        valid, ready, payload = self._names
        if not pins[valid]:
            self._presented = None
            return
        if self._presented is None:
            self._presented = cycle
        if pins[ready]:
            self.beats.append((self._presented, cycle, pins[payload]))
            self._presented = None
