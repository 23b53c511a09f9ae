"""The verbs on cells: one class, whatever controller carries them out."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.needed_calibrations import calibrations
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.engines.front_end_memory import come_to_rest
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.host.cells.accounted_controller import AccountedController, ProgramRunner
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.calibrated_levels import calibrated_windows, write_calibrated
from twinbar.host.cells.cell_commands import Progress, command_fields, run_on_cells, write_until
from twinbar.host.cells.conductance import ConductanceScale, check_conductances_can_be_written, write_conductance
from twinbar.host.cells.conductance_reader import read_conductances
from twinbar.host.cells.iv_sweep import IvCurve, iv_sweep
from twinbar.host.cells.multiplication import Multiplication, multiply
from twinbar.host.cells.places import Ints, as_array, locate, whole_numbers
from twinbar.host.cells.read_calibration import ReadCalibration, load_calibration
from twinbar.host.cells.reference_resistors import fit_calibration, read_resistors
from twinbar.hw.actions import ACTIONS
from twinbar.hw.errors import ConfigError, RefusedError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import FAULTS
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.registers import record_address
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import MAX_WIDTH, PHASES

ModeName = Literal["read", "write"]
RecordName = Literal["read", "set", "reset", "form", "multiply"]
PulseName = Literal["set", "reset", "form"]
Tiles = npt.ArrayLike | None
"""Numbers of tiles; None is all of them."""
Floats = npt.NDArray[np.float64]

_ENERGY: Final = ("energy_parts_j", "efficiency", "energy_j", "energy_breakdown_j", "energy_uncertainty_j")


@dataclass(frozen=True)
class Written:
    """Cells that were written or formed; arrays of the shape that was asked for.

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

    @property
    def missed(self) -> tuple[Ints, ...]:
        """Where cells were missed: an index into these arrays."""
        return tuple(np.nonzero(~self.ok))


@dataclass(frozen=True)
class WrittenConductance(Written):
    """Cells that were written to conductances; arrays of the shape that was asked for.

    Parameters
    ----------
    conductance_s : float64
        What the last read says, in siemens.
    error_s : float64
        By how much that differs from what was asked for.
    """

    conductance_s: Floats
    error_s: Floats


class Cells:
    """Cells behind a controller.

    Cells are named by ``rows`` and ``columns`` and the ``tile`` (0 unless given), whole numbers or arrays of any shape,
    which are broadcast against each other and against the values; results have that shape. Without rows and columns
    it is every cell of the tile. A tile must be armed before its cells are touched; see `arm`.

    What takes long has ``progress``, a callable that is told how many operations are done, and how many there are.

    Parameters
    ----------
    controller : ProgramRunner
        An engine's, or a board's.
    config : CrossbarConfig, optional
        What the cells are. Without it there are no siemens, volts and joules, and registers are as they are found.
    clock_hz : float
    energy_table : str
        Name or file of the prices in `cost`.

    Attributes
    ----------
    tiles, rows, columns : int
    """

    def __init__(
        self,
        controller: ProgramRunner,
        config: CrossbarConfig | None,
        clock_hz: float,
        energy_table: str = "macro-65nm",
    ) -> None:
        shape = controller.controller
        self.config = config
        self.controller = controller
        self.tiles, self.rows, self.columns = shape.tiles, shape.rows, shape.columns
        if config is None:
            ledger = _ledger_without_prices(clock_hz, shape.tiles)
        else:
            ledger = Ledger.of_crossbar(load_energy_table(energy_table), config, shape.tiles)
        self._run = AccountedController(controller, ledger)
        self._levels = np.full(self.tiles, registers.LEVELS.most)
        self._nominal_windows = False
        """Windows of levels are those of the configuration."""
        self._calibration: ReadCalibration | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cells in a safe state."""

    # --- state --------------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Write registers, bias records and level windows of the configuration to all tiles; they are disarmed then.

        The ADC range of multiplications becomes the largest that there can be. `cost` and `counters` leave this out.

        Raises
        ------
        ConfigError
            If there is no configuration.
        """
        config = self._need_config("configure")
        array = config.array
        largest = config.range_code(float(array.rows * array.step_input_max << array.grid_bits))
        every = np.arange(self.tiles)
        commands = [
            pack(Opcode.DISARM, every),
            beats.set_registers(config, self.tiles),
            beats.write_register(every, registers.RANGE_MULTIPLY.address, largest),
            come_to_rest(config, self.tiles),
        ]
        self._run.run(np.concatenate(commands), "initialization")
        self._levels[:] = len(config.levels)
        self._nominal_windows = True

    def calibrate(self) -> None:
        """Measure the offsets of columns and pairs, and trim the gains of ADC channels, where converters differ.

        The tiles must be armed. `cost` and `counters` leave this out, as the report of a training has it apart.
        """
        config = self._need_config("calibrate")
        offsets, arguments = calibrations(config, np.full(self.tiles, self.columns))
        self._run.run(beats.calibrate(offsets, arguments), "initialization")

    @property
    def calibration(self) -> ReadCalibration | None:
        """What codes of reads stand for on this board; None: what the configuration says."""
        return self._calibration

    def use_calibration(self, calibration: ReadCalibration | str | Path | None) -> None:
        """Correct siemens from now on by what was found with resistors, or with None as the configuration says.

        It goes for `read_conductance` and `write_conductance`, and for `write_levels` and `form` where the windows of
        levels are those of the configuration: these are corrected by it. Windows of `set_levels` are codes, and stay.

        Parameters
        ----------
        calibration : ReadCalibration, str or Path, optional
            Or the file of one.

        Raises
        ------
        ConfigError
            If it was made with another front end or in another range, or there are several tiles.
        """
        found = load_calibration(calibration) if isinstance(calibration, str | Path) else calibration
        if found is not None:
            if not isinstance(found, ReadCalibration):
                raise ConfigError(f"a calibration is a ReadCalibration or its file, not {type(found).__name__}")
            self._need_one_tile()
            shape = self._run.shape
            found.check(shape.adc_bits, shape.adc_channels, self._full_scale_s)
        self._calibration = found

    def calibrate_reads(
        self,
        siemens: npt.ArrayLike | Path,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        *,
        samples: int = 16,
        progress: Progress | None = None,
    ) -> ReadCalibration:
        """Find out with cells that are resistors of known values what codes stand for, and use that from now on.

        Offset and gain of every ADC channel, by least squares. It needs no trim, so that it serves serial parts too.
        Calibrate offsets first (`calibrate`). The tile must be armed.

        Parameters
        ----------
        siemens : float array, str or Path
            Conductances, or a table of resistors (`twinbar.host.cells.reference_resistors.read_resistors`).
        rows, columns : int array, optional
            Of the resistors, unless the table says it.
        samples : int
            Reads of each resistor, whose codes are averaged.
        progress : callable, optional

        Raises
        ------
        ConfigError
            If a channel has not got two resistors within its range, a conductance is negative or not finite, or there
            are several tiles.
        """
        self._need_one_tile()
        if isinstance(siemens, str | Path):
            if rows is not None or columns is not None:
                raise ConfigError(f"{siemens} says where its resistors are; leave out rows and columns")
            rows, columns, siemens = read_resistors(siemens)
        if not isinstance(samples, int | np.integer) or samples < 1:
            raise ConfigError(f"{samples} reads of each resistor cannot be averaged; give 1 or more")
        known = as_array("siemens", siemens)
        if known.dtype.kind not in "iuf":
            raise ConfigError(f"siemens are of type {known.dtype}; give the conductances of the resistors")
        places, values = locate(self._run.shape, 0, rows, columns, siemens=known.astype(np.float64))
        asked = places.part(np.tile(np.arange(len(places)), samples))
        codes = run_on_cells(self._run, Opcode.READ, asked, progress, kind="read")["code"]
        shape, parts = self._run.shape, self.config.parts if self.config else None
        found = fit_calibration(
            codes.reshape(samples, -1).mean(axis=0),
            values["siemens"],
            places.column,
            adc_bits=shape.adc_bits,
            channels=shape.adc_channels,
            least_code=0 if parts is None else max(0, parts.adc.least_code(shape.adc_bits)),
            series_ohm=self.config.read_series_ohm if self.config else 0.0,
            full_scale_s=self._full_scale_s,
        )
        self.use_calibration(found)
        return found

    @property
    def _full_scale_s(self) -> float | None:
        return self.scale.siemens_per_code * (1 << self._run.shape.adc_bits) if self.config else None

    def _need_one_tile(self) -> None:
        if self.tiles > 1:
            raise ConfigError(f"a calibration of reads is for the front end of one tile, and there are {self.tiles}")

    def arm(self, mode: ModeName = "write", tile: Tiles = None) -> None:
        """Permit operations on some tiles, or all: "read" (the write gate stays closed) or "write" (all operations).

        Parameters
        ----------
        mode : {"write", "read"}
        tile : int array, optional
            By default all.

        Raises
        ------
        ConfigError
            If there is no such mode or tile.
        """
        if mode not in ("read", "write"):
            raise ConfigError(f'a tile is armed for "read" or "write", not for {mode!r}')
        self._run.run(pack(Opcode.ARM, self._tiles(tile), mode=Mode[mode.upper()]))

    def disarm(self, tile: Tiles = None) -> None:
        """Forbid all operations on the arrays of some tiles, or of all; the lines go to their safe codes.

        Parameters
        ----------
        tile : int array, optional
            By default all.
        """
        self._run.run(pack(Opcode.DISARM, self._tiles(tile)))

    def safe(self) -> int:
        """Stop and disarm every tile at once; returns how many have said so.

        Raises
        ------
        RefusedError
            If a tile has not.
        """
        answers = unpack(self._run.run(pack(Opcode.SAFE, 0)))
        silent = set(range(self.tiles)) - set(answers["tile"].tolist())
        if silent:
            raise RefusedError(
                f"tile {min(silent)} has not said that it is disarmed; switch the supply of the array off"
            )
        return self.tiles

    def clear(self, tile: Tiles = None) -> None:
        """Clear the latched faults of some tiles, or of all; they stay disarmed.

        Parameters
        ----------
        tile : int array, optional
            By default all.
        """
        self._run.run(pack(Opcode.CLEAR, self._tiles(tile)))

    def faults(self, tile: int = 0) -> set[str]:
        """Return the names of the faults that a tile has latched.

        Parameters
        ----------
        tile : int
        """
        number = self._tiles(tile)
        found = unpack(self._run.run(pack(Opcode.READ_REGISTER, number, address=registers.BY_NAME["IDENTITY"].address)))
        return {fault.name for fault in FAULTS if fault.name in found and found[fault.name][0]}

    def counters(self, tile: npt.ArrayLike = 0) -> dict[str, dict[str, Any]]:
        """Return the ``cycles`` of tiles by phase, and their ``actions``, since this object was made.

        Returns
        -------
        dict
            Of whole numbers, or of int64 arrays of the shape of ``tile``. Those of a board are its own counters, less
            the reads of them; what no board counts (``row_drive``, ``channel_cycle``, ``channel_wake``) is predicted.
        """
        number = self._tiles(tile).reshape(np.shape(tile))

        def named(names: tuple[str, ...], counts: Ints) -> dict[str, Any]:
            found = {name: counts[number, place] for place, name in enumerate(names)}
            return found if number.ndim else {name: int(count) for name, count in found.items()}

        return {"cycles": named(PHASES, self._run.phases), "actions": named(ACTIONS, self._run.actions)}

    @property
    def cost(self) -> dict[str, Any]:
        """What was done through this object, and what that took (`twinbar.emulator.ledger.ledger.Ledger.summary`).

        Cycles, seconds and joules have the keys of a training's totals. Without a configuration there are no joules.
        """
        summary = self._run.ledger.summary()
        return summary if self.config else {key: value for key, value in summary.items() if key not in _ENERGY}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known before results are trusted, one sentence each."""
        return self.config.warnings if self.config else ()

    # --- registers ----------------------------------------------------------------------------------------------

    def set_record(self, record: RecordName, bias: BiasRecord, tile: Tiles = None) -> None:
        """Set what reads, SET, RESET and FORM pulses, or multiplications drive. The tiles are disarmed, and stay so.

        Parameters
        ----------
        record : {"read", "set", "reset", "form", "multiply"}
        bias : BiasRecord
            DAC codes of the lines over the pulses of a command, the width in clock cycles, and the code of the limit.
        tile : int array, optional
            By default all.
        """
        self._write_locked(self._tiles(tile), bias.registers(Record[record.upper()]))

    def set_levels(self, low: npt.ArrayLike, high: npt.ArrayLike, tile: Tiles = None) -> None:
        """Set the windows of the levels. The tiles are disarmed, and stay so.

        Parameters
        ----------
        low, high : int [levels]
            Lowest and highest ADC code of each level.
        tile : int array, optional
            By default all.
        """
        bottom, top = np.broadcast_arrays(np.atleast_1d(low), np.atleast_1d(high))
        windows = enumerate(zip(bottom.tolist(), top.tolist(), strict=True))
        values = {registers.LEVELS.address: len(bottom)} | {
            registers.LEVEL_BASE + level: registers.LEVEL_WINDOW.pack(low=least, high=most)
            for level, (least, most) in windows
        }
        self._write_locked(self._tiles(tile), values)
        self._levels[self._tiles(tile)] = len(bottom)
        self._nominal_windows = False

    def ramp(self, start_v: float, step_v: float = 0.0, stop_v: float | None = None, *, reads: bool = False) -> Ramp:
        """Return the DAC codes of a line over the pulses of a command.

        Parameters
        ----------
        start_v, step_v : float
            Volts at the first pulse, and by how much each one after it differs.
        stop_v : float, optional
            Volts that no pulse goes beyond; by default those of the start.
        reads : bool
            Whether the codes are for the bit line in the records "read" and "multiply", whose drive may have another
            full scale.

        Raises
        ------
        ConfigError
            If there is no configuration, or the drive does not reach a voltage.
        """
        config = self._need_config("a voltage")
        codes = config.read_volts_to_code if reads else config.cells.volts_to_code
        return Ramp(codes(start_v), codes(step_v), codes(start_v if stop_v is None else stop_v))

    def limit_code(self, ampere: float) -> int:
        """Return the code of a current limit (`BiasRecord.compliance`): the greatest that passes no more.

        Parameters
        ----------
        ampere : float

        Raises
        ------
        ConfigError
            If the limiter is not known, or cannot be set so.
        """
        parts = self._need_config("a limit in amperes").parts
        if parts is None or parts.scale is None:
            raise ConfigError("a limit in amperes: this front end's limiter is not known; give the limit's code")
        return parts.scale.limit_code(ampere)

    def pulse_cycles(self, width_s: float) -> int:
        """Return the clock cycles of a pulse.

        Parameters
        ----------
        width_s : float
            Width in seconds.

        Raises
        ------
        ConfigError
            If there is no configuration, or the width is not a whole number of cycles.
        """
        clock_hz = self._need_config("a width in seconds").clock_hz
        cycles = round(width_s * clock_hz)
        if not (1 <= cycles <= MAX_WIDTH and abs(cycles / (width_s * clock_hz) - 1) < 1e-6):
            raise ConfigError(f"a pulse of {width_s:g} s is not a whole number of cycles of {clock_hz / 1e6:g} MHz")
        return cycles

    def _write_locked(self, tiles: Ints, values: dict[int, int]) -> None:
        addresses, contents = np.array(list(values)), np.array(list(values.values()))
        number = np.repeat(tiles, len(values))
        writes = beats.write_register(number, np.tile(addresses, len(tiles)), np.tile(contents, len(tiles)))
        self._run.run(np.concatenate([pack(Opcode.DISARM, tiles), writes]))

    # --- cells --------------------------------------------------------------------------------------------------

    def read(
        self,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Ints:
        """Read cells. No pulse is given.

        Parameters
        ----------
        rows, columns : int array, optional
            Every cell of the tile where both are left out (see `Cells`).
        tile : int array
        progress : callable, optional
            Is told the operations that are done, and how many there are.

        Returns
        -------
        int64 array
            ADC codes, averaged as the registers say, in the shape of the cells.

        Raises
        ------
        ConfigError
            If there is no such cell.
        RefusedError
            If a tile is not armed.
        """
        places, _ = locate(self._run.shape, tile, rows, columns)
        return run_on_cells(self._run, Opcode.READ, places, progress, kind="read")["code"].reshape(places.shape)

    def read_conductance(
        self,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Floats:
        """Read cells. No pulse is given.

        Parameters
        ----------
        rows, columns : int array, optional
            Every cell of the tile where both are left out (see `Cells`).
        tile : int array
        progress : callable, optional
            Is told the operations that are done, and how many there are.

        Returns
        -------
        float64 array
            Siemens by the calibration, or else by the scale of the configuration, in the shape of the cells.

        Raises
        ------
        ConfigError
            If there is no such cell, or no configuration.
        RefusedError
            If a tile is not armed.
        """
        if self._calibration is None:
            return self.scale.siemens(self.read(rows, columns, tile, progress))
        places, _ = locate(self._run.shape, tile, rows, columns)
        return self._calibration.siemens(self.read(rows, columns, tile, progress), places.column.reshape(places.shape))

    def write_levels(
        self,
        levels: npt.ArrayLike,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Write cells to levels by closed-loop write-verify, pulse by pulse until the code lies in the window.

        Cells that fail are written again, as often as the preset says. A calibration corrects the windows
        (`use_calibration`).

        Parameters
        ----------
        levels : int array
            Levels to reach, from 0.
        rows, columns : int array, optional
            Every cell of the tile where both are left out (see `Cells`).
        tile : int array
        progress : callable, optional
            Is told the operations that are done, and how many there are.

        Raises
        ------
        ConfigError
            If there is no such cell or level.
        RefusedError
            If a tile is not armed for writing.
        """
        return self._write(Opcode.WRITE, levels, (tile, rows, columns), progress)

    def write_conductance(
        self,
        siemens: npt.ArrayLike | Path,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        tile: npt.ArrayLike = 0,
        *,
        tolerance_s: float | None = None,
        progress: Progress | None = None,
    ) -> WrittenConductance:
        """Write cells to conductances by closed-loop write-verify.

        A write ends where the window of a cell begins, so that cells lie at its near edge on average: a smaller
        tolerance brings them closer, with more pulses.

        Parameters
        ----------
        siemens : float array, str or Path
            Or the file that holds them (`twinbar.host.cells.conductance_reader`).
        rows, columns, tile
            See `Cells`.
        tolerance_s : float, optional
            Largest deviation in siemens that ends a write; by default half a spacing of the levels, on average.
        progress : callable, optional

        Raises
        ------
        ConfigError
            If a conductance is not a number or none of the cells', a file cannot be read, or the ADC cannot measure the
            tolerance.
        RefusedError
            If a tile is not armed for writing.
        """
        scale = self.scale
        if isinstance(siemens, Path) or (isinstance(siemens, str) and Path(siemens).suffix):
            siemens = read_conductances(siemens)
        places, values = locate(self._run.shape, tile, rows, columns, siemens=siemens)
        try:
            asked = values["siemens"].astype(np.float64)
        except (TypeError, ValueError):
            raise ConfigError("conductances must be numbers in siemens") from None
        tolerance = scale.tolerance_s if tolerance_s is None else tolerance_s
        scale.check(asked, tolerance)
        column, calibration = places.column, self._calibration
        if calibration is None:
            target, half = asked / scale.siemens_per_code, tolerance / scale.siemens_per_code
            least, most = target - half, target + half
        else:
            least, most = (calibration.codes(asked + way * tolerance, column) for way in (-1, 1))
        # A window of a code at least holds one, if it is not for a rounding error.
        low = np.ceil(least - 1e-6).clip(0, scale.code_max).astype(np.int64)
        high = np.floor(most + 1e-6).clip(0, scale.code_max).astype(np.int64)
        config = self._need_config("siemens")
        check_conductances_can_be_written(config)
        attempts = config.registers.attempts
        found = write_conductance(self._run, places, (low, high), attempts, progress)
        read = scale.siemens(found["code"]) if calibration is None else calibration.siemens(found["code"], column)
        return WrittenConductance(
            found["code"].reshape(places.shape),
            found["sets"].reshape(places.shape),
            found["resets"].reshape(places.shape),
            (found["status"] == Status.OK.value).reshape(places.shape),
            read.reshape(places.shape),
            (read - asked).reshape(places.shape),
        )

    def form(
        self,
        level: npt.ArrayLike = 0,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Form cells: pulses of the record "form" until the code reaches the window of a level.

        Parameters
        ----------
        level : int array
        rows, columns : int array, optional
            Every cell of the tile where both are left out (see `Cells`).
        tile : int array
        progress : callable, optional
            Is told the operations that are done, and how many there are.

        Raises
        ------
        ConfigError
            If the record "form" drives nothing (see `set_record`).
        RefusedError
            If a tile is not armed for writing.
        """
        places, _ = locate(self._run.shape, tile, rows, columns)
        address = record_address(Record.FORM, registers.FIELD_STOP)
        for number in np.unique(places.tile).tolist():
            answer = self._run.run(pack(Opcode.READ_REGISTER, number, address=address))
            if not unpack_results(Opcode.READ_REGISTER, answer)["value"][0]:
                raise ConfigError(f'the record "form" of tile {number} drives nothing; set_record("form", ...) first')
        return self._write(Opcode.FORM, level, (tile, rows, columns), progress, attempts=1)

    def pulse(
        self,
        record: PulseName,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        count: npt.ArrayLike = 1,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Ints:
        """Give cells so many pulses without reading. Ramps restart at each cell.

        Parameters
        ----------
        record : {"set", "reset", "form"}
            What the pulses drive.
        rows, columns : int array, optional
            Every cell of the tile where both are left out (see `Cells`).
        count : int array
            Pulses for each cell.
        tile : int array
        progress : callable, optional
            Is told the operations that are done, and how many there are.

        Returns
        -------
        int64 array
            Pulses that each cell has had, in the shape of the cells.

        Raises
        ------
        ConfigError
            If there is no such record or cell, or a count is not a whole number.
        RefusedError
            If a tile is not armed for writing.
        """
        if record not in ("set", "reset", "form"):
            raise ConfigError(f'a pulse is one of "set", "reset" or "form", not {record!r}')
        places, values = locate(self._run.shape, tile, rows, columns, count=whole_numbers("count", count))
        number = Record[record.upper()].value
        found = run_on_cells(self._run, Opcode.PULSE, places, progress, count=values["count"], record=number)
        return (found["sets"] + found["resets"]).reshape(places.shape)

    def _write(
        self,
        opcode: Opcode,
        levels: npt.ArrayLike,
        cells: tuple[npt.ArrayLike, npt.ArrayLike | None, npt.ArrayLike | None],
        progress: Progress | None,
        attempts: int | None = None,
    ) -> Written:
        places, values = locate(self._run.shape, *cells, levels=whole_numbers("levels", levels))
        level, there_are = values["levels"], self._levels[places.tile]
        wrong = np.flatnonzero((level < 0) | (level >= there_are))
        if len(wrong):
            first = wrong[0]
            raise ConfigError(
                f"level {level[first]} is outside the table; tile {places.tile[first]} has levels 0 to "
                f"{there_are[first] - 1}"
            )
        if attempts is None:
            attempts = self.config.registers.attempts if self.config else 1
        fields = command_fields(self.config, level) if opcode is Opcode.WRITE else {}
        config, calibration = self.config, self._calibration
        if config is None or calibration is None or not self._nominal_windows:
            found = write_until(self._run, opcode, places, level, attempts, progress, fields=fields)
        else:
            columns = range(len(calibration.channels))
            windows = [calibrated_windows(config.levels, self.scale, calibration, column) for column in columns]
            found = write_calibrated(self._run, opcode, places, level, windows, attempts, progress, fields=fields)
        return Written(
            found["code"].reshape(places.shape),
            found["sets"].reshape(places.shape),
            found["resets"].reshape(places.shape),
            (found["status"] == Status.OK.value).reshape(places.shape),
        )

    # --- products and sweeps --------------------------------------------------------------------------------------

    def multiply(
        self,
        inputs: npt.ArrayLike,
        outputs: int | None = None,
        *,
        subtract: bool | None = None,
        codes: bool | None = None,
        full_scale_s: float | None = None,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> Ints:
        """Multiply input vectors by the conductances of a tile.

        Parameters
        ----------
        inputs : int [..., rows]
            Input codes, 0 to ``2**input_bits - 1``; rows that are left out at the end are 0.
        outputs : int, optional
            How many, from the first; all by default.
        subtract : bool, optional
            Whether an output is the difference of a pair of columns, or a column; by default as the configuration says.
        codes : bool, optional
            Whether rows are driven by whole codes, or bit plane by bit plane; by default as the configuration says.
        full_scale_s : float, optional
            Input code times siemens, summed over the rows, at the largest ADC code; by default as it was. The range is
            set to the nearest that the ADC has, and stays.
        tile : int array
            Broadcast against the vectors.
        progress : callable, optional

        Returns
        -------
        int64 [..., outputs]
            Sums of ADC codes.

        Raises
        ------
        ConfigError
            If the full scale is not positive, or there is no configuration to know it by.
        RefusedError
            If a tile is not armed.
        """
        array = self.config.array if self.config else None
        how = Multiplication(
            outputs,
            (array.pairs == "subtract" if array else True) if subtract is None else subtract,
            (array.inputs == "dac" if array else True) if codes is None else codes,
            array.skip_empty if array else True,
        )
        numbers = self._tiles(tile).reshape(np.shape(tile))
        if full_scale_s is not None:
            config = self._need_config("a full scale")
            if not full_scale_s > 0:
                raise ConfigError(f"a full scale of {full_scale_s} cannot be measured; it must be greater than 0")
            code = config.range_code(full_scale_s / config.cells.g_max_s * (1 << config.array.grid_bits))
            range_register = registers.RANGE_MULTIPLY.address
            self._run.run(beats.write_register(np.unique(numbers), range_register, code), "forward")
        return multiply(self._run, numbers, as_array("inputs", inputs), how, progress)

    def iv_sweep(
        self,
        bit_line: npt.ArrayLike,
        rows: npt.ArrayLike | None = None,
        columns: npt.ArrayLike | None = None,
        *,
        samples: int = 1,
        tile: npt.ArrayLike = 0,
        progress: Progress | None = None,
    ) -> IvCurve:
        """Read cells at several voltages of their bit lines; no pulse is given, and tiles are armed as before.

        Parameters
        ----------
        bit_line : float or int [points]
            Floats are volts, whole numbers DAC codes. A point outside the window of the record READ (registers READ_LOW
            and READ_HIGH) is refused by the tile.
        rows, columns, tile
            See `Cells`.
        samples : int
            Conversions per point and cell.
        progress : callable, optional
        """
        asked = np.atleast_1d(as_array("bit_line", bit_line))
        if asked.dtype.kind == "f":
            to_code = self._need_config("a sweep in volts").read_volts_to_code
            drive = np.array([to_code(volts) for volts in asked.ravel().tolist()], np.int64).reshape(asked.shape)
        else:
            drive = whole_numbers("bit_line", asked)
        places, _ = locate(self._run.shape, tile, rows, columns)
        means, deviations = iv_sweep(self._run, places, drive, samples, progress)
        shape = (*places.shape, len(drive))
        codes = means.reshape(shape)
        current = codes * self.scale.current_per_code_a if self.config else None
        return IvCurve(asked.astype(np.float64), drive, codes, deviations.reshape(shape), current)

    # --- what the cells are ---------------------------------------------------------------------------------------

    @property
    def scale(self) -> ConductanceScale:
        """What ADC codes of single reads stand for.

        Raises
        ------
        ConfigError
            If there is no configuration.
        """
        return ConductanceScale.of(self._need_config("siemens"))

    def _need_config(self, what: str) -> CrossbarConfig:
        if self.config is None:
            raise ConfigError(f"{what}: this board does not know its cells; give Board their preset as `device`")
        return self.config

    def _tiles(self, tile: Tiles) -> Ints:
        numbers = np.arange(self.tiles) if tile is None else np.atleast_1d(whole_numbers("tile", tile)).ravel()
        wrong = numbers[(numbers < 0) | (numbers >= self.tiles)]
        if wrong.size:
            raise ConfigError(f"tile {wrong[0]} is outside the array; its tiles are 0 to {self.tiles - 1}")
        return numbers


def _ledger_without_prices(clock_hz: float, tiles: int) -> Ledger:
    """Return a ledger whose cycles and seconds count; its joules, which have no cells in them, are not shown."""
    units = dict.fromkeys(CellEnergy, 0.0)
    table = load_energy_table("macro-65nm")
    return Ledger(table, clock_hz=clock_hz, adc_bits=8, input_dac_bits=1, cell_energy_unit_j=units, tiles=tiles)
