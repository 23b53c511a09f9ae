"""The start of cascades: all members take one in the same cycle, or refuse it together."""

from collections.abc import Sequence

import simpy

from twinbar.emulator.engines.events.cascade_member import CascadeMember
from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.sum_link import SumLink
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.vocabulary import Status


class JointStart:
    """Starts a cascade in the first cycle in which all its members could take it.

    Parameters
    ----------
    clock : Clock
    tiles : sequence of Tile
    """

    def __init__(self, clock: Clock, tiles: Sequence[Tile]) -> None:
        self._clock = clock
        self._this_cycle = clock.stage(Stage.STREAM)
        self._tiles = tiles
        self._links = [SumLink(clock) for _ in tiles[1:]]
        """From tile i + 1 to tile i."""
        self._waiting: dict[int, tuple[DecodedCommand, simpy.Event]] = {}

    def offer(self, tile: Tile, command: DecodedCommand) -> simpy.Event:
        """Return the event in which a tile takes its cascade, with its status; in the stage STREAM.

        Called in this stage, when the cascade is at the front of the tile's queue and nothing else runs.
        """
        event = self._this_cycle.event()
        self._waiting[tile.number] = command, event
        self._try(command)
        return event

    def _try(self, command: DecodedCommand) -> None:
        """Start a cascade if all its members wait for it and none is halted in this cycle."""
        members = self._tiles[command.tile : command.tile + command.arguments.members]
        if not all(self._waits(tile, command) for tile in members):
            return
        if any(tile.safety.halted == self._clock.cycle for tile in members):
            self._clock.call(self._clock.cycle + 1, Stage.STREAM, lambda: self._try(command))
            return
        statuses = [tile.admission(command) for tile in members]
        refused = any(status is not Status.OK for status in statuses)
        if not refused:
            self._join(members)
        for tile, status in zip(members, statuses, strict=True):
            found = Status.ABORTED if refused and status is Status.OK else status
            _, event = self._waiting.pop(tile.number)
            event.succeed(found)

    def _waits(self, tile: Tile, command: DecodedCommand) -> bool:
        """Whether a tile waits for a cascade. Those that have the same members come to all of them in one order."""
        waiting, _ = self._waiting.get(tile.number, (None, None))
        return waiting is not None and (waiting.tile, waiting.body) == (command.tile, command.body)

    def _join(self, members: Sequence[Tile]) -> None:
        links = self._links[members[0].number : members[-1].number]
        for link in links:
            link.clear()
        joined = [
            CascadeMember(self._clock, above, below, tile.safety.stop_by_cascade)
            for tile, above, below in zip(members, [*links, None], [None, *links], strict=True)
        ]
        for number, (tile, member) in enumerate(zip(members, joined, strict=True)):
            tile.member = member
            member.neighbours = [joined[at] for at in (number - 1, number + 1) if 0 <= at < len(joined)]
