"""The compiled core of a virtual board: bytes on its UART, and the cells behind it."""

import ctypes
from typing import Final

import numpy as np

from twinbar.emulator.crossbar.cell_state import make_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig, with_parts
from twinbar.emulator.engines.rtl.netlist_library import other_storage
from twinbar.emulator.pins import part_tables
from twinbar.emulator.pins.array_abi import Arrays, arrays_of, record_of
from twinbar.emulator.pins.complaints import Complaint, read_complaint
from twinbar.emulator.virtual.board_tables import BoardTables
from twinbar.emulator.virtual.core_library import compiled_core
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.board_core import CoreConfig

_MOST_BYTES: Final = 1 << 16
_MOST_COMPLAINTS: Final = 1000


class CompiledBoard:
    """The whole core of a board, compiled, with models of its parts and its array.

    Parameters
    ----------
    core : CoreConfig
    crossbar : CrossbarConfig, optional
        The array behind its front ends; a core that emulates its array takes none.
    words : bool
        Bytes and words pass the UART's and the buses' serialisers by. Cycles are the same; it is not the bit level.

    Raises
    ------
    ConfigError
        If core and crossbar do not fit each other, or the array model cannot follow from what the parts drive.
    ToolMissingError
        If there is no C++ compiler, or no Yosys.

    Attributes
    ----------
    core : CoreConfig
    words : bool
    """

    def __init__(self, core: CoreConfig, crossbar: CrossbarConfig | None = None, *, words: bool = False) -> None:
        self.core, self.words = core, words
        self._tables = BoardTables(core, words=words)
        self._arrays = Arrays() if core.array is not None else self._connect(crossbar)
        self._library = _load(str(compiled_core(core)))
        self._board: int | None = self._library.twinbar_board_create(
            ctypes.byref(self._tables.board), ctypes.byref(self._arrays)
        )
        if self._board is None:
            raise other_storage()
        self._bytes = ctypes.create_string_buffer(_MOST_BYTES)
        self._complaints = (part_tables.Complaint * _MOST_COMPLAINTS)()

    def _connect(self, crossbar: CrossbarConfig | None) -> Arrays:
        """Make the array behind the pins."""
        core = self.core
        if crossbar is None:
            raise ConfigError("nothing is behind the pins of this board; give it an array, or a core that emulates one")
        if crossbar.clock_hz != core.link.clock_hz:
            raise ConfigError(
                f"the crossbar's pulses are for a clock of {crossbar.clock_hz / 1e6:g} MHz, and the board has "
                f"{core.link.clock_hz / 1e6:g} MHz; set timing.clock_hz to that"
            )
        if core.parts is not None:
            crossbar = with_parts(crossbar, core.parts)
        self._state = make_cells(crossbar, core.controller)
        self._record = record_of(self._state)
        return arrays_of(self._state, self._record, sample_and_hold=crossbar.array.sample_and_hold)

    def __del__(self) -> None:
        board = getattr(self, "_board", None)
        if board is not None:
            self._library.twinbar_board_destroy(board)
            self._board = None

    def send(self, data: bytes) -> None:
        """Send bytes to the board's UART; they take their time on the line."""
        self._library.twinbar_board_send(self._board, data, len(data))

    def receive(self) -> bytes:
        """Take the bytes that the board has sent."""
        found = b""
        while count := self._library.twinbar_board_receive(self._board, self._bytes, _MOST_BYTES):
            found += self._bytes.raw[:count]
        return found

    def run(self, cycles: int) -> None:
        """Let cycles pass: so many, or those up to the end of the next frame that the board sends."""
        self._library.twinbar_board_run(self._board, self.cycle + cycles)

    def stop(self, level: bool) -> None:
        """Set the level of the pin that halts and disarms all tiles."""
        self._library.twinbar_board_stop(self._board, int(level))

    @property
    def cycle(self) -> int:
        """Cycles since power-up."""
        return self._times()[0]

    @property
    def active_cycle(self) -> int:
        """The last cycle in which a byte was on the line, or a command under way."""
        return self._times()[1]

    @property
    def quiet_cycles(self) -> int:
        """Cycles since then."""
        cycle, active, _ = self._times()
        return cycle - active

    @property
    def evaluated_cycles(self) -> int:
        """Cycles in which something moved; the others were skipped, because the netlist shows that nothing did."""
        return self._times()[2]

    def _times(self) -> tuple[int, int, int]:
        times = (ctypes.c_int64 * 3)()
        self._library.twinbar_board_time(self._board, times)
        return times[0], times[1], times[2]

    def complaints(self) -> tuple[int, list[Complaint]]:
        """Return how often a limit of the parts or of the array was broken, and the first of these times."""
        count = self._library.twinbar_board_complaints(self._board, self._complaints, _MOST_COMPLAINTS)
        first = self._complaints[: min(count, _MOST_COMPLAINTS)]
        return count, [read_complaint(found, self.core.parts) for found in first]

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array: ``g``, ``pulses``, ``last_tick``, ``fault`` and ``conversions``.

        They are those of `twinbar.emulator.contract.program.ProgramController.cells`.

        Raises
        ------
        ConfigError
            If the core emulates its array: the cells lie in its memory then.
        """
        if self.core.array is not None:
            raise ConfigError("the cells of an emulated array lie in the core; a host reads them with READ")
        return save_cells(self._state)


def _load(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("create", pointer, [pointer, pointer]),
        ("destroy", None, [pointer]),
        ("send", None, [pointer, ctypes.c_char_p, size]),
        ("receive", size, [pointer, pointer, size]),
        ("run", None, [pointer, ctypes.c_int64]),
        ("time", None, [pointer, pointer]),
        ("complaints", ctypes.c_int64, [pointer, pointer, ctypes.c_int64]),
        ("stop", None, [pointer, ctypes.c_int]),
    ):
        function = getattr(library, f"twinbar_board_{name}")
        function.restype, function.argtypes = result, arguments
    return library
