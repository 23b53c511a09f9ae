"""How the outputs of a product leave a tile: into the lanes of response beats, or to the tile below in a cascade."""

from collections.abc import Sequence

from twinbar.emulator.engines.events.admission import outputs_of
from twinbar.emulator.engines.events.cascade_member import CascadeMember
from twinbar.emulator.engines.events.clock import Stage, Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.sum_link import SumLink
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.protocol.vocabulary import Destination, Status
from twinbar.hw.timing import Phase


def hand_over_group(tile: Tile, command: DecodedCommand, group: range, sums: Sequence[int]) -> Steps[None]:
    """Hand over the outputs of a group, each as soon as the tile above has its partial sum.

    The process is in the stage START of the cycle behind; behind the command's last output, in the stage STREAM of its
    own. A halt interrupts it, except while a complete beat is offered: then the answer has its status afterwards.

    Parameters
    ----------
    tile : Tile
    command : DecodedCommand
    group : range
        Outputs, counted from the command's first.
    sums : sequence of int
        Those of the tile, by output.
    """
    member = tile.member
    last = outputs_of(command) - 1
    for place in group:
        if member is not None and member.below is not None:
            yield from _to_link(tile, member, member.below, sums[place], last=place == last)
        else:
            yield from _to_beat(tile, sums[place], command.arguments.column + place, last=place == last)
        if tile.answer.given or tile.answer.status is not Status.OK:
            return
        tile.front_end.need_outputs(last - place)


def _to_link(tile: Tile, member: CascadeMember, below: SumLink, value: int, *, last: bool) -> Steps[None]:
    """Hand an output to the tile below."""
    above = member.above
    while True:
        if above is not None and not above.visible:
            tile.counters.enter(Phase.STALL, tile.clock.cycle)
            yield above.head()
        elif not below.ready:
            tile.counters.enter(Phase.STALL, tile.clock.cycle)
            yield below.room()
        else:
            break
    below.put(_total(tile, value, above))
    _count(tile, above, Action.PARTIAL_SUM)
    tile.answer.column += 1
    if last:
        yield from _finish(tile)
    else:
        yield tile.clock.timeout(1)


def _to_beat(tile: Tile, value: int, column: int, *, last: bool) -> Steps[None]:
    """Put an output into its lane, or only keep it, and hand the beat over if it is complete."""
    answer, config = tile.answer, tile.config
    above = tile.member.above if tile.member is not None else None
    while above is not None and not above.visible:
        tile.counters.enter(Phase.STALL, tile.clock.cycle)
        yield above.head()
    total = _total(tile, value, above)
    quiet = tile.activations.destination is Destination.KEPT
    lanes = [] if quiet else [*answer.lanes, total]
    if not last and (quiet or len(lanes) < config.outputs_per_beat):
        answer.lanes = lanes
        answer.column += quiet
        _count(tile, above, Action.PACKED_OUTPUT)
        _keep(tile, total, column, last=last)
        yield tile.clock.timeout(1)
        return
    mask = (1 << config.lane_bits) - 1
    answer.value = sum((lane & mask) << place * config.lane_bits for place, lane in enumerate(lanes))
    yield from tile.respond()
    if above is not None:
        above.take()
    _keep(tile, total, column, last=last)
    if last:
        yield from _finish(tile)
        return
    yield tile.clock.timeout(1)
    answer.column += len(lanes)
    answer.value, answer.lanes, answer.status = 0, [], tile.cut
    tile.haltable = True


def _keep(tile: Tile, total: int, column: int, *, last: bool) -> None:
    """Make an activation of an output that is handed over in this cycle, if outputs are kept."""
    if tile.activations.destination is not Destination.ANSWERED:
        tile.activations.keep(total, column, last=last)
        tile.count(Action.REQUANTIZE)


def _total(tile: Tile, value: int, above: SumLink | None) -> int:
    """Return the sum of an output with the partial sum of the tile above."""
    value = _saturated(tile, value)
    return value if above is None else _saturated(tile, value + above.front)


def _saturated(tile: Tile, value: int) -> int:
    top = (1 << tile.config.lane_bits - 1) - 1
    return max(-top - 1, min(value, top))


def _count(tile: Tile, above: SumLink | None, action: Action) -> None:
    """An output goes to its lane or to the link below in this cycle."""
    if above is not None:
        above.take()
    tile.counters.enter(Phase.RESPOND, tile.clock.cycle)
    tile.count(action)


def _finish(tile: Tile) -> Steps[None]:
    """End the command with the cycle of its last output, in which the next one may be taken."""
    tile.haltable = False
    tile.answer.given = True
    if tile.member is not None:
        tile.member.finish()
    yield tile.clock.at(tile.clock.cycle, Stage.STREAM)
