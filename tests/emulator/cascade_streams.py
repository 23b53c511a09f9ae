"""Cascades, shared inputs and packed outputs, followed cycle by cycle in plain Python, to test the schedule by."""

from collections import deque
from typing import Any

import numpy as np


class Tile:
    """A tile: its queue, the link to the tile below it, and the command that it runs."""

    def __init__(self) -> None:
        self.queue: deque[tuple[int, int]] = deque()  # accepted in, command
        self.sums = 0  # in the link to the tile below
        self.command: int | None = None
        self.work = 0  # cycles until the next output is ready, or a LOAD is over
        self.output = 0  # that is handed over next
        self.lanes = 0  # that are filled


def cycle_by_cycle(
    beats: np.ndarray, work: np.ndarray, count: int, command_depth: int, response_depth: int, served: int
) -> dict[str, Any]:
    """Follow ``docs/controller.md`` one cycle after the other."""
    stream = deque(range(len(beats)))
    tiles = [Tile() for _ in range(count)]
    responses: deque[int] = deque()  # handed over in
    stalls, waits = [0] * count, [[0, 0] for _ in work]
    cycle = 0
    while stream or responses or any(tile.queue or tile.command is not None for tile in tiles):
        room = [len(tile.queue) < command_depth for tile in tiles]
        sums = [tile.sums for tile in tiles]
        response_room = len(responses) < response_depth
        if responses and responses[0] <= cycle - 2:
            responses.popleft()

        responding = [tile.command is not None and tile.work == 0 for tile in tiles]
        offers, handed = [], []
        for number in np.flatnonzero(responding).tolist():
            tile, beat = tiles[number], beats[tiles[number].command]
            if number < beat["first"] + beat["count"] - 1 and sums[number + 1] == 0:
                continue  # its partial sum is not visible
            if number > beat["first"]:
                if sums[number] < 2:
                    handed.append(number)
            elif tile.lanes + 1 < beat["lanes"] and tile.output + 1 < beat["outputs"]:
                tile.lanes += 1
                handed.append(number)
            else:
                offers.append(number)
        if offers and response_room:
            served = min(offers, key=lambda number: (number - served - 1) % count)
            responses.append(cycle)
            tiles[served].lanes = 0
            handed.append(served)

        able = [tile.command is None for tile in tiles]
        for number, tile in enumerate(tiles):
            if tile.command is None:
                continue
            beat = beats[tile.command]
            place = beat["work"] + number - beat["first"]
            if not responding[number]:
                tile.work -= 1
                if tile.work == 0 and beat["outputs"] == 0:
                    tile.command = None
                    able[number] = True
            elif number not in handed:
                stalls[number] += 1
                # All groups but the last.
                if tile.output // beat["group"] < (beat["outputs"] - 1) // beat["group"]:
                    waits[place][0] += 1
                    # Channels with an output left are on.
                    waits[place][1] += int(min(beat["group"], beat["outputs"] - tile.output))
            else:
                if number > beat["first"]:
                    tile.sums += 1
                if number < beat["first"] + beat["count"] - 1:
                    tiles[number + 1].sums -= 1
                tile.output += 1
                if tile.output == beat["outputs"]:
                    tile.command = None
                    able[number] = True
                elif tile.output % beat["group"] == 0:
                    tile.work = int(work[place]["gap"])

        for number, tile in enumerate(tiles):
            if not able[number] or not tile.queue:
                continue
            command = tile.queue[0][1]
            beat = beats[command]
            alone = beat["outputs"] == 0
            members = [number] if alone else range(beat["first"], beat["first"] + beat["count"])
            if all(
                able[member]
                and tiles[member].queue
                and tiles[member].queue[0][1] == command
                and tiles[member].queue[0][0] <= cycle - 2
                for member in members
            ):
                for member in members:
                    able[member] = False
                    tiles[member].queue.popleft()
                    tiles[member].command = command
                    tiles[member].output = 0
                    place = beat["work"] + (0 if alone else member - beat["first"])
                    tiles[member].work = int(work[place]["before"])

        if stream:
            beat = beats[stream[0]]
            places = [int(beat["first"] + member * beat["stride"]) for member in range(beat["count"])]
            if all(room[place] for place in places):
                for place in places:
                    tiles[place].queue.append((cycle, stream[0]))
                stream.popleft()
        cycle += 1
    return {"cycles": cycle, "served": served, "stalls": stalls, "waits": waits}
