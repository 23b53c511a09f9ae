"""What the responses of a board tell of its cells and converters, where no emulation does."""

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import unpack, unpack_arguments, unpack_commands, unpack_results
from twinbar.hw.protocol.registers import OFFSET, OFFSETS, PAIR_OFFSETS
from twinbar.hw.protocol.vocabulary import Opcode

_READING = (Opcode.READ, Opcode.WRITE, Opcode.FORM)
"""Operations whose code is that of the cell when they end."""
_PULSING = (Opcode.WRITE, Opcode.FORM, Opcode.PULSE)
_Q24 = 24


def pulses_of(responses: np.ndarray, cells: int, columns: int, tiles: int) -> np.ndarray:
    """Count the pulses that responses report (uint32 [tiles, cells])."""
    pulses = np.zeros(tiles * cells, np.int64)
    for opcode in _PULSING:
        tile, found = _of(opcode, responses)
        address = tile * cells + found["row"] * columns + found["column"]
        np.add.at(pulses, address, found["sets"] + found["resets"])
    return pulses.reshape(tiles, cells).astype(np.uint32)


def put_readings(g: np.ndarray, responses: np.ndarray, config: CrossbarConfig) -> None:
    """Put the conductances that were read last into an array of them.

    Parameters
    ----------
    g : int32 [tiles, cells]
        Conductances, Q24; changed where a cell was read.
    responses : uint8 [n, RESPONSE_BYTES]
    config : CrossbarConfig
    """
    array, gain = config.array, int(config.cells.scalars[0].read_gain)
    opcodes = unpack(responses)["opcode"]
    chosen = responses[np.isin(opcodes, [opcode.value for opcode in _READING])]
    if not len(chosen):
        return
    found = unpack_results(Opcode.READ, chosen)
    grid = found["code"] * (1 << 20) / gain
    value = np.clip(np.rint(grid * (1 << _Q24 - array.grid_bits)), 0, np.iinfo(np.int32).max).astype(np.int32)
    # Of several readings of a cell the last one counts.
    g[unpack(chosen)["tile"], found["row"] * array.columns + found["column"]] = value


class OffsetTables:
    """The offsets that a board holds of its columns and pairs, and what raw codes sums stand for.

    Parameters
    ----------
    config : CrossbarConfig
    tiles : int
    """

    def __init__(self, config: CrossbarConfig, tiles: int) -> None:
        self._array = config.array
        self._least = int(config.cells.scalars[0].adc_min)
        self._tables = np.zeros((2, tiles, MAX_COLUMNS), np.int64)

    def note(self, commands: np.ndarray, responses: np.ndarray) -> None:
        """Learn from calibrations, and from tables that were written."""
        header = unpack_commands(commands)
        chosen = commands[header["opcode"] == Opcode.CALIBRATE.value]
        arguments, tile = unpack_arguments(Opcode.CALIBRATE, chosen), unpack_commands(chosen)["tile"]
        answering, found = _of(Opcode.CALIBRATE, responses)
        if len(answering) == len(tile):
            # Each tile answers in the order of its commands.
            asked, answered = np.argsort(tile, kind="stable"), np.argsort(answering, kind="stable")
            pair, column = arguments["subtract"][asked], arguments["column"][asked]
            offset = arguments["gain"][asked] == 0
            self._tables[pair[offset], tile[asked][offset], column[offset]] = found["code"][answered][offset]
        chosen = commands[header["opcode"] == Opcode.WRITE_REGISTER.value]
        arguments, tile = unpack_arguments(Opcode.WRITE_REGISTER, chosen), unpack_commands(chosen)["tile"]
        table = arguments["address"] >= OFFSETS.base
        address, value = arguments["address"][table], arguments["value"][table]
        of_pair = address >= PAIR_OFFSETS.base
        index = address - np.where(of_pair, PAIR_OFFSETS.base, OFFSETS.base)
        self._tables[of_pair.astype(int), tile[table], index] = OFFSET.of(value)

    def extremes(self, responses: np.ndarray, tiles: int) -> np.ndarray:
        """Return least and largest raw code of products of one input step, and how many were at the converter's ends.

        Returns
        -------
        int64 [tiles, 3]
            0 where there were none.
        """
        tile, found = _of(Opcode.MULTIPLY, responses)
        raw = found["sum"] + self._tables[int(self._array.pairs == "subtract"), tile, found["column"]]
        low, high = self._array.code_range
        low = low if self._array.pairs == "subtract" else self._least
        extremes = np.zeros((tiles, 3), np.int64)
        for number in np.unique(tile).tolist():
            codes = raw[tile == number]
            extremes[number] = codes.min(), codes.max(), (((codes <= low) & (low < 0)) | (codes >= high)).sum()
        return extremes


def _of(opcode: Opcode, responses: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    fields = unpack(responses)
    chosen = fields["opcode"] == opcode.value
    return fields["tile"][chosen], unpack_results(opcode, responses[chosen])
