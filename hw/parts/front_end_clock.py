"""When a serial front end answers, whatever is still under way at its buses; the gateware is tested against it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .assembly import MOST_OUTPUTS, DrivenLine, DrivePath, SerialParts
from .cycles import (
    convert_cycles,
    frames_of_conversion,
    front_end_cycles,
    regroup_cycles,
    select_cycles,
)


@dataclass
class FrontEndRegisters:
    """Registers that a serial front end uses, in cycles."""

    select: int
    settle_read: int
    settle_multiply: int
    settle_drive: int


@dataclass
class _Keeper:
    """The outputs of the DACs: what they hold, what they should, and when their bus is free."""

    wanted: list[int]
    held: list[int | None]
    free: int
    """Cycle from which on a word can be accepted."""
    at_rest: int = 0
    """Cycle from which on the outputs have settled, if no more words follow."""
    since: int = 0
    """Cycle from which on ``wanted`` is what it is."""

    def copy(self) -> "_Keeper":
        return _Keeper(list(self.wanted), list(self.held), self.free, self.at_rest, self.since)


@dataclass
class _Load:
    """A load of switches, as long as its request may be taken back."""

    start: int
    latched: int
    """Cycle in which the last word has ended."""
    free: int
    """Cycle from which on the loader can do something else, if the request is held to its end."""


@dataclass
class _Frames:
    """Frames of a conversion, as long as its request may be taken back."""

    accepted: list[int]
    """Cycle in which each is accepted."""
    chosen: list[int]
    """Channel that each chooses for the next."""
    free_before: int
    chosen_before: int | None


class FrontEndClock:
    """Gives the last cycle of every request of a serial front end.

    Cycles are counted from reset (0). Calls come in the order of time: a request in its first cycle, `update` in the
    cycle of its strobe, and `halt` for a request that is taken back. No call may be made for a cycle before that of the
    last one.

    Parameters
    ----------
    parts : SerialParts
    rows, columns, channels : int
        Of the tile.
    safe_codes : sequence of int
        Codes of the three lines.
    durations : FrontEndRegisters
        Registers; `change` changes them between requests.
    """

    def __init__(
        self,
        parts: SerialParts,
        rows: int,
        columns: int,
        channels: int,
        safe_codes: Sequence[int],
        durations: FrontEndRegisters,
    ) -> None:
        self.parts, self.channels, self.durations = parts, channels, durations
        self.cycles = front_end_cycles(parts, rows, columns)
        power_up = self.cycles.power_up
        safe = [*safe_codes, 0]
        self._kept = {DrivePath.READ: list(safe), DrivePath.MULTIPLY: list(safe)}
        outputs = parts.outputs
        wanted = [safe[output.line] for output in outputs]
        self._keeper = _Keeper(wanted, [None] * len(outputs), power_up + self.cycles.dac_start_up)
        self._loader_free = power_up
        self._reader_free = power_up + self.cycles.adc_start_up
        self._column = 0
        self._chosen: int | None = None
        self._load: _Load | None = None
        self._frames: _Frames | None = None

    # --- DACs ---------------------------------------------------------------------------------------------------------

    def _write(self, keeper: _Keeper, before: int | None) -> None:
        """Accept the words that are accepted before a cycle, or all."""
        while True:
            stale = [place for place, code in enumerate(keeper.wanted) if keeper.held[place] != code]
            cycle = max(keeper.free, keeper.since)
            if not stale or (before is not None and cycle >= before):
                return
            keeper.held[stale[0]] = keeper.wanted[stale[0]]
            keeper.free = cycle + self.cycles.word
            keeper.at_rest = keeper.free + self.durations.settle_drive

    def _ready(self, cycle: int) -> int:
        """Return the first cycle, from ``cycle`` on, in which all outputs have their codes and have settled."""
        keeper = self._keeper.copy()
        self._write(keeper, None)
        return max(cycle, keeper.free, keeper.at_rest)

    def _want(self, cycle: int, place: int, code: int) -> None:
        self._write(self._keeper, cycle)
        if self._keeper.wanted[place] != code:
            self._keeper.wanted[place], self._keeper.since = code, cycle

    def update(self, cycle: int, drive: DrivePath, codes: Sequence[int], limit: int = 0) -> None:
        """Take over codes whose strobe ``update`` is in ``cycle``.

        Parameters
        ----------
        cycle : int
        drive : DrivePath
            WRITE for all records but READ and MULTIPLY, the safe codes included.
        codes : sequence of int
            Codes of the three lines.
        limit : int
            Code of the current limit.
        """
        values = [*codes, limit]
        if drive in self._kept:
            self._kept[drive] = values
        for place, output in enumerate(self.parts.outputs):
            if drive in output.drives:
                self._want(cycle + 1, place, values[output.line])

    # --- what outlasts a request --------------------------------------------------------------------------------------

    def state(self, cycle: int) -> list[int]:
        """Return what later requests depend on, while none is made; times are counted from ``cycle``.

        Codes that the outputs should have and that were sent to them (-1: none was; places without an output are 0),
        those of READ and MULTIPLY by line; when a word can be sent, when outputs have settled, since when their codes
        are wanted, when switches can be loaded, which column is connected, when a frame can begin, and which channel
        it converts (-1: none was chosen).
        """
        self._write(self._keeper, cycle)
        keeper, rest = self._keeper, [0] * (MOST_OUTPUTS - len(self.parts.outputs))
        lines = [
            code for drive in (DrivePath.READ, DrivePath.MULTIPLY) for code in self._kept[drive][: DrivenLine.LIMIT]
        ]
        dacs, others = (keeper.free, keeper.at_rest, keeper.since), (self._loader_free, self._reader_free)
        sent, settled, since, loader, reader = (max(time - cycle, 0) for time in (*dacs, *others))
        held = [-1 if code is None else code for code in keeper.held]
        buses = [sent, settled, since, loader, self._column, reader, -1 if self._chosen is None else self._chosen]
        return [*keeper.wanted, *rest, *held, *rest, *lines, *buses]

    def restore(self, cycle: int, state: Sequence[int]) -> None:
        """Take over what `state` gave, as of ``cycle``."""
        outputs, held = len(self.parts.outputs), state[MOST_OUTPUTS : 2 * MOST_OUTPUTS]
        lines = state[2 * MOST_OUTPUTS :]
        self._kept[DrivePath.READ], self._kept[DrivePath.MULTIPLY] = [*lines[:3], 0], [*lines[3:6], 0]
        sent, settled, since, loader, self._column, reader, chosen = lines[6:]
        known = [None if code < 0 else code for code in held[:outputs]]
        self._keeper = _Keeper(list(state[:outputs]), known, sent + cycle, settled + cycle, since + cycle)
        self._loader_free, self._reader_free = loader + cycle, reader + cycle
        self._chosen = None if chosen < 0 else chosen
        self._load = self._frames = None

    def change(self, cycle: int, durations: FrontEndRegisters) -> None:
        """Take over registers that have new values from ``cycle`` on; words accepted before it settle by the old."""
        self._write(self._keeper, cycle)
        self.durations = durations

    # --- requests -----------------------------------------------------------------------------------------------------

    def select(self, cycle: int, column: int) -> int:
        """Return the last cycle of SELECT; ``column`` is that of the front end."""
        p, settle = self.cycles, self.durations.select
        start = max(cycle, self._loader_free)
        latched = start + 1 + p.open + p.rows + p.columns
        finished = start + select_cycles(p, settle) - 1
        assert finished == latched + settle
        done = max(finished, self._ready(cycle))
        self._column = column
        self._loader_free = done + 1
        self._load, self._frames = _Load(start, latched, done + 1), None
        return done

    def connect(self, cycle: int, drive: DrivePath) -> int:
        """Return the last cycle of CONNECT_READ or CONNECT_MULTIPLY."""
        for place, output in enumerate(self.parts.outputs):
            if drive in output.drives and len(output.drives) > 1:
                self._want(cycle + 1, place, self._kept[drive][output.line])
        settle = self.durations.settle_read if drive is DrivePath.READ else self.durations.settle_multiply
        self._load = self._frames = None
        return self._ready(cycle + 1) + settle - 1

    def drive(self, cycle: int, codes: Sequence[int], limit: int = 0) -> int:
        """Return the last cycle of DRIVE; its codes come in its second cycle."""
        self.update(cycle + 1, DrivePath.WRITE, codes, limit)
        self._load = self._frames = None
        return self._ready(cycle + 2)

    def convert(self, cycle: int, column: int, active: int) -> int:
        """Return the last cycle of CONVERT.

        Parameters
        ----------
        cycle : int
        column : int
            That of the front end; if it is not the one connected, its group is connected first.
        active : int
            Mask of the ADC channels that take part.
        """
        p = self.cycles
        start = cycle
        self._load = None
        if column != self._column:
            load = max(cycle, self._loader_free)
            start = load + regroup_cycles(p, self.durations.select)
            self._load = _Load(load, load + 1 + p.columns, start)
            self._column, self._loader_free = column, start
        first = max(start, self._reader_free)
        order = [channel for channel in range(self.channels) if active >> channel & 1]
        frames = frames_of_conversion(self.parts.adc.latency, len(order), self._chosen == order[0])
        # The last frame chooses the first channel again; parts with one input each have no other choice.
        chosen = [order[0]]
        if frames > 1:
            chosen = [*(order[1:] if self._chosen == order[0] else order), order[0]]
        accepted = [first + n * p.frame for n in range(frames)]
        self._frames = _Frames(accepted, chosen, self._reader_free, self._chosen)
        done = first + convert_cycles(p, frames) - 1
        self._reader_free, self._chosen = done, order[0]
        return done

    def halt(self, cycle: int) -> None:
        """Take the last request back: it is held up to and including ``cycle``, which is before its last one."""
        load, frames, self._load, self._frames = self._load, self._frames, None, None
        if load is not None and cycle < load.start:
            self._loader_free = load.start
        elif load is not None:
            # A load that has begun is completed; one that only settles ends at once.
            self._loader_free = load.latched + 1 if cycle < load.latched else min(cycle + 2, load.free)
        if frames is not None:
            begun = sum(accepted <= cycle for accepted in frames.accepted)
            self._reader_free, self._chosen = frames.free_before, frames.chosen_before
            if begun:
                self._reader_free = frames.accepted[begun - 1] + self.cycles.frame
                self._chosen = frames.chosen[begun - 1]
