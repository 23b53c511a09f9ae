"""The `fast` engine: compiled kernels over the arrays of cells of all tiles."""

from typing import Any

import numpy as np
import torch

from twinbar.emulator.activity import Activity, CellEnergy
from twinbar.emulator.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_NONE, P_ADC_KA, P_AGES, SCALAR_COUNT
from twinbar.emulator.engine import MultiplyResult, TileBlock, WriteList, WriteResult
from twinbar.emulator.fast import kernels
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import PHASES

MOST_TICKS = 1 << 32
FEW_STEPS = 4
"""Input steps up to which rows are added one by one: a matrix product starts to pay off behind them."""
COMMAND_BITS = 32
"""Input bits that one command beat carries into a tile's input buffer."""


class FastEngine:
    """Closed-loop writes and multiplications over all tiles at once.

    Parameters
    ----------
    config : CrossbarConfig
    tiles : int
        Number of tiles.
    mapped_columns : int64 [tiles]
        Columns of each tile that hold weights.
    faults : uint8 [tiles, rows * columns], optional
        Faults of the cells (``FAULT_*``), for instance measured ones; drawn from the preset otherwise.

    Notes
    -----
    Memory per cell: conductance 4 bytes, pulse count 4, fault 1, and the operands of the column sums, 8 (4 when pairs
    are subtracted); 4 more for the tick of the last pulse where cells relax or drift.
    """

    def __init__(
        self, config: CrossbarConfig, tiles: int, mapped_columns: np.ndarray, faults: np.ndarray | None = None
    ) -> None:
        geometry = config.geometry
        self.config = config
        self.tiles = tiles
        self._tick = 0
        self._mapped_columns = np.ascontiguousarray(mapped_columns, dtype=np.int64)
        self._scalars, self._tables = config.cells.scalars, config.cells.tables
        assert self._scalars.shape == (SCALAR_COUNT,)
        self._ages = bool(self._scalars[P_AGES])
        self._t = np.array(config.timing.record(), dtype=np.int64)
        self._registers = config.registers.record()
        dtype = config.sums.dtype
        self._g = np.zeros((tiles, geometry.cells), np.int32)
        self._pulses = np.zeros((tiles, geometry.cells), np.uint32)
        self._last_tick = np.zeros((tiles, geometry.cells if self._ages else 0), np.uint32)
        self._fault = np.zeros((tiles, geometry.cells), np.uint8)
        self._conversions = np.zeros((tiles, geometry.adc_channels), np.int64)
        self._driven = np.full((tiles, 3), -1, np.int64)
        self._current = np.zeros((tiles, geometry.rows, geometry.outputs), dtype)
        self._variance = np.zeros((tiles, geometry.rows, geometry.outputs), dtype)
        self._row_sum = np.zeros((tiles, geometry.rows), np.int64)
        if faults is not None:
            if faults.shape != self._fault.shape or faults.max(initial=0) > FAULT_NON_RESPONDING:
                raise ConfigError(
                    f"a fault map of shape {faults.shape} was given; it must be {self._fault.shape} with values "
                    f"{FAULT_NONE} to {FAULT_NON_RESPONDING}"
                )
            self._fault[:] = faults
        kernels.initialize(self._g, self._fault, faults is None, self._scalars, self._tables)
        self._refresh()

    def _refresh(self) -> None:
        kernels.refresh_all(
            self.config.geometry.columns,
            self.config.geometry.subtract_pairs,
            self._mapped_columns,
            self._g,
            self._pulses,
            self._last_tick,
            self._tick,
            self._current,
            self._variance,
            self._row_sum,
            self._scalars,
            self._tables,
        )

    def set_tick(self, tick: int) -> None:
        """Set the tick; where cells age, the operands of the column sums follow."""
        if not 0 <= tick < MOST_TICKS:
            raise ConfigError(f"tick {tick} is out of range; a crossbar ages for less than {MOST_TICKS} ticks")
        if tick != self._tick:
            self._tick = tick
            if self._ages:
                self._refresh()

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels by closed-loop write-verify."""
        n = len(todo)
        geometry = self.config.geometry
        codes = np.zeros(n, np.int32)
        sets, resets = np.zeros(n, np.uint16), np.zeros(n, np.uint16)
        ok = np.zeros(n, np.bool_)
        phases = np.zeros((self.tiles, len(PHASES)), np.int64)
        actions = np.zeros((self.tiles, len(ACTIONS)), np.int64)
        energy = np.zeros((self.tiles, len(CellEnergy)), np.int64)
        if n:
            kernels.write_cells(
                todo.offsets,
                todo.cells,
                todo.levels,
                geometry.columns,
                geometry.adc_channels,
                geometry.subtract_pairs,
                self._mapped_columns,
                self.config.levels.low,
                self.config.levels.high,
                self._registers,
                self._t,
                self._g,
                self._pulses,
                self._last_tick,
                self._tick,
                self._fault,
                self._conversions,
                self._driven,
                self._current,
                self._variance,
                self._row_sum,
                codes,
                sets,
                resets,
                ok,
                phases,
                actions,
                energy,
                self._scalars,
                self._tables,
            )
        return WriteResult(codes, sets, resets, ok, self._activity(phases, actions, energy))

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells; gives their codes and what that took."""
        geometry = self.config.geometry
        codes = np.zeros(len(cells), np.int32)
        phases = np.zeros((self.tiles, len(PHASES)), np.int64)
        actions = np.zeros((self.tiles, len(ACTIONS)), np.int64)
        energy = np.zeros((self.tiles, len(CellEnergy)), np.int64)
        kernels.read_cells(
            offsets,
            cells,
            geometry.columns,
            geometry.adc_channels,
            self.config.registers.discard,
            self._t,
            self._g,
            self._pulses,
            self._last_tick,
            self._tick,
            self._conversions,
            codes,
            phases,
            actions,
            energy,
            self._scalars,
            self._tables,
        )
        return codes, self._activity(phases, actions, energy)

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply a batch of input codes by the conductances of a layer's tiles."""
        geometry = self.config.geometry
        row_tiles, column_tiles = block.shape
        batch = len(inputs)
        dtype = self._current.dtype
        steps = _input_steps(block, inputs, geometry.planes, dtype)
        active = np.any(steps, axis=3) if geometry.skip_empty else np.ones(steps.shape[:3], np.bool_)
        rank = _ranks(active)
        outputs = block.used_columns // 2 if geometry.subtract_pairs else block.used_columns
        widest = int(outputs.max())
        sums, variances = self._sums(block, steps.reshape(row_tiles, geometry.planes * batch, geometry.rows), widest)
        codes = np.zeros((row_tiles, column_tiles, batch, widest), np.int32)
        peak = np.zeros((row_tiles * column_tiles, 2), np.int64)
        clipped = np.zeros(row_tiles * column_tiles, np.int64)
        adc_range = self.config.adc_range(full_scale)
        kernels.convert_columns(
            block.first_tile,
            sums,
            variances,
            rank,
            outputs,
            geometry.adc_channels,
            adc_range.gain,
            adc_range.gain_shift,
            adc_range.ku,
            adc_range.ku_shift,
            int(self._scalars[P_ADC_KA]),
            *geometry.code_range,
            self._conversions,
            codes,
            peak,
            clipped,
            self._scalars,
            self._tables,
        )
        activity, conversions = self._multiply_activity(block, steps, rank, outputs)
        lowest, highest = (int(peak[:, 0].min()), int(peak[:, 1].max())) if conversions else (0, 0)
        return MultiplyResult(codes, lowest, highest, int(clipped.sum()), conversions, activity)

    def _sums(self, block: TileBlock, steps: np.ndarray, widest: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the exact column sums and variance sums: [row tiles, column tiles, input steps, columns]."""
        row_tiles, column_tiles = block.shape
        if steps.shape[1] <= FEW_STEPS:
            shape = (row_tiles, column_tiles, steps.shape[1], widest)
            sums, variances = np.empty(shape, steps.dtype), np.empty(shape, steps.dtype)
            kernels.sum_columns(block.first_tile, steps, self._current, self._variance, sums, variances)
            return sums, variances
        flat = torch.from_numpy(steps[:, None])
        shape = (row_tiles, column_tiles, steps.shape[2], -1)
        current = torch.from_numpy(self._current[block.tiles].reshape(shape)[..., :widest])
        variance = torch.from_numpy(self._variance[block.tiles].reshape(shape)[..., :widest])
        # In a bit plane an input is its own square.
        squares = flat if self.config.geometry.step_input_max == 1 else flat * flat
        return torch.matmul(flat, current).numpy(), torch.matmul(squares, variance).numpy()

    def _multiply_activity(
        self, block: TileBlock, steps: np.ndarray, rank: np.ndarray, outputs: np.ndarray
    ) -> tuple[Activity, int]:
        """Count what a batch of multiplications did, and the conversions among it."""
        geometry = self.config.geometry
        tiles = block.shape[0] * block.shape[1]
        phases = np.zeros((tiles, len(PHASES)), np.int64)
        actions = np.zeros((tiles, len(ACTIONS)), np.int64)
        energy = np.zeros((tiles, len(CellEnergy)), np.int64)
        kernels.count_multiply(
            block.first_tile,
            steps,
            rank,
            -(-block.used_rows * geometry.input_bits // COMMAND_BITS),
            outputs,
            geometry.adc_channels,
            geometry.sample_and_hold,
            self._t,
            self._row_sum,
            phases,
            actions,
            energy,
        )
        return self._activity(phases, actions, energy), int(actions[:, Action.CONVERT_FORWARD].sum())

    def _activity(self, phases: np.ndarray, actions: np.ndarray, energy: np.ndarray) -> Activity:
        slowest = int(phases.sum(axis=1).max())
        total = actions.sum(axis=0)
        beats = max(int(total[Action.COMMAND_BEAT]), int(total[Action.RESPONSE_BEAT]))
        return Activity(
            actions=total,
            cell_energy=energy.sum(axis=0),
            cycles=slowest,
            link_cycles=max(0, beats - slowest),
            phases=phases.sum(axis=0),
        )

    def conductances_s(self) -> np.ndarray:
        """Give what a noiseless read would see now, in siemens (float64 [tiles, rows, columns])."""
        geometry = self.config.geometry
        grid = np.zeros((self.tiles, geometry.cells), np.int64)
        kernels.grid_values(
            geometry.columns, self._g, self._pulses, self._last_tick, self._tick, grid, self._scalars, self._tables
        )
        seen = grid * (self.config.cells.g_max_s / (1 << geometry.grid_bits))
        return seen.reshape(self.tiles, geometry.rows, geometry.columns)

    def pulse_counts(self) -> np.ndarray:
        """Give the pulses that each cell has had (uint32 [tiles, rows, columns])."""
        geometry = self.config.geometry
        return self._pulses.reshape(self.tiles, geometry.rows, geometry.columns)

    @property
    def bytes_per_cell(self) -> float:
        """Memory that the state of the cells and the operands of their sums take, per cell."""
        arrays = (self._g, self._pulses, self._last_tick, self._fault, self._current, self._variance, self._row_sum)
        return sum(array.nbytes for array in arrays) / self._g.size

    _STATE = ("_g", "_pulses", "_last_tick", "_fault", "_conversions", "_driven")

    def state_dict(self) -> dict[str, Any]:
        """Give everything that a program changes."""
        return {"tick": self._tick, **{name[1:]: getattr(self, name).copy() for name in self._STATE}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name in self._STATE:
            array = getattr(self, name)
            if state[name[1:]].shape != array.shape:
                raise ConfigError(
                    f"the checkpoint's {name[1:]} has shape {state[name[1:]].shape}, this crossbar needs {array.shape}"
                )
            array[:] = state[name[1:]]
        self._tick = int(state["tick"])
        self._refresh()


def _input_steps(block: TileBlock, inputs: np.ndarray, planes: int, dtype: np.dtype) -> np.ndarray:
    """Spread input codes over the rows of the row tiles and, bit by bit, over input steps.

    Returns
    -------
    array [row tiles, planes, batch, rows]
    """
    padded = np.zeros((len(inputs), block.inputs + 1), dtype=np.uint8)
    padded[:, :-1] = inputs
    on_rows = padded[:, block.row_input].transpose(1, 0, 2)
    if planes == 1:
        return np.ascontiguousarray(on_rows[:, None], dtype=dtype)
    bits = (on_rows[:, None] >> np.arange(planes, dtype=np.uint8)[None, :, None, None]) & 1
    return np.ascontiguousarray(bits, dtype=dtype)


def _ranks(active: np.ndarray) -> np.ndarray:
    """Number the applied steps of each tile, vector by vector and plane by plane in it; -1 where one is skipped."""
    row_tiles, planes, batch = active.shape
    by_vector = active.transpose(0, 2, 1).reshape(row_tiles, -1)
    order = np.cumsum(by_vector, axis=1, dtype=np.int32) - 1
    order[~by_vector] = -1
    return np.ascontiguousarray(order.reshape(row_tiles, batch, planes).transpose(0, 2, 1))
