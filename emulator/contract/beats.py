"""Typed operations as command beats, and back: what the host says to a controller, and what it makes of the answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.contract.chain_moves import Move
from twinbar.emulator.contract.interleave import interleave
from twinbar.emulator.contract.sent_inputs import SentInputs
from twinbar.emulator.contract.vector_order import VectorBeats
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.needed_calibrations import COLUMN, GAIN, SUBTRACT
from twinbar.emulator.crossbar.register_settings import read_settings, settings, write_settings
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import pack, unpack, unpack_products, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

Commands = npt.NDArray[np.uint64]
Responses = npt.NDArray[np.uint8]


def write_register(tile: npt.ArrayLike, address: npt.ArrayLike, value: npt.ArrayLike) -> Commands:
    """Write a register of each tile."""
    return pack(Opcode.WRITE_REGISTER, tile, address=address, value=value)


def configure(config: CrossbarConfig, tiles: int, input_groups: np.ndarray | None = None) -> Commands:
    """Bring all tiles from power-up to where they can be used: registers, bias records, level windows, arming.

    ``input_groups`` (int64 [tiles]) are those of a controller that shares inputs.
    """
    grouped = []
    if input_groups is not None:
        grouped.append(write_register(np.arange(tiles), registers.INPUT_GROUP.address, input_groups))
    return np.concatenate([set_registers(config, tiles), *grouped, arm(tiles)])


def set_registers(config: CrossbarConfig, tiles: int) -> Commands:
    """Write the registers, bias records and level windows of a configuration to all tiles, which must be disarmed."""
    values = {
        register.address: value
        for register, value in (
            *settings(config.timing, config.registers).items(),
            (registers.LEVELS, len(config.levels)),
            (registers.GAIN_TARGET, config.gain_target),
        )
    }
    if config.array.compare:
        values[registers.COMPARE.address] = config.timing.compare
    if config.parts is not None and config.parts.scale is not None:
        values[registers.RANGE_READ.address] = config.read_range_code
        values |= read_settings(config.parts.scale)
    values |= write_settings(config.timing, config.algorithm())
    windows = registers.LEVEL_WINDOW.pack(
        low=config.levels.low.astype(np.int64), high=config.levels.high.astype(np.int64)
    )
    values |= {registers.LEVEL_BASE + level: int(window) for level, window in enumerate(windows)}
    return _to_all(values, tiles)


def change_writes(config: CrossbarConfig, tiles: int, *, initial: bool) -> Commands:
    """Let cells be written from now on as usual, or with ``initial`` as they are programmed first; tiles arm again."""
    values = write_settings(config.timing, config.algorithm(initial=initial))
    if config.array.pulse_entries:
        values = {registers.WRITE_TABLE.address: 0} | values
    return set_locked(tiles, values)


def _to_all(values: dict[int, int], tiles: int) -> Commands:
    """Write registers, by address, of all tiles."""
    addresses, contents = np.array(list(values)), np.array(list(values.values()))
    return write_register(np.repeat(np.arange(tiles), len(values)), np.tile(addresses, tiles), np.tile(contents, tiles))


def hold_entries(driven: np.ndarray, window: int, highest: int) -> Commands:
    """Let write drives hold entries of the pulse table; this pulses the first cell of each tile.

    Parameters
    ----------
    driven : int64 [tiles]
        ``2 * number + polarity``; less than 0: nothing is held.
    window : int
        Window of level 0, which is wide open meanwhile.
    highest : int
        Largest code.
    """
    tiles = np.flatnonzero(driven >= 0)
    wide = registers.LEVEL_WINDOW.pack(low=0, high=highest)
    number, polarity = np.divmod(driven[tiles], 2)
    return np.concatenate(
        [
            write_register(tiles, registers.LEVEL_BASE, wide),
            pack(Opcode.WRITE, tiles, first=1, polarity=polarity, entry=number),
            write_register(tiles, registers.LEVEL_BASE, window),
        ]
    )


def arm(tiles: int) -> Commands:
    """Arm all tiles again: no record of a pulse is driven then."""
    return pack(Opcode.ARM, np.arange(tiles), mode=Mode.WRITE)


def set_locked(tiles: int, values: Mapping[int, int]) -> Commands:
    """Disarm all tiles, write registers that are locked (values by address), and arm them again; interleaved."""
    every = np.arange(tiles)
    addresses, contents = np.array(list(values)), np.array(list(values.values()))
    written = write_register(np.tile(every, len(values)), np.repeat(addresses, tiles), np.repeat(contents, tiles))
    return np.concatenate([pack(Opcode.DISARM, every), written, arm(tiles)])


def look_at(tile: int) -> Commands:
    """Read a register of a tile; the arbiter has served it last then."""
    return pack(Opcode.READ_REGISTER, tile, address=registers.BY_NAME["IDENTITY"].address)


def drive(tiles: npt.ArrayLike, record: Record) -> Commands:
    """Bring the start codes of a bias record to the pins of some tiles."""
    return pack(Opcode.DRIVE, tiles, record=record)


def in_turn(opcode: Opcode, offsets: np.ndarray, **fields: np.ndarray) -> Commands:
    """Make one command per entry of the tiles' lists, interleaved: the first of every tile, then the second ...

    Parameters
    ----------
    opcode : Opcode
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``offsets[k]`` to ``offsets[k + 1]``.
    **fields : int arrays [n]
        Arguments by name.
    """
    order, tile = interleave(offsets)
    return pack(opcode, tile, **{name: values[order] for name, values in fields.items()})


def on_cells(opcode: Opcode, offsets: np.ndarray, cells: np.ndarray, columns: int, **fields: np.ndarray) -> Commands:
    """Make one command per cell of the tiles' lists (arguments as in `in_turn`)."""
    row, column = np.divmod(cells.astype(np.int64), columns)
    return in_turn(opcode, offsets, row=row, column=column, **fields)


def calibrate(offsets: np.ndarray, arguments: np.ndarray) -> Commands:
    """Calibrate what `twinbar.emulator.crossbar.needed_calibrations.calibrations` lists."""
    names = {"column": COLUMN, "subtract": SUBTRACT, "gain": GAIN}
    return in_turn(Opcode.CALIBRATE, offsets, **{name: arguments[:, column] for name, column in names.items()})


def multiply(
    config: CrossbarConfig,
    controller: ControllerConfig,
    block: TileBlock,
    inputs: np.ndarray,
    outputs: np.ndarray,
    sent: SentInputs,
    groups: np.ndarray | None = None,
) -> VectorBeats:
    """Make the beats of a batch.

    Tile by tile, the words of the used rows come before the command. Words that the tiles of a row share come once,
    before the commands of that row. Those of all members come before a cascade; shared ones before all cascades.

    Parameters
    ----------
    config : CrossbarConfig
    controller : ControllerConfig
    block : TileBlock
    inputs : int [batch, inputs]
    outputs : int64 [column tiles]
    sent : SentInputs
        What of it is left out.
    groups : int64 [row tiles], optional
        Input groups of the row tiles, if their column tiles share inputs.
    """
    row_tiles, column_tiles = block.shape
    batch = len(inputs)
    padded = np.zeros((batch, block.inputs + 1), np.uint8)
    padded[:, :-1] = inputs
    words = [input_words(padded[:, block.row_input[r][: block.used_rows[r]]], controller) for r in range(row_tiles)]
    numbers = block.numbers
    parts: list[np.ndarray] = []
    goes: list[np.ndarray] = []

    def load(r: int, tile: int, *, shared: bool = False) -> None:
        place = np.arange(words[r].shape[1])[None]
        clear = place == sent.words[r].argmax(axis=1)[:, None]
        parts.append(pack(Opcode.LOAD, tile, word=place, clear=clear, shared=shared, bits=words[r]))
        goes.append(sent.words[r])

    def product(first: np.ndarray, members: np.ndarray, c: int, takes_part: np.ndarray) -> None:
        parts.append(_products(config, numbers[first, c], outputs[c], members)[:, None])
        goes.append(takes_part[:, None])

    if block.cascade:
        if groups is not None:
            for r in range(row_tiles):
                load(r, groups[r], shared=True)
        for c in range(column_tiles):
            if groups is None:
                for r in range(row_tiles):
                    load(r, numbers[r, c])
            product(sent.first, sent.members, c, sent.members > 0)
    else:
        for r in range(row_tiles):
            if groups is not None:
                load(r, groups[r], shared=True)
            for c in range(column_tiles):
                if groups is None:
                    load(r, numbers[r, c])
                product(np.full(batch, r), np.zeros(batch, np.int64), c, sent.takes_part[r])
    chosen = np.concatenate(goes, axis=1)
    return VectorBeats(np.concatenate(parts, axis=1)[chosen], chosen.sum(axis=1))


def _products(config: CrossbarConfig, first: np.ndarray, outputs: npt.ArrayLike, members: npt.ArrayLike) -> Commands:
    """Make the `MULTIPLY` of tiles, or of cascades from their first members on; a tile by itself is 0 or 1 members."""
    array = config.array
    return pack(
        Opcode.MULTIPLY,
        first,
        outputs=np.asarray(outputs) % MAX_COLUMNS,
        subtract=array.pairs == "subtract",
        codes=array.inputs == "dac",
        skip=array.skip_empty,
        members=members,
    )


def follow(
    config: CrossbarConfig, block: TileBlock, outputs: np.ndarray, transfers: Sequence[Move], groups: np.ndarray
) -> Commands:
    """Make the beats of a chained layer for one vector: transfers that bring its inputs, and its products.

    Parameters
    ----------
    config : CrossbarConfig
    block : TileBlock
    outputs : int64 [column tiles]
    transfers : sequence of Move
    groups : int64 [row tiles]
        Input groups of the row tiles.
    """
    table = np.array(transfers, np.int64)
    sender, row_tile, first, words, word, clear = table.T
    moved = pack(Opcode.TRANSFER, sender, group=groups[row_tile], first=first, words=words, word=word, clear=clear)
    members = len(block.numbers) if block.cascade else 0
    return np.concatenate([moved, _products(config, block.numbers[0], outputs, members)])


def input_words(codes: np.ndarray, controller: ControllerConfig) -> npt.NDArray[np.int64]:
    """Pack the codes of neighbouring rows, uint8 [batch, rows], into words of the registers, int64 [batch, words]."""
    batch, rows = codes.shape
    words = -(-rows // controller.rows_per_word)
    padded = np.zeros((batch, words * controller.rows_per_word), np.int64)
    padded[:, :rows] = codes
    fields = padded.reshape(batch, words, controller.rows_per_word)
    return np.bitwise_or.reduce(fields << controller.field_bits * np.arange(controller.rows_per_word), axis=2)


def table(base: int, values: np.ndarray) -> Commands:
    """Write entries of a table that starts at an address, on every tile (int [tiles, entries])."""
    tiles, entries = values.shape
    tile = np.repeat(np.arange(tiles), entries)
    # Offsets are two's complement.
    return write_register(tile, np.tile(base + np.arange(entries), tiles), registers.OFFSET.put(values.reshape(-1)))


def sums(
    responses: Responses, block: TileBlock, sent: SentInputs, outputs: np.ndarray, lanes: int
) -> npt.NDArray[np.int64]:
    """Unpack what answers a batch of products of a layer.

    Parameters
    ----------
    responses : uint8 [n, RESPONSE_BYTES]
    block : TileBlock
    sent : SentInputs
    outputs : int64 [column tiles]
    lanes : int
        Outputs in a response beat.

    Returns
    -------
    int64 [row tiles, column tiles, batch, outputs]
        Of a cascade, there is one sum for all row tiles. What takes no part has given 0.
    """
    tile, found = lanes_of(responses, lanes)
    row_tiles, batch = sent.takes_part.shape
    codes = np.zeros((1 if block.cascade else row_tiles, len(outputs), batch, int(outputs.max())), np.int64)
    for (r, c), number in np.ndenumerate(block.numbers):
        answers = (sent.members > 0) & (sent.first == r) if block.cascade else sent.takes_part[r]
        own = found[tile == number].reshape(int(answers.sum()), -(-int(outputs[c]) // lanes) * lanes)
        codes[0 if block.cascade else r, c, answers, : outputs[c]] = own[:, : outputs[c]]
    return codes


def lanes_of(responses: Responses, lanes: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Unpack what answers products, tile by tile in the order of the commands: tiles, and lanes of each beat."""
    header = unpack(responses)
    mine = np.flatnonzero(header["opcode"] == Opcode.MULTIPLY.value)
    mine = mine[np.argsort(header["tile"][mine], kind="stable")]
    return header["tile"][mine], unpack_products(responses[mine], lanes)[1]


def results(opcode: Opcode, responses: Responses) -> dict[str, npt.NDArray[np.int64]]:
    """Unpack what answers an opcode, tile by tile in the order of the commands: the results, and the status."""
    header = unpack(responses)
    mine = np.flatnonzero(header["opcode"] == opcode.value)
    mine = mine[np.argsort(header["tile"][mine], kind="stable")]
    return {"status": header["status"][mine], **unpack_results(opcode, responses[mine])}
