"""A board for a notebook: typed operations on its cells, NumPy arrays in and out."""

from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from twinbar.boards.board import DEFAULT_BAUD
from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.configuration import CrossbarConfig, range_code
from twinbar.host.board.bias_record import BiasRecord
from twinbar.host.board.commands import Ints, Progress, run, run_on_cells
from twinbar.host.board.identity import board_controller
from twinbar.host.board.iv_sweep import IvCurve, iv_sweep
from twinbar.host.board.products import Multiplication, multiply
from twinbar.host.board_state import leave_safe, make_safe
from twinbar.host.transport.line import Line, open_line
from twinbar.host.transport.link import Link
from twinbar.host.transport.registers import read_counters, read_faults, write_registers
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

ModeName = Literal["read", "write"]
RecordName = Literal["read", "set", "reset", "form", "multiply"]
PulseName = Literal["set", "reset", "form"]


@dataclass(frozen=True)
class Written:
    """Cells that were written or formed; arrays of the shape that rows and columns had.

    Parameters
    ----------
    codes : int64
        ADC code of the last read.
    sets, resets : int64
        Pulses given; forming pulses count as SET.
    ok : bool
        Whether the code lies in the window.
    """

    codes: Ints
    sets: Ints
    resets: Ints
    ok: npt.NDArray[np.bool_]


class Board:
    """A board, with the operations that a person at a bench asks for.

    A tile must be armed before it touches its array: `configure` and `arm` do that. Rows, columns and levels may be
    arrays of any shape; they are broadcast against each other, and what is returned has that shape.

    Parameters
    ----------
    port : str or Line
        Serial port, ``socket://host:port``, or an open line.
    baud : int
        Rate that the board was built for.
    config : CrossbarConfig, optional
        What the board is for. With it voltages can be given in volts, and `configure` writes all its registers.

    Raises
    ------
    LinkError
        If no board answers.
    ConfigError
        If it is not for this configuration.
    """

    def __init__(self, port: str | Line, baud: int = DEFAULT_BAUD, config: CrossbarConfig | None = None) -> None:
        self.link = Link(open_line(port, baud) if isinstance(port, str) else port)
        hello = self.link.hello
        self._closed = False
        self.config = config
        self.tiles, self.rows, self.columns = hello.tiles, hello.rows, hello.columns
        self._controller = ControllerConfig(
            tiles=hello.tiles,
            rows=hello.rows,
            columns=hello.columns,
            adc_channels=hello.adc_channels,
            adc_bits=hello.adc_bits,
            input_bits=hello.input_bits,
        )
        if config is not None:
            try:
                board_controller(hello, config, config.geometry.controller(hello.tiles))
            except ConfigError:
                # Nothing is armed yet: the session began with a reset.
                self.link.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except LinkError as unsafe:
            if error is None:
                raise
            error.add_note(str(unsafe))

    def close(self) -> None:
        """Make the board safe, in another session if this one was broken off, and give the port back.

        Raises
        ------
        LinkError
            If the board has not said that it is safe. The port is given back all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            leave_safe(self.link)
        finally:
            self.link.close()

    # --- state --------------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Write the registers, bias records and level windows of the configuration to all tiles, and arm them."""
        config = self._need_config("configure")
        run(self.link, beats.configure(config, self.tiles))

    def arm(self, mode: ModeName = "write", tile: int | None = None) -> None:
        """Permit operations on one tile, or all: "read" (the write gate stays closed) or "write" (all operations)."""
        run(self.link, pack(Opcode.ARM, self._all(tile), mode=Mode[mode.upper()]))

    def disarm(self, tile: int | None = None) -> None:
        """Forbid all operations on the array of one tile, or of all; the lines go to their safe codes."""
        run(self.link, pack(Opcode.DISARM, self._all(tile)))

    def safe(self) -> int:
        """Stop and disarm every tile at once; gives how many have said so."""
        return make_safe(self.link)

    def faults(self, tile: int = 0) -> set[str]:
        """Give the names of the faults that a tile has latched."""
        return read_faults(self.link, tile)

    def clear(self, tile: int | None = None) -> None:
        """Clear the latched faults of one tile, or of all; they stay disarmed."""
        run(self.link, pack(Opcode.CLEAR, self._all(tile)))

    def counters(self, tile: int = 0) -> dict[str, dict[str, int]]:
        """Give the ``cycles`` of a tile by phase and its ``actions``, since power-up, modulo 2**36."""
        cycles, actions = read_counters(self.link, tile)
        return {"cycles": cycles, "actions": {action.name.lower(): count for action, count in actions.items()}}

    def set_record(self, record: RecordName, bias: BiasRecord, tile: int = 0) -> None:
        """Set what reads, SET, RESET and FORM pulses, or multiplications drive. The tile is disarmed, and stays so."""
        self.disarm(tile)
        write_registers(self.link, tile, bias.registers(Record[record.upper()]))

    def set_levels(self, low: npt.ArrayLike, high: npt.ArrayLike, tile: int = 0) -> None:
        """Set the windows of the levels: lowest and highest ADC code of each. The tile is disarmed, and stays so."""
        bottom, top = np.broadcast_arrays(np.atleast_1d(low), np.atleast_1d(high))
        self.disarm(tile)
        values: dict[str | int, int] = {registers.LEVELS.address: len(bottom)}
        windows = zip(bottom.tolist(), top.tolist(), strict=True)
        values |= {
            registers.LEVEL_BASE + level: registers.LEVEL_WINDOW.pack(low=least, high=most)
            for level, (least, most) in enumerate(windows)
        }
        write_registers(self.link, tile, values)

    # --- cells --------------------------------------------------------------------------------------------------

    def read(
        self, rows: npt.ArrayLike, columns: npt.ArrayLike, tile: int = 0, progress: Progress | None = None
    ) -> Ints:
        """Read cells; gives their ADC codes, averaged as the registers say. No pulse is given."""
        return run_on_cells(self.link, Opcode.READ, tile, progress, row=rows, column=columns)["code"]

    def conductances_s(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the conductances in siemens that ADC codes of `read` stand for, by the range of the configuration."""
        levels, cells = self._need_config("conductances_s").levels, self._need_config("conductances_s").cells
        span = float(levels.centre[-1] - levels.centre[0])
        share = (np.asarray(codes, np.float64) - float(levels.centre[0])) / span
        return cells.g_min_s + share * (cells.g_max_s - cells.g_min_s)

    def write_levels(
        self,
        rows: npt.ArrayLike,
        columns: npt.ArrayLike,
        levels: npt.ArrayLike,
        tile: int = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Write cells to levels by closed-loop write-verify, pulse by pulse until the code lies in the window."""
        return self._written(Opcode.WRITE, tile, progress, row=rows, column=columns, level=levels)

    def form(
        self,
        rows: npt.ArrayLike,
        columns: npt.ArrayLike,
        level: npt.ArrayLike = 0,
        tile: int = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Form cells: pulses of the record "form" until the code reaches the window of a level (see `set_record`)."""
        return self._written(Opcode.FORM, tile, progress, row=rows, column=columns, level=level)

    def pulse(
        self,
        rows: npt.ArrayLike,
        columns: npt.ArrayLike,
        record: PulseName,
        count: npt.ArrayLike = 1,
        tile: int = 0,
        progress: Progress | None = None,
    ) -> Ints:
        """Give cells so many pulses without reading; gives the pulses that each has had. Ramps start anew per cell."""
        drives = Record[record.upper()].value
        found = run_on_cells(
            self.link, Opcode.PULSE, tile, progress, row=rows, column=columns, count=count, record=drives
        )
        return found["sets"] + found["resets"]

    def _written(self, opcode: Opcode, tile: int, progress: Progress | None, **fields: npt.ArrayLike) -> Written:
        found = run_on_cells(self.link, opcode, tile, progress, may_fail=True, **fields)
        return Written(found["code"], found["sets"], found["resets"], found["status"] == Status.OK.value)

    # --- products and sweeps --------------------------------------------------------------------------------------

    def multiply(
        self,
        inputs: npt.ArrayLike,
        outputs: int | None = None,
        *,
        subtract: bool = True,
        codes: bool = True,
        full_scale: float | None = None,
        tile: int = 0,
        progress: Progress | None = None,
    ) -> Ints:
        """Multiply input vectors by the conductances of a tile.

        Parameters
        ----------
        inputs : int [rows] or [batch, rows]
            Input codes, 0 to ``2**input_bits - 1``; rows that are left out at the end are 0.
        outputs, subtract, codes
            See `Multiplication`.
        full_scale : float, optional
            Column current of the largest ADC code, in currents of a cell at Gmax whose row is driven by code 1 (which
            needs a configuration); by default as it was.
        tile : int
        progress : callable, optional

        Returns
        -------
        int64 [outputs] or [batch, outputs]
            Sums of ADC codes.
        """
        if full_scale is not None:
            code = range_code(full_scale * (1 << self._need_config("a full scale").geometry.grid_bits))
            write_registers(self.link, tile, {registers.RANGE_MULTIPLY.address: code})
        how = Multiplication(tile, outputs, subtract, codes)
        return multiply(self.link, self._controller, inputs, how, progress)

    def iv_sweep(
        self,
        row: int,
        column: int,
        bit_line: npt.ArrayLike,
        *,
        samples: int = 1,
        tile: int = 0,
        progress: Progress | None = None,
    ) -> IvCurve:
        """Read a cell at several voltages of its bit line; no pulse is given, and the tile is disarmed afterwards.

        Parameters
        ----------
        row, column : int
        bit_line : float or int [points]
            Floats are volts (which needs a configuration), whole numbers DAC codes. A point outside the window of the
            record READ (registers READ_LOW and READ_HIGH) is refused by the tile.
        samples : int
            Conversions per point.
        tile : int
        progress : callable, optional
        """
        asked = np.atleast_1d(np.asarray(bit_line))
        drive = asked.astype(np.int64)
        if asked.dtype.kind == "f":
            volts_to_code = self._need_config("a sweep in volts").cells.volts_to_code
            drive = np.array([volts_to_code(volts) for volts in asked.tolist()], np.int64)
        return IvCurve(
            asked.astype(np.float64), drive, *iv_sweep(self.link, (tile, row, column), drive, samples, progress)
        )

    def _need_config(self, what: str) -> CrossbarConfig:
        if self.config is None:
            raise ConfigError(f"{what} needs the configuration of the array; give it to Board as `config`")
        return self.config

    def _all(self, tile: int | None) -> Ints:
        return np.arange(self.tiles) if tile is None else np.array([tile])
