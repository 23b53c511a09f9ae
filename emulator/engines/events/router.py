"""Where a command beat goes: to its tile, to all, to a group, or to the tiles of a cascade or transfer."""

from collections.abc import Sequence

from twinbar.emulator.engines.events.decoding import DecodedCommand, Route
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Opcode


def is_cascade(command: DecodedCommand, config: ControllerConfig) -> bool:
    """Whether a command is a product of several tiles."""
    return config.cascade and command.opcode is Opcode.MULTIPLY and command.arguments.members > 1


def is_transfer(command: DecodedCommand, config: ControllerConfig) -> bool:
    """Whether a command is for a tile that sends activations, and for those that take them."""
    return config.chain and command.opcode is Opcode.TRANSFER


def routes(command: DecodedCommand, config: ControllerConfig, groups: Sequence[int]) -> dict[int, Route]:
    """Return the tiles that a beat goes to, and what each of them is told.

    Parameters
    ----------
    command : DecodedCommand
    config : ControllerConfig
    groups : sequence of int
        Register INPUT_GROUP of every tile.
    """
    tiles = range(config.tiles)
    if command.opcode is Opcode.SAFE:
        return {tile: Route() for tile in tiles}
    if is_transfer(command, config):
        takes = [tile for tile in tiles if groups[tile] == command.arguments.group]
        if not takes or command.tile not in tiles:
            return {0: Route(several=True, stray=True)}
        return {
            tile: Route(several=True, copy=tile != command.tile, last=tile in takes)
            for tile in sorted({command.tile, *takes})
        }
    if config.shared_inputs and command.opcode is Opcode.LOAD and command.arguments.shared:
        chosen = [tile for tile in tiles if groups[tile] == command.tile]
    elif is_cascade(command, config):
        chosen = list(range(command.tile, command.tile + command.arguments.members))
    else:
        # A beat for a tile that does not exist goes to tile 0, which refuses it.
        return {command.tile if command.tile in tiles else 0: Route()}
    if not chosen or chosen[-1] not in tiles:
        return {0: Route(several=True, stray=True)}
    return {tile: Route(several=True, copy=tile != chosen[0], last=tile == chosen[-1]) for tile in chosen}
