"""What the engine tells about a run while it runs, for timelines."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from twinbar.hw.timing import Phase


class Listener(Protocol):
    """Is told what happens.

    Cycles count from power-up; ``end`` is the first cycle that no longer belongs to an interval.
    """

    def phase(self, tile: int, phase: Phase, start: int, end: int) -> None:
        """A tile was in a phase."""

    def command(self, tile: int, name: str, status: str, start: int, end: int) -> None:
        """A tile has carried out a command, or refused it."""

    def conversion(self, tile: int, channel: int, start: int, end: int) -> None:
        """A converter was at work."""

    def accepted(self, tile: int, name: str, start: int, end: int) -> None:
        """A command beat was presented from ``start`` on, and accepted in the last cycle."""

    def taken(self, tile: int, name: str, cycle: int) -> None:
        """The consumer has taken a response."""

    def depth(self, tile: int, cycle: int, beats: int) -> None:
        """From a cycle on, so many beats are in the queue before a tile; -1: in that of the responses."""


class PhaseSpan(NamedTuple):
    """A phase of a tile."""

    tile: int
    phase: Phase
    start: int
    end: int


class CommandSpan(NamedTuple):
    """A command of a tile."""

    tile: int
    name: str
    status: str
    start: int
    end: int


class ConversionSpan(NamedTuple):
    """A conversion of an ADC channel."""

    tile: int
    channel: int
    start: int
    end: int


class BeatSpan(NamedTuple):
    """A beat of one of the two streams, from its presentation to its acceptance."""

    tile: int
    name: str
    start: int
    end: int


class Depth(NamedTuple):
    """Beats in a queue, from a cycle on."""

    tile: int
    cycle: int
    beats: int


@dataclass
class Recording:
    """A `Listener` that keeps everything, in the order in which it ended."""

    phases: list[PhaseSpan] = field(default_factory=list)
    commands: list[CommandSpan] = field(default_factory=list)
    conversions: list[ConversionSpan] = field(default_factory=list)
    command_beats: list[BeatSpan] = field(default_factory=list)
    response_beats: list[BeatSpan] = field(default_factory=list)
    depths: list[Depth] = field(default_factory=list)

    def phase(self, tile: int, phase: Phase, start: int, end: int) -> None:
        """Keep a phase."""
        self.phases.append(PhaseSpan(tile, phase, start, end))

    def command(self, tile: int, name: str, status: str, start: int, end: int) -> None:
        """Keep a command."""
        self.commands.append(CommandSpan(tile, name, status, start, end))

    def conversion(self, tile: int, channel: int, start: int, end: int) -> None:
        """Keep a conversion."""
        self.conversions.append(ConversionSpan(tile, channel, start, end))

    def accepted(self, tile: int, name: str, start: int, end: int) -> None:
        """Keep a command beat."""
        self.command_beats.append(BeatSpan(tile, name, start, end))

    def taken(self, tile: int, name: str, cycle: int) -> None:
        """Keep a response beat."""
        self.response_beats.append(BeatSpan(tile, name, cycle, cycle + 1))

    def depth(self, tile: int, cycle: int, beats: int) -> None:
        """Keep the depth of a queue."""
        self.depths.append(Depth(tile, cycle, beats))
