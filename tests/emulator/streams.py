"""The streams of a controller, followed cycle by cycle in plain Python: what the schedule is compared with."""

from collections import deque
from typing import Any

import numpy as np

from twinbar.emulator.engines.bulk.schedule_ops import OP_OUTPUTS, OP_TILE, OP_WORK


def step_by_step(ops: np.ndarray, tiles: int, command_depth: int, response_depth: int, served: int) -> dict[str, Any]:
    """Follow ``docs/controller.md`` one cycle after the other."""
    beats = deque(enumerate(ops.tolist()))
    queues: list[deque[tuple[int, int]]] = [deque() for _ in range(tiles)]  # accepted in, command
    responses: deque[int] = deque()  # handed over in
    work = [0] * tiles  # cycles of work that are left
    running: list[list[int] | None] = [None] * tiles
    stalls, waits = [0] * tiles, [[0, 0] for _ in ops]
    outputs = [0] * tiles  # responses that are left
    cycle = 0
    while True:
        room = [len(queue) < command_depth for queue in queues]
        response_room = len(responses) < response_depth
        at_work = [running[tile] is not None for tile in range(tiles)]
        if not beats and not any(queues) and not any(at_work) and not responses:
            return {"cycles": cycle, "served": served, "stalls": stalls, "waits": waits}
        # Cycles in which tiles work, and nothing else can happen, are taken in one step.
        stuck = not beats or not room[beats[0][1][OP_TILE]]
        waiting = any(queue and not busy for queue, busy in zip(queues, at_work, strict=True))
        if stuck and not waiting and not responses:
            quiet = min(left for left, busy in zip(work, at_work, strict=True) if busy) - 1
            if quiet > 0:
                work = [left - quiet for left in work]
                cycle += quiet
                continue
        # The consumer takes what the queue shows.
        if responses and responses[0] <= cycle - 2:
            responses.popleft()
        # Tiles work, or offer.
        ready = [not busy for busy in at_work]
        offers = []
        for tile in range(tiles):
            if at_work[tile]:
                if work[tile] > 0:
                    work[tile] -= 1
                    if work[tile] == 0 and ops[running[tile][0], OP_OUTPUTS] == 0:
                        running[tile] = None
                        ready[tile] = True
                else:
                    offers.append(tile)
        chosen = None
        if offers and response_room:
            chosen = min(offers, key=lambda tile: (tile - served - 1) % tiles)
            served = chosen
            responses.append(cycle)
        for tile in offers:
            op = running[tile][0]
            _, _, count, group, gap = ops[op].tolist()
            if tile != chosen:
                stalls[tile] += 1
                # All groups but the last.
                answered = count - outputs[tile]
                if answered // group < (count - 1) // group:
                    waits[op][0] += 1
                    # Channels with an output left are on.
                    waits[op][1] += min(group, outputs[tile])
                continue
            outputs[tile] -= 1
            if outputs[tile] == 0:
                running[tile] = None
                ready[tile] = True
            elif (count - outputs[tile]) % group == 0:
                work[tile] = gap
        # Idle tiles, and those that have just ended, pop what is visible.
        for tile in range(tiles):
            if ready[tile] and queues[tile] and queues[tile][0][0] <= cycle - 2:
                _, op = queues[tile].popleft()
                running[tile] = [op]
                work[tile] = int(ops[op, OP_WORK])
                outputs[tile] = int(ops[op, OP_OUTPUTS])
        # One beat is presented.
        if beats and room[beats[0][1][OP_TILE]]:
            op, fields = beats.popleft()
            queues[fields[OP_TILE]].append((cycle, op))
        cycle += 1
