"""When the commands of a single tile are popped and answered: nobody takes turns, each follows from the one before."""

from twinbar.emulator.engines.bulk.schedule_ops import OP_GAP, OP_GROUP, OP_OUTPUTS, OP_WORK
from twinbar.emulator.kernels.compiled import kernel
from twinbar.hw.timing import QUEUE_LATENCY


@kernel
def follow_alone(ops, command_depth, response_depth, popped, stalls, waits):
    """Follow a program of a controller with one tile; gives its cycles.

    Parameters
    ----------
    ops, command_depth, response_depth, stalls, waits
        As in `twinbar.emulator.engines.bulk.schedule.schedule`; ``stalls`` and ``waits`` are added to.
    popped : int64 [a power of two that is at least the depth of the command queue]
        Room for the cycles in which the last commands were popped.
    """
    mask = popped.shape[0] - 1
    accepted, free, end = -1, 0, -1
    before, before_that = -2, -3  # cycles of the last two responses
    for i in range(ops.shape[0]):
        accepted += 1
        if i >= command_depth:
            accepted = max(accepted, popped[(i - command_depth) & mask] + 1)
        at = max(accepted + QUEUE_LATENCY, free)
        popped[i & mask] = at
        outputs, group = ops[i, OP_OUTPUTS], ops[i, OP_GROUP]
        if outputs == 0:
            free = at + ops[i, OP_WORK]
            end = max(end, free)
        offer = at + 1 + ops[i, OP_WORK]
        left_in_group = group
        for left in range(outputs - 1, -1, -1):
            free = offer
            if response_depth == 2 and before == offer - 1 and before_that == offer - 2:
                free += 1  # both are still on their way through the queue: it is full
            stalls[0] += free - offer
            if waits.shape[0] > 0 and left > (outputs - 1) % group:
                waits[i, 0] += free - offer
                waits[i, 1] += (free - offer) * min(group, left + 1)
            before_that = before
            before = free
            offer = free + 1
            left_in_group -= 1
            if left_in_group == 0:
                left_in_group = group
                offer += ops[i, OP_GAP]
    if before >= 0:
        end = max(end, before + QUEUE_LATENCY)  # the last response is taken as late as the queue shows it
    return end + 1
