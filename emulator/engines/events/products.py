"""MULTIPLY: input steps, groups of outputs, and their responses."""

from twinbar.emulator.engines.events.admission import outputs_of
from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.product_outlet import hand_over_group
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.parts.assembly import DrivePath as Path
from twinbar.hw.protocol.registers import TRIM_INIT
from twinbar.hw.protocol.vocabulary import Destination, Status
from twinbar.hw.timing import DECIDE_CYCLES, Phase


def multiply(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """MULTIPLY: responds to all outputs but the last, which it leaves to the sequencer, as every command does.

    In a cascade, with packed outputs, and where sums are kept, it leaves nothing to it unless it is cut off.
    """
    arguments = command.arguments
    first, count = arguments.column, outputs_of(command)
    steps = tile.inputs.steps(codes=bool(arguments.codes), skip=bool(arguments.skip))
    groups = [range(at, min(at + tile.config.adc_channels, count)) for at in range(0, count, tile.config.adc_channels)]
    sums = [0] * count
    keeps = tile.activations.destination is not Destination.ANSWERED
    hands_over = keeps or tile.member is not None or tile.config.outputs_per_beat > 1
    if not steps:
        if hands_over:
            yield from hand_over_group(tile, command, range(count), sums)
        else:
            yield from _respond_group(tile, first, range(count), sums, last=True)
        return
    for step, plane in enumerate(steps):
        tile.answer.column = first
        heat = yield from _select_rows(tile, command, plane)
        tile.front_end.connect_rows(heat, count)
        yield tile.phase(Phase.SETTLE, tile.time.connect(Path.MULTIPLY))
        for group in groups:
            tile.front_end.need_outputs(count - group.start)
            yield from _convert_group(tile, command, group, plane, sums, last=group is groups[-1])
            if step == len(steps) - 1:
                if hands_over:
                    yield from hand_over_group(tile, command, group, sums)
                else:
                    yield from _respond_group(tile, first, group, sums, last=group is groups[-1])
                if tile.answer.status is not Status.OK:
                    return


def _select_rows(tile: Tile, command: DecodedCommand, plane: int) -> Steps[int]:
    """Select the rows of an input step; return their heat per cycle."""
    arguments = command.arguments
    heat, driven = tile.front_end.sum_rows(plane, subtract=bool(arguments.subtract), codes=bool(arguments.codes))
    tile.count(Action.INPUT_STEP)
    tile.counters.actions[Action.ROW_DRIVE] += driven
    cycles = tile.time.select(arguments.column, codes=bool(arguments.codes), pair=bool(arguments.subtract))
    yield tile.phase(Phase.SELECT, cycles)
    return heat


def _convert_group(
    tile: Tile, command: DecodedCommand, group: range, plane: int, sums: list[int], *, last: bool
) -> Steps[None]:
    """Convert the outputs of a group at once, and add their codes; the read path stays on until the last group."""
    registers, subtract = tile.registers, bool(command.arguments.subtract)
    first = command.arguments.column + group.start
    tile.answer.column = first - len(tile.answer.lanes)
    trims = registers.trims if tile.time.trims else [TRIM_INIT] * len(group)
    codes = tile.front_end.convert_outputs(first, len(group), trims, registers["RANGE_MULTIPLY"], subtract=subtract)
    tile.counters.channels = range(len(group))
    tile.counters.actions[Action.CONVERT_FORWARD] += len(group)
    yield tile.phase(Phase.CONVERT, tile.time.convert(first, tile.counters.channels))
    if last:
        tile.front_end.close(tile.clock.cycle)
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    for place, code in zip(group, codes, strict=True):
        output = command.arguments.column + place
        sums[place] += code - registers.offset(output, pair=subtract) << plane


def _respond_group(tile: Tile, first: int, group: range, sums: list[int], *, last: bool) -> Steps[None]:
    """Respond to the outputs of a group, except for the command's last response.

    After a halt one more output is answered, with the reason.
    """
    answer, outputs = tile.answer, len(sums)
    for place in group:
        answer.column, answer.value = first + place, sums[place]
        if last and place == group[-1]:
            return
        yield from tile.respond()
        yield tile.clock.timeout(1)
        tile.front_end.need_outputs(outputs - place - 1)
        if tile.cut is not Status.OK:
            # What the next output would have told, if it was computed with the group; the sum of a new group is 0.
            following = place + 1
            answer.column, answer.value = first + following, sums[following] if following in group else 0
            answer.status = tile.cut
            return
    answer.value = 0
    tile.haltable = True
