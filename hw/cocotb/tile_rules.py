"""Rules on the pins of a tile: docs/controller.md, "Operations on the array", "Halts" and "Front end"."""

from typing import Any

from .watched_rule import TileRule, WatchedRule

HALTED_AFTER = 3
"""Cycles from the one in which a pin is high to the first in which all is closed: two registers, and the halt."""
_SHOWN = ("selection", "row", "column", "record", "codes", "compliance_code")
_DRIVEN = ("record", "codes", "compliance_code")
_READING = ("SETTLE", "CONVERT", "DECIDE", "RESPOND", "STALL")


class GateOrReadPath(TileRule):
    """The write gate and the read path are never on together."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if self.pin(pins, "write_gate") and self.pin(pins, "read_enable"):
            self.broken(cycle, "the write gate is open while the read path is connected")


class GateInPulses(TileRule):
    """The write gate is open in exactly the cycles of the phase `pulse`."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        gate, phase = self.pin(pins, "write_gate"), self.phase(pins)
        if bool(gate) != (phase == "PULSE"):
            self.broken(cycle, f"the write gate is {'open' if gate else 'closed'} in the phase {phase.lower()}")


class GateOnCells(TileRule):
    """The write gate opens for a cell that is selected, with a record of pulses driven."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "write_gate"):
            return
        if self.pin(pins, "selection") != self.protocol.SELECTIONS["CELL"]:
            self.broken(cycle, f"the write gate is open with the selection {self.pin(pins, 'selection')}")
        if self.pin(pins, "record") not in [self.protocol.RECORDS[name] for name in ("SET", "RESET", "FORM")]:
            self.broken(cycle, f"the write gate is open with the record {self.pin(pins, 'record')}")
        size = self.protocol.CONTROLLER
        if self.pin(pins, "row") >= size["rows"] or self.pin(pins, "column") >= size["columns"]:
            self.broken(cycle, "the write gate is open for a cell outside the tile")


class DriveStandsStill(TileRule):
    """Selection, record and codes stay as they are while the write gate is open, and no update is told."""

    def __init__(self, protocol: Any, tile: int) -> None:
        super().__init__(protocol, tile)
        self._shown: tuple[int, ...] | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "write_gate"):
            self._shown = None
            return
        shown = tuple(self.pin(pins, name) for name in _SHOWN)
        for name, before, now in zip(_SHOWN, self._shown or shown, shown, strict=True):
            if before != now:
                self.broken(cycle, f"{name} changed from {before:#x} to {now:#x} while the write gate was open")
        if self.pin(pins, "update"):
            self.broken(cycle, "the drive was updated while the write gate was open")
        self._shown = shown


class CodesComeWithUpdates(TileRule):
    """Record and codes change in the cycle of the strobe `update` only."""

    def __init__(self, protocol: Any, tile: int) -> None:
        super().__init__(protocol, tile)
        self._driven: tuple[int, ...] | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        driven = tuple(self.pin(pins, name) for name in _DRIVEN)
        if not pins["rst"] and self._driven not in (None, driven) and not self.pin(pins, "update"):
            self.broken(cycle, "record or codes changed without the strobe update")
        self._driven = None if pins["rst"] else driven


class ReadPathInReads(TileRule):
    """The read path is on only while something reads: settling, conversions, and what lies between those."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "read_enable"):
            if self.phase(pins) == "CONVERT":
                self.broken(cycle, "a conversion lasts without the read path")
            return
        if self.phase(pins) not in _READING:
            self.broken(cycle, f"the read path is on in the phase {self.phase(pins).lower()}")
        if self.pin(pins, "selection") == self.protocol.SELECTIONS["NONE"]:
            self.broken(cycle, "the read path is on and nothing is selected")


class ConversionsBegin(TileRule):
    """The strobe `convert` is high in the first cycle of a conversion, with the read path on and a channel chosen."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "convert"):
            return
        if not self.pin(pins, "read_enable") or self.phase(pins) != "CONVERT":
            self.broken(cycle, f"a conversion begins in the phase {self.phase(pins).lower()}, or without the read path")
        if not self.pin(pins, "channels"):
            self.broken(cycle, "a conversion begins on no channel")


class WordsExist(TileRule):
    """A word of the row registers that is written is one that there is; all are cleared only with a word."""

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "row_load"):
            return
        fields = 1 << (self.protocol.CONTROLLER["input_bits"] - 1).bit_length()
        words = -(-self.protocol.CONTROLLER["rows"] * fields // 32)
        if self.pin(pins, "row_word") >= words:
            self.broken(cycle, f"word {self.pin(pins, 'row_word')} of {words} words is written")


class PulsesSettle(TileRule):
    """The write gate opens SETTLE_DRIVE cycles after its drive was asked for; the strobe `update` is in the second.

    Parameters
    ----------
    protocol : module
    tile : int
    settle_drive : int
        The least value that the register has in a bench.
    """

    def __init__(self, protocol: Any, tile: int, settle_drive: int = 2) -> None:
        super().__init__(protocol, tile)
        self._settle_drive = settle_drive
        self._updated: int | None = None
        self._was_open = False

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if self.pin(pins, "update"):
            self._updated = cycle
        gate = bool(self.pin(pins, "write_gate"))
        if gate and not self._was_open and self._updated is not None:
            waited = cycle - self._updated + 1
            if waited < self._settle_drive:
                self.broken(cycle, f"the write gate opens {waited} cycles after its drive, of {self._settle_drive}")
        self._was_open = gate


class ReadsSettle(TileRule):
    """The first conversion begins when the read path has been on for its settling time.

    Parameters
    ----------
    protocol : module
    tile : int
    settle_read : int
        The least value that SETTLE_READ and SETTLE_MULTIPLY have in a bench.
    """

    def __init__(self, protocol: Any, tile: int, settle_read: int = 1) -> None:
        super().__init__(protocol, tile)
        self._settle_read = settle_read
        self._connected: int | None = None

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "read_enable"):
            self._connected = None
            return
        if self._connected is None:
            self._connected = cycle
        if self.pin(pins, "convert") and cycle - self._connected < self._settle_read:
            self.broken(
                cycle, f"a conversion begins {cycle - self._connected} cycles after the read path was connected"
            )


class PulsesRecover(TileRule):
    """After a pulse, RECOVER cycles pass before the same cell is read or pulsed, unless a halt opens the selector.

    Parameters
    ----------
    protocol : module
    tile : int
    recover : int
        The least value that the register has in a bench.
    """

    def __init__(self, protocol: Any, tile: int, recover: int = 1) -> None:
        super().__init__(protocol, tile)
        self._recover = recover
        self._closed: int | None = None
        self._was_open = False

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        gate = bool(self.pin(pins, "write_gate"))
        if self._was_open and not gate:
            self._closed = cycle
        self._was_open = gate
        if self.pin(pins, "selection") != self.protocol.SELECTIONS["CELL"]:
            self._closed = None
        if (
            self._closed is not None
            and cycle - self._closed < self._recover
            and (gate or self.pin(pins, "read_enable"))
        ):
            self.broken(cycle, f"the cell is used {cycle - self._closed} cycles after its pulse, of {self._recover}")


class PulsesAreLimited(TileRule):
    """No pulse is longer than a limit, no line beyond its greatest code: the caps of the core, unless others are given.

    Parameters
    ----------
    protocol : module
    tile : int
    width : int, optional
        Cycles.
    codes : tuple of int, optional
        Of bit line, source line and word line.
    """

    def __init__(
        self, protocol: Any, tile: int, width: int | None = None, codes: tuple[int, int, int] | None = None
    ) -> None:
        super().__init__(protocol, tile)
        self._most = protocol.CONTROLLER["width_cap"] if width is None else width
        self._codes = tuple(protocol.CONTROLLER["code_caps"]) if codes is None else codes
        self._width = 0

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if not self.pin(pins, "write_gate"):
            self._width = 0
            return
        self._width += 1
        if self._width == self._most + 1:
            self.broken(cycle, f"a pulse lasts longer than {self._most} cycles")
        codes = self.pin(pins, "codes")
        for line, (name, most) in enumerate(zip(("bit", "source", "word"), self._codes, strict=True)):
            code = codes >> 12 * line & 0xFFF
            if code > most:
                self.broken(cycle, f"a pulse is given with {code} at the {name} line, of {most}")


class HaltsAreObeyed(TileRule):
    """Three cycles after `stop` or the tile's `fault` was high, gate and read path are closed and safe codes driven."""

    def __init__(self, protocol: Any, tile: int) -> None:
        super().__init__(protocol, tile)
        self._high: list[bool] = []

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        if pins["rst"]:
            self._high.clear()
            return
        self._high.append(bool(pins["stop"] or self.pin(pins, "fault")))
        if len(self._high) <= HALTED_AFTER:
            return
        if not self._high.pop(0):
            return
        closed = {"write_gate": 0, "read_enable": 0, "record": self.protocol.RECORDS["SAFE"]}
        closed["selection"] = self.protocol.SELECTIONS["NONE"]
        for name, value in closed.items():
            if f"tiles__{self.tile}__{name}" in pins and self.pin(pins, name) != value:
                self.broken(cycle, f"{name} is {self.pin(pins, name)} three cycles after a halt was asked for")


class ComplianceEndsPulses(TileRule):
    """Once the current limit is seen behind the blanking, two cycles after it is at the pin, the pulse ends.

    Parameters
    ----------
    protocol : module
    tile : int
    blanking : int
        The value that COMPLIANCE has in a bench, with an action.
    """

    def __init__(self, protocol: Any, tile: int, blanking: int = 0) -> None:
        super().__init__(protocol, tile)
        self._blanking = blanking
        self._high: list[bool] = [False] * 2
        self._opened: int | None = None
        self._ends = False

    def look(self, cycle: int, pins: Any) -> None:
        """Look at a cycle."""
        gate = bool(self.pin(pins, "write_gate"))
        if gate and self._ends:
            self.broken(cycle, "the write gate is open in the cycle after the current limit was seen")
        if not gate:
            self._opened = None
        elif self._opened is None:
            self._opened = cycle
        self._high.append(bool(self.pin(pins, "compliance")))
        seen = self._high.pop(0)
        self._ends = gate and seen and self._opened is not None and cycle - self._opened >= self._blanking


def rules_of_a_tile(protocol: Any, tile: int, *, serial: bool = False) -> list[WatchedRule]:
    """Return the rules that hold for a tile whatever its registers are; behind serial parts the pins show less.

    Parameters
    ----------
    protocol : module
    tile : int
    serial : bool
    """
    always: list[type[TileRule]] = [GateOrReadPath, GateInPulses]
    direct: list[type[TileRule]] = [GateOnCells, DriveStandsStill, CodesComeWithUpdates, ReadPathInReads]
    direct += [ConversionsBegin, WordsExist, PulsesSettle, ReadsSettle, PulsesRecover, PulsesAreLimited, HaltsAreObeyed]
    return [rule(protocol, tile) for rule in (always if serial else always + direct)]
