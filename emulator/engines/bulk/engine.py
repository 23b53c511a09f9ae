"""The `fast` engine: compiled kernels over the arrays of cells of all tiles."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numba
import numpy as np
import torch

from twinbar.emulator.contract.activity import Activity, sum_of_tiles
from twinbar.emulator.contract.bulk_operations import (
    ChainedLayer,
    LayerProduct,
    MultiplyResult,
    PulseList,
    TileBlock,
    WriteList,
    WriteResult,
    check_shape,
)
from twinbar.emulator.contract.chain_moves import ChainRegisters, Move, RegisterLists, outputs_in_order, transfers_of
from twinbar.emulator.contract.input_groups import InputGroups
from twinbar.emulator.contract.lane_sums import add_up, saturate
from twinbar.emulator.contract.sent_inputs import SentInputs
from twinbar.emulator.crossbar.array import disturb_tiles
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.changed_ramps import changed_ramps
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.needed_calibrations import calibrations
from twinbar.emulator.crossbar.ticks import check_tick
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.devices.layout import (
    FAULT_NON_RESPONDING,
    FAULT_NONE,
)
from twinbar.emulator.engines.bulk import cell_loops, cell_pulses, cell_writes, multiply, table_writes
from twinbar.emulator.engines.bulk.column_conversions import (
    ColumnConversion,
    conversion_over,
    convert_columns,
    join_extremes,
)
from twinbar.emulator.engines.bulk.converters import calibrate, draw_errors, make_converters
from twinbar.emulator.engines.bulk.disturbances import stress_rows
from twinbar.emulator.engines.bulk.few_vectors import LISTED, FewVectorsRoom, multiply_few
from twinbar.emulator.engines.bulk.input_steps import InputSteps, input_steps
from twinbar.emulator.engines.bulk.layer_pass import LayerPass
from twinbar.emulator.engines.bulk.multiplied_program import MultipliedProgram
from twinbar.emulator.engines.bulk.multiply_plan import MultiplyPlan, PlanPart
from twinbar.emulator.engines.bulk.program_activity import program_activity
from twinbar.emulator.engines.bulk.spared_beats import spared_beats
from twinbar.emulator.engines.bulk.stream import ProgramCourse, Stream
from twinbar.emulator.engines.bulk.transfer_ops import count_kept, count_transfers
from twinbar.emulator.kernels.compiled import for_types_of
from twinbar.emulator.kernels.tile_threads import FEW_CELLS, for_tiles
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import ARM_CYCLES, DECIDE_CYCLES, PHASES, REGISTER_WRITE_CYCLES, Phase

FEW_STEPS: Final = 4
"""Input steps up to which rows are added one by one: a matrix product starts to pay off behind them."""
FEW_STEPS_ALONE: Final = 32
"""The same where one thread does everything in one call, which a matrix product cannot be part of."""
SPARSE: Final = 0.5
"""Part of the rows up to which those that are driven are added one by one in more steps, too."""
REMEMBERED: Final = 256
"""Programs of multiplications that are kept."""
ROOMS: Final = 8
"""Shapes of products of a few vectors whose room is kept: a few megabytes each at most."""
SUMS_AT_A_TIME: Final = 1 << 19
"""Column sums that are made before they are converted, so that they are still in the caches."""
PARTS: Final = 8
"""Parts of the work that conversions are cut into, where a few tiles make many."""
FEWEST_VECTORS: Final = 64
"""Input vectors that such a part has at least."""
CONVERSIONS_PER_WRITE: Final = 64
"""Conversions of column sums that take as long as the write of a cell, roughly."""
_ROW_DRIVE: Final = int(Action.ROW_DRIVE)
_FORWARD_HEAT: Final = len(ACTIONS) + int(CellEnergy.FORWARD)
"""Their places in `Activity.counts`."""


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
    layers : sequence of TileBlock
        Layers whose column tiles share their inputs, where the controller can do that.

    Notes
    -----
    Memory per cell: conductance 4 bytes, pulse count 4, fault 1, and the operands of the column sums, 4 (2 when pairs
    are subtracted; twice as much where int16 does not hold them, four times where their sums need float64); 4 more for
    the tick of the last pulse where cells relax or drift, and 8 where reads disturb them.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        tiles: int,
        mapped_columns: np.ndarray,
        faults: np.ndarray | None = None,
        *,
        layers: Sequence[TileBlock] = (),
    ) -> None:
        if config.parts is not None:
            raise ConfigError(
                "the bulk kernels of the engine fast know direct front ends only; for serial parts make a "
                "ControllerEngine with FastController, which runs programs"
            )
        array = config.array
        self.config = config
        self.tiles = tiles
        self._tick = 0
        self._mapped_columns = np.ascontiguousarray(mapped_columns, dtype=np.int64)
        self._scalars, self._tables = config.cells.scalars, config.cells.tables
        assert self._scalars.shape == (1,)
        self._ages = bool(self._scalars[0].ages)
        self._disturbs = bool(self._scalars[0].reads_disturb)
        self._t = config.timing.record()
        self._ramps = config.registers
        self._registers = {initial: config.algorithm(initial=initial).registers.record() for initial in (False, True)}
        self._initial = False
        self._states = cell_loops.CellStates(
            g=np.zeros((tiles, array.cells), np.int32),
            pulses=np.zeros((tiles, array.cells), np.uint32),
            last_tick=np.zeros((tiles, array.cells if self._ages else 0), np.uint32),
            fault=np.zeros((tiles, array.cells), np.uint8),
            stress=np.zeros((tiles, array.cells if self._disturbs else 0), np.int64),
            row_stress=np.zeros((tiles, array.rows if self._disturbs else 0), np.int64),
        )
        self._driven = np.full(tiles, cell_writes.NOTHING_DRIVEN, np.int64)
        self._ranges = np.zeros(tiles, np.int64)
        self._operands = cell_loops.Operands(
            current=np.zeros((tiles, array.rows, array.outputs), config.sums.operands),
            variance=np.zeros((tiles, array.rows, array.outputs), config.sums.operands),
            row_sum=np.zeros((tiles, array.rows), np.int64),
        )
        if faults is None and config.faults is not None:
            faults = config.faults.of(tiles)
        if faults is not None:
            if faults.shape != self._states.fault.shape or faults.max(initial=0) > FAULT_NON_RESPONDING:
                raise ConfigError(
                    f"a fault map of shape {faults.shape} was given; it must be {self._states.fault.shape} with values "
                    f"{FAULT_NONE} to {FAULT_NON_RESPONDING}"
                )
            self._states.fault[:] = faults
        controller = array.controller(tiles)
        self._stream = Stream(controller)
        self._plans: dict[tuple[int, bool, bool], MultiplyPlan] = {}
        self._programs: OrderedDict[tuple[object, ...], MultipliedProgram] = OrderedDict()
        self._conversions: dict[int, ColumnConversion] = {}
        self._rooms: dict[tuple[int, int, int, int], FewVectorsRoom] = {}
        self._steps_rooms: dict[tuple[int, int, int], InputSteps] = {}
        self._multiply_few: Callable[..., Any] | None = None
        self._writes: dict[tuple[bool, np.dtype, bool], Callable[..., None]] = {}
        shared = layers if controller.shared_inputs else ()
        self._groups = InputGroups(tiles, shared, alone=controller.chain)
        self._activations = ChainRegisters(tiles, array.columns)
        self._converters = make_converters(config, tiles)
        self._count_wakes = for_types_of(cell_writes.count_wakes, (self._nothing().actions, self._t))
        for_tiles(
            cell_loops.initialize,
            tiles,
            self._states.g,
            self._states.fault,
            faults is None,
            self._scalars,
            self._tables,
        )
        self._refresh()
        self.calibration = self._calibrate()
        """What calibrating the converters took; nothing where they are ideal."""

    def _refresh(self) -> None:
        for_tiles(
            cell_loops.refresh_tiles,
            self.tiles,
            self.config.array.columns,
            self.config.array.pairs == "subtract",
            self._mapped_columns,
            self._states,
            self._tick,
            self._operands,
            self._scalars,
            self._tables,
        )

    def set_tick(self, tick: int) -> None:
        """Set the tick; where cells age, or reads have moved them, the operands of the column sums follow."""
        check_tick(tick)
        if tick != self._tick:
            self._tick = tick
            if self._disturbs:
                columns = self.config.array.columns
                for_tiles(disturb_tiles, self.tiles, columns, self._states, self._scalars, self._tables)
            if self._ages or self._disturbs:
                self._refresh()

    def _calibrate(self) -> Activity:
        """Measure the offsets of the columns and pairs in use, and trim the gains of their channels."""
        offsets, arguments = calibrations(self.config, self._mapped_columns)
        codes, work = np.zeros(len(arguments), np.int64), np.zeros(len(arguments), np.int64)
        totals = self._nothing()
        calibrate(
            offsets,
            arguments,
            -(1 << (self.config.array.adc_bits - 1)),
            self.config.gain_target,
            self.config.registers.discard,
            self._t,
            self._converters,
            self._scalars,
            self._tables,
            codes,
            work,
            totals.phases,
            totals.actions,
        )
        return self._cell_activity(self._stream.follow_lists(offsets, work), totals)

    def _nothing(self) -> cell_writes.Totals:
        """Return the totals of a program that has done nothing yet."""
        return cell_writes.Totals(
            phases=np.zeros((self.tiles, len(PHASES)), np.int64),
            actions=np.zeros((self.tiles, len(ACTIONS)), np.int64),
            energy=np.zeros((self.tiles, len(CellEnergy)), np.int64),
        )

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels by closed-loop write-verify."""
        n = len(todo)
        self._change_writes(initial=todo.initial)
        if not n:
            # Most steps of small batches write no cell.
            return WriteResult.of_nothing()
        answers = cell_writes.Answers(
            codes=np.zeros(n, np.int32),
            sets=np.zeros(n, np.uint16),
            resets=np.zeros(n, np.uint16),
            ok=np.zeros(n, np.bool_),
            work=np.zeros(n, np.int64),
        )
        totals = self._nothing()
        table = self.config.algorithm(initial=todo.initial).table
        write: Any = cell_writes.write_cells
        begin: tuple[Any, ...] = ()
        algorithm: tuple[Any, ...] = (self._registers[todo.initial],)
        if table is not None:
            write = table_writes.write_by_table
            begin = (table.begin(todo.levels, todo.held), table.code)
            algorithm = (table.entries, table.rules)
        arguments = (
            np.ascontiguousarray(todo.offsets, np.int64),
            np.ascontiguousarray(todo.cells, np.int32),
            np.ascontiguousarray(todo.levels),
            *begin,
            self.config.array.columns,
            self.config.array.pairs == "subtract",
            self._mapped_columns,
            self.config.levels.low,
            self.config.levels.high,
            *algorithm,
            self._t,
            self._states,
            self._tick,
            self._converters,
            self._driven,
            self._operands,
            answers,
            totals,
            self._scalars,
            self._tables,
        )
        kind = todo.initial, todo.levels.dtype, todo.held is None
        if kind not in self._writes:
            self._writes[kind] = for_types_of(write, (0, self.tiles, *arguments))
        for_tiles(self._writes[kind], self.tiles, *arguments, work=n)
        course = self._stream.follow_lists(todo.offsets, answers.work)
        activity = self._cell_activity(course, totals)
        return WriteResult(answers.codes, answers.sets, answers.resets, answers.ok, activity)

    def pulse(self, todo: PulseList) -> Activity:
        """Give pulses without reading."""
        self._change_writes(initial=False)
        work = np.zeros(len(todo), np.int64)
        totals = self._nothing()
        if len(todo):
            for_tiles(
                cell_pulses.pulse_cells,
                self.tiles,
                todo.offsets,
                todo.cells,
                todo.polarities,
                todo.counts,
                self.config.array.columns,
                self.config.array.pairs == "subtract",
                self._mapped_columns,
                self._registers[False],
                self._t,
                self._states,
                self._tick,
                self._driven,
                self._operands,
                work,
                totals,
                self._scalars,
                self._tables,
                work=len(todo),
            )
        return self._cell_activity(self._stream.follow_lists(todo.offsets, work), totals)

    def set_ramps(self, ramps: WriteRegisters) -> Activity:
        """Bring other ramps into all tiles; nothing is done where they are set already."""
        if ramps is self._ramps:
            return Activity()
        after = self._ramps.with_ramps_of(ramps)
        if after == self._ramps:
            return Activity()
        self._change_writes(initial=False)
        registers = len(changed_ramps(self.config.timing, self._ramps, after))
        self._take_ramps(after)
        self._driven[:] = cell_writes.NOTHING_DRIVEN
        work = np.array([DECIDE_CYCLES, *[REGISTER_WRITE_CYCLES] * registers, ARM_CYCLES], np.int64)
        return self._housekeeping(np.arange(self.tiles + 1) * len(work), np.tile(work, self.tiles))

    def _housekeeping(self, offsets: np.ndarray, work: np.ndarray) -> Activity:
        """Follow lists of commands that do not touch the array, each with its cycles before the response."""
        totals = self._nothing()
        counts = np.diff(offsets)
        totals.phases[:, Phase.DECIDE] = np.diff(np.concatenate([[0], np.cumsum(work)])[offsets])
        totals.phases[:, Phase.RESPOND] = counts
        totals.actions[:, [Action.COMMAND_BEAT, Action.RESPONSE_BEAT]] = counts[:, None]
        return self._cell_activity(self._stream.follow_lists(offsets, work), totals)

    def _write_lists(self, lists: RegisterLists) -> Activity:
        """Write registers, each tile its own list, in a program of their own; there is none where lists are empty."""
        if not len(lists.addresses):
            return Activity()
        return self._housekeeping(lists.offsets, np.full(len(lists.addresses), REGISTER_WRITE_CYCLES, np.int64))

    def _take_ramps(self, registers: WriteRegisters) -> None:
        self._ramps = registers
        self._registers[False] = registers.record()

    def _change_writes(self, *, initial: bool) -> None:
        """Write as usual, or as cells are programmed first: where that differs, all tiles are armed again."""
        initial = initial and self.config.initial is not None
        if initial != self._initial:
            self._initial = initial
            self._driven[:] = cell_writes.NOTHING_DRIVEN

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells; gives their codes and what that took."""
        codes = np.zeros(len(cells), np.int32)
        work = np.zeros(len(cells), np.int64)
        totals = self._nothing()
        for_tiles(
            cell_writes.read_cells,
            self.tiles,
            offsets,
            cells,
            self.config.array.columns,
            self.config.registers.discard,
            self._t,
            self._states,
            self._tick,
            self._converters,
            codes,
            work,
            totals,
            self._scalars,
            self._tables,
            work=len(cells),
        )
        return codes, self._cell_activity(self._stream.follow_lists(offsets, work), totals)

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply a batch of input codes by the conductances of a layer's tiles."""
        before = self._answer_alone([block])
        room = self._steps_room(block, len(inputs))
        own = self._pass(block, inputs, full_scale, room=room, sent=self._sent(block, inputs))
        if self._suits_one_call(own):
            return _behind(before, self._multiply_in_one_call(own))
        return _behind(before, self._multiply_apart([own])[0])

    def _answer_alone(self, blocks: Sequence[TileBlock]) -> Activity | None:
        """Let all sums of some layers go to the host alone; None where the controller knows no other way."""
        if not self._stream.controller.chain:
            return None
        return self._write_lists(self._activations.answer(blocks))

    def _suits_one_call(self, own: LayerPass) -> bool:
        """Whether a product takes one thread, and sums that stay in the caches."""
        steps, plan = own.steps.rows.shape[1], own.plan
        if len(plan.parts) > 1 or len(own.changed) * steps * plan.widest > SUMS_AT_A_TIME:
            return False
        if steps <= FEW_STEPS:
            return True
        return numba.get_num_threads() == 1 and (steps <= FEW_STEPS_ALONE or own.steps.drives_few(SPARSE))

    def _steps_room(self, block: TileBlock, batch: int) -> InputSteps | None:
        """Return room for the steps of few vectors, kept from one product by itself to the next; else None."""
        steps = self.config.array.planes * batch
        if steps > FEW_STEPS_ALONE:
            return None
        place = *block.shape, steps
        if place not in self._steps_rooms:
            if len(self._steps_rooms) >= ROOMS:
                del self._steps_rooms[next(iter(self._steps_rooms))]
            self._steps_rooms[place] = InputSteps.room(block, self.config.array.planes, batch, self.config.sums.dtype)
        return self._steps_rooms[place]

    def _multiply_in_one_call(self, own: LayerPass) -> MultiplyResult:
        """Multiply a few vectors: one kernel after the other would take as long to call as to run."""
        block, steps, outputs = own.plan.block, own.steps, own.plan.outputs
        program = self._program([own])
        row_tiles, column_tiles = block.shape
        widest, converters = own.plan.widest, self._converters
        pairs = self.config.array.pairs == "subtract"
        codes = np.empty((row_tiles, column_tiles, own.batch, widest), np.int32)
        place = row_tiles, column_tiles, steps.rows.shape[1], widest
        room = self._rooms.get(place)
        if room is None:
            room = self._rooms[place] = FewVectorsRoom.of((row_tiles, column_tiles), steps.rows, widest)
            if len(self._rooms) > ROOMS:
                del self._rooms[next(iter(self._rooms))]
        arguments = (
            block.first_tile,
            steps,
            self._operands,
            outputs,
            self._conversion(own.range_code),
            converters.pair_errors if pairs else converters.errors,
            converters.pair_offsets if pairs else converters.offsets,
            converters.factors,
            converters.counts,
            program.conversions[0],
            self.config.array.sample_and_hold,
            program.waits[0][0],
            self._t,
            room,
            codes,
            self._scalars,
            self._tables,
        )
        if self._multiply_few is None:
            self._multiply_few = for_types_of(multiply_few, arguments)
        lowest, highest, clipped, heat, driven = self._multiply_few(*arguments)
        activity = program.activity.copy()
        activity.counts[_ROW_DRIVE] = driven
        activity.counts[_FORWARD_HEAT] = sum_of_tiles("cell_energy", room.heat) if heat < 0 else heat
        if not program.made[0]:
            lowest, highest, clipped = 0, 0, 0
        return MultiplyResult(self._lanes(own, codes), lowest, highest, clipped, program.made[0], activity)

    def multiply_together(self, products: Sequence[LayerProduct]) -> list[MultiplyResult]:
        """Multiply by several layers in one program (see `Engine.multiply_together`)."""
        before = self._answer_alone([product.block for product in products])
        results = self._multiply_apart(
            [
                self._pass(one.block, one.inputs, one.full_scale, sent=self._sent(one.block, one.inputs))
                for one in products
            ]
        )
        return [_behind(before, results[0]), *results[1:]]

    def multiply_chain(self, chain: Sequence[ChainedLayer], inputs: np.ndarray) -> list[MultiplyResult]:
        """Multiply by layers that follow one another in one program (see `Engine.multiply_chain`)."""
        plans = [self._plan(layer.block, fed=n > 0, answered=layer.answered) for n, layer in enumerate(chain)]
        outputs = [plan.outputs for plan in plans]
        transfers = transfers_of(chain, outputs, self._stream.controller)
        before = self._write_lists(self._activations.prepare(chain, outputs))
        sent = self._sent(chain[0].block, inputs, first_answers=True)
        passes, found = [], []
        for layer, plan in zip(chain, plans, strict=True):
            own = self._pass(layer.block, inputs, layer.full_scale, plan, sent=sent)
            codes, extremes = self._multiplied(own)
            sums = self._lanes(own, codes)
            passes.append(own)
            sent = None
            found.append((sums if layer.answered else sums[:, :, :0], extremes))
            if layer.functions is not None:
                inputs = layer.functions.codes(outputs_in_order(sums, plan.outputs))
        program = self._chain_program(chain, passes, transfers)
        activity = self._multiply_activity(passes, program)
        results = []
        for (sums, extremes), made in zip(found, program.made, strict=True):
            lowest, highest, clipped = join_extremes(extremes) if made else (0, 0, 0)
            results.append(MultiplyResult(sums, lowest, highest, clipped, made, activity))
            activity = Activity()
        return [_behind(before, results[0]), *results[1:]]

    def _multiply_apart(self, passes: Sequence[LayerPass]) -> list[MultiplyResult]:
        """Multiply by several layers, or with several threads: a kernel for sums, for conversions, and for counts."""
        found = [self._multiplied(own) for own in passes]
        program = self._program(passes)
        activity = self._multiply_activity(passes, program)
        results = []
        for own, made, (codes, extremes) in zip(passes, program.made, found, strict=True):
            # A tile without a conversion has extremes that are none.
            lowest, highest, clipped = join_extremes(extremes) if made else (0, 0, 0)
            results.append(MultiplyResult(self._lanes(own, codes), lowest, highest, clipped, made, activity))
            if len(passes) > 1:
                activity = Activity()
        return results

    def _lanes(self, own: LayerPass, codes: np.ndarray) -> np.ndarray:
        """Bring the outputs of tiles to the width of a lane; those of a cascade are added up."""
        lane_bits = self._stream.controller.lane_bits
        return add_up(codes, lane_bits)[None] if own.plan.block.cascade else saturate(codes, lane_bits)

    def _pass(
        self,
        block: TileBlock,
        inputs: np.ndarray,
        full_scale: float,
        plan: MultiplyPlan | None = None,
        room: InputSteps | None = None,
        *,
        sent: SentInputs | None,
    ) -> LayerPass:
        """Describe what a product asks of its tiles; the registers of their ranges are taken as written."""
        array = self.config.array
        codes = np.ascontiguousarray(inputs, np.uint8)
        steps = input_steps(
            block,
            codes,
            array.planes,
            self.config.sums.dtype,
            self._scalars,
            self._tables,
            skip_empty=array.skip_empty,
            room=room,
        )
        if self._disturbs:
            stress_rows(self._states.row_stress, block, codes, array.planes, self._tables)
        code = self.config.range_code(full_scale)
        ranges = self._ranges[block.tiles]
        changed = np.empty(len(ranges), np.bool_)
        multiply.set_ranges(code, ranges, changed)
        return LayerPass(self._plan(block) if plan is None else plan, steps, changed, code, sent)

    def _sent(self, block: TileBlock, inputs: np.ndarray, *, first_answers: bool = False) -> SentInputs | None:
        """Return what of a batch goes to the tiles of a layer; None if it is everything."""
        if not self.config.array.sparse_inputs:
            return None
        rows_per_word = self._stream.controller.rows_per_word
        return SentInputs.with_inputs(block, inputs, rows_per_word, first_answers=first_answers)

    def _plan(self, block: TileBlock, *, fed: bool = False, answered: bool = True) -> MultiplyPlan:
        place = block.first_tile, fed, answered
        plan = self._plans.get(place)
        if plan is None or plan.block is not block:
            pairs = self.config.array.pairs == "subtract"
            shared = self._groups.of(block) is not None
            controller = self._stream.controller
            plan = MultiplyPlan.of(block, controller, pairs=pairs, shared=shared, fed=fed, answered=answered)
            self._plans[place] = plan
        return plan

    def _multiplied(self, own: LayerPass) -> tuple[np.ndarray, np.ndarray]:
        """Make the conversions of a product: codes of each tile, and extremes as of `_convert`."""
        conversion = self._conversion(own.range_code)
        if len(own.plan.parts) == 1:
            return self._products(own.plan.parts[0], own.steps, conversion)
        found = [self._products(part, own.steps, conversion) for part in own.plan.parts]
        codes = _joined([part for part, _ in found], own.plan.widest)
        return codes, np.concatenate([extremes for _, extremes in found])

    def _conversion(self, code: int) -> ColumnConversion:
        """Return how column sums are converted over a range."""
        conversion = self._conversions.get(code)
        if conversion is None:
            low, high = self.config.array.code_range
            if self.config.array.pairs != "subtract":
                low = int(self._scalars[0].adc_min)
            conversion = conversion_over(self.config.adc_range_of(code), self.config, low, high)
            self._conversions[code] = conversion
        return conversion

    def _products(
        self, tiles: PlanPart, steps: InputSteps, conversion: ColumnConversion
    ) -> tuple[np.ndarray, np.ndarray]:
        """Convert the sums of tiles: their outputs, and extremes as of `_convert`."""
        block, outputs = tiles.block, tiles.outputs
        row_tiles, column_tiles = block.shape
        widest = int(np.maximum.reduce(outputs))
        codes = np.empty((row_tiles, column_tiles, steps.taken.shape[1], widest), np.int32)
        sparse = steps.drives_few(SPARSE)
        # As many row tiles at a time as leave their sums in the caches.
        together = max(1, SUMS_AT_A_TIME // max(1, column_tiles * steps.rows.shape[1] * widest))
        if together >= row_tiles:
            sums, variances = self.column_sums(block, steps.rows, widest, sparse=sparse)
            return codes, self._convert(block, sums, variances, steps.rank, outputs, conversion, codes)
        extremes = []
        for begin in range(0, row_tiles, together):
            some = slice(begin, begin + together)
            first = block.first_tile + begin * column_tiles
            part = replace(block, first_tile=first, row_input=block.row_input[some])
            sums, variances = self.column_sums(part, steps.rows[some], widest, sparse=sparse)
            extremes.append(self._convert(part, sums, variances, steps.rank[some], outputs, conversion, codes[some]))
        return codes, np.concatenate(extremes)

    def _convert(
        self,
        block: TileBlock,
        sums: np.ndarray,
        variances: np.ndarray,
        rank: np.ndarray,
        outputs: np.ndarray,
        conversion: ColumnConversion,
        codes: np.ndarray,
    ) -> np.ndarray:
        """Convert column sums to codes; gives extremes as of `convert_columns`, int64 [parts of the tiles, 3]."""
        tiles = sums.shape[0] * sums.shape[2]
        # As many parts as give every thread some of them.
        parts = max(1, min(-(-PARTS // tiles), codes.shape[2] // FEWEST_VECTORS))
        extremes = np.empty((tiles, parts, 3), np.int64)
        converters = self._converters
        pairs = self.config.array.pairs == "subtract"
        for_tiles(
            convert_columns,
            tiles * parts,
            block.first_tile,
            sums,
            variances,
            rank,
            outputs,
            conversion,
            converters.pair_errors if pairs else converters.errors,
            converters.pair_offsets if pairs else converters.offsets,
            converters.factors,
            converters.counts,
            np.empty((tiles * parts, 4, sums.shape[3])),
            codes,
            extremes,
            self._scalars,
            self._tables,
            work=codes.size // CONVERSIONS_PER_WRITE,
        )
        return extremes.reshape(-1, 3)

    def column_sums(
        self, block: TileBlock, steps: np.ndarray, widest: int, *, sparse: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the conductances of the driven rows of every column, exactly: what the converters are given.

        Parameters
        ----------
        block : TileBlock
        steps : float [row tiles, input steps, rows]
            What drives each row in a step, in the type of `CrossbarConfig.sums`.
        widest : int
            Outputs of the widest tile.
        sparse : bool
            Whether steps drive few rows, which are then added one by one.

        Returns
        -------
        sums, variances : float [row tiles, input steps, column tiles, widest]
            Whole numbers, in units of the read grid, and the variance of their noise.
        """
        row_tiles, column_tiles = block.shape
        if sparse or steps.shape[1] <= FEW_STEPS:
            shape = (row_tiles, steps.shape[1], column_tiles, widest)
            sums, variances = np.empty(shape, steps.dtype), np.empty(shape, steps.dtype)
            operands = self._operands
            layer = row_tiles * column_tiles
            for_tiles(
                multiply.sum_columns,
                layer,
                block.first_tile,
                steps,
                operands.current,
                operands.variance,
                np.empty((layer, min(steps.shape[1], LISTED), steps.shape[2]), np.int32),
                sums,
                variances,
                # One thread is done with a step or two before another one has been woken.
                work=steps.shape[1] * FEW_CELLS // FEW_STEPS,
            )
            return sums, variances
        driven = torch.from_numpy(steps)
        # In a bit plane an input is its own square.
        squares = driven if self.config.array.step_input_max == 1 else driven * driven
        found = []
        for rows, operand in ((driven, self._operands.current), (squares, self._operands.variance)):
            # Column tiles side by side: one product for each row tile.
            tiles = torch.from_numpy(operand[block.tiles]).view(row_tiles, column_tiles, *operand.shape[1:])
            columns = tiles[..., :widest].transpose(1, 2).to(rows.dtype, memory_format=torch.contiguous_format)
            with torch.autocast("cpu", enabled=False):
                # Sums are exact, whatever types the network around them is computed in.
                products = torch.bmm(rows, columns.reshape(row_tiles, steps.shape[2], -1))
            found.append(products.view(row_tiles, -1, column_tiles, widest).numpy())
        return found[0], found[1]

    def _program(self, passes: Sequence[LayerPass]) -> MultipliedProgram:
        """Return what a program of multiplications does, and let the streams go on behind it."""
        key = (self._stream.served, *(own.key for own in passes))
        program = self._programs.get(key)
        if program is not None:
            self._programs.move_to_end(key)
            self._stream.served = program.course.served
            return program
        course = self._stream.follow_multiplications(passes, self._t)
        program = self._counted(passes, course, self._nothing())
        self._remember(key, program)
        return program

    def _chain_program(
        self, chain: Sequence[ChainedLayer], passes: Sequence[LayerPass], transfers: Sequence[Sequence[Move]]
    ) -> MultipliedProgram:
        """Return what a chain does, and let the streams go on behind it."""
        key = (self._stream.served, "chain", *(own.key for own in passes))
        program = self._programs.get(key)
        if program is not None:
            self._programs.move_to_end(key)
            self._stream.served = program.course.served
            return program
        course = self._stream.follow_chain(passes, transfers, self._t)
        totals = self._nothing()
        program = self._counted(passes, course, totals, chain, transfers)
        self._remember(key, program)
        return program

    def _remember(self, key: tuple[object, ...], program: MultipliedProgram) -> None:
        self._programs[key] = program
        if len(self._programs) > REMEMBERED:
            self._programs.popitem(last=False)

    def _counted(
        self,
        passes: Sequence[LayerPass],
        course: ProgramCourse,
        totals: cell_writes.Totals,
        chain: Sequence[ChainedLayer] = (),
        transfers: Sequence[Sequence[Move]] = (),
    ) -> MultipliedProgram:
        """Count what a program of multiplications does, and what moves between the layers of a chain."""
        made = [self._count_pass(own, waits, totals) for own, waits in zip(passes, course.waits, strict=True)]
        for layer, own in zip(chain, passes, strict=False):
            count_kept(layer, own.plan.outputs, own.batch, totals)
        for own, moves in zip(passes[1:], transfers, strict=False):
            count_transfers(moves, own.plan.block, own.batch, totals)
        return MultipliedProgram(
            course,
            program_activity(course, totals),
            tuple(made),
            tuple(int(np.add.reduce(own, axis=None)) for own in made),
            tuple(
                tuple(np.ascontiguousarray(waits[:, part.tiles]) for part in own.plan.parts)
                for own, waits in zip(passes, course.waits, strict=True)
            ),
        )

    def _count_pass(self, own: LayerPass, waits: np.ndarray, totals: cell_writes.Totals) -> np.ndarray:
        """Count what the tiles of one layer do (``waits`` as in `ProgramCourse`); gives the channels' conversions."""
        plan = own.plan
        conversions = np.zeros((len(own.changed), self._stream.controller.adc_channels), np.int64)
        loads, products = own.loads.sum(axis=1), own.takes_part.sum(axis=1)
        for part in plan.parts:
            tiles = part.block.tiles
            multiply.count_multiply(
                own.steps.taken,
                loads,
                products,
                part.outputs,
                own.changed[part.tiles],
                np.ascontiguousarray(waits[:, part.tiles]),
                self._t,
                conversions[part.tiles],
                totals.phases[tiles],
                totals.actions[tiles],
            )
        actions = totals.actions[plan.block.tiles]
        actions += spared_beats(plan.block, loads, own.takes_part, plan.outputs, plan.lanes, shared=plan.shared)
        return conversions

    def _multiply_activity(self, passes: Sequence[LayerPass], program: MultipliedProgram) -> Activity:
        """Complete what a program did by the rows that it drove and their heat; conversions are counted."""
        activity = program.activity.copy()
        rows, heat = 0, 0
        for own, conversions, waits in zip(passes, program.conversions, program.waits, strict=True):
            block = own.plan.block
            self._converters.counts[block.tiles] += conversions
            rows += block.shape[1] * int(np.add.reduce(own.steps.driven))
            for part, own_waits in zip(own.plan.parts, waits, strict=True):
                of_tiles = np.empty(len(own_waits[0]), np.int64)
                total = multiply.heat_of_rows(
                    part.block.first_tile,
                    own.steps,
                    part.outputs,
                    self._stream.controller.adc_channels,
                    self.config.array.sample_and_hold,
                    own_waits,
                    self._t,
                    self._operands.row_sum,
                    of_tiles,
                )
                heat += sum_of_tiles("cell_energy", of_tiles) if total < 0 else total
        activity.counts[_ROW_DRIVE] = rows
        activity.counts[_FORWARD_HEAT] = heat
        return activity

    def _cell_activity(self, course: ProgramCourse, totals: cell_writes.Totals) -> Activity:
        """Complete what the tiles did with single cells: each read turns a channel on."""
        self._count_wakes(totals.actions, self._t)
        return program_activity(course, totals)

    def conductances_s(self) -> np.ndarray:
        """Return what a noiseless read would see now, in siemens (float64 [tiles, rows, columns])."""
        array = self.config.array
        grid = np.zeros((self.tiles, array.cells), np.int64)
        for_tiles(
            cell_loops.grid_values,
            self.tiles,
            array.columns,
            self._states,
            self._tick,
            grid,
            self._scalars,
            self._tables,
        )
        seen = grid * (self.config.cells.g_max_s / (1 << array.grid_bits))
        return seen.reshape(self.tiles, array.rows, array.columns)

    def pulse_counts(self) -> np.ndarray:
        """Return the pulses that each cell has had (uint32 [tiles, rows, columns])."""
        array = self.config.array
        return self._states.pulses.reshape(self.tiles, array.rows, array.columns)

    @property
    def bytes_per_cell(self) -> float:
        """Memory that the state of the cells and the operands of their sums take, per cell."""
        return sum(array.nbytes for array in (*self._states, *self._operands)) / self._states.g.size

    def _state(self) -> dict[str, np.ndarray]:
        """Return the arrays that a program changes, by the names of a checkpoint."""
        converters = self._converters
        return {
            **{name: array for name, array in self._states._asdict().items() if self._disturbs or "stress" not in name},
            "conversions": converters.counts,
            "driven": self._driven,
            "ranges": self._ranges,
            "offsets": converters.offsets,
            "pair_offsets": converters.pair_offsets,
            "trims": converters.trims,
            **(self._activations.state() if self._stream.controller.chain else {}),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a program changes."""
        arrays = {name: array.copy() for name, array in self._state().items()}
        own: dict[str, Any] = {} if self.config.initial is None else {"initial": self._initial}
        if self._ramps != self.config.registers:
            own["ramps"] = self._ramps.ramps()
        return {"tick": self._tick, "served": self._stream.served, **own, **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name, array in self._state().items():
            check_shape(name, state[name], array)
            array[:] = state[name]
        registers = self.config.registers
        self._take_ramps(registers.with_ramps(state["ramps"]) if "ramps" in state else registers)
        self._tick = int(state["tick"])
        self._initial = bool(state.get("initial", False))
        self._stream.served = int(state["served"])
        draw_errors(self._converters, self._scalars, self._tables)
        self._refresh()


def _behind(before: Activity | None, result: MultiplyResult) -> MultiplyResult:
    """Return a result that also stands for a program before it, if there was one."""
    if before is None or not before.cycles:
        return result
    before += result.activity
    return replace(result, activity=before)


def _joined(codes: list[np.ndarray], widest: int) -> np.ndarray:
    """Put codes of blocks [row tiles, column tiles, batch, outputs] side by side; outputs that a tile lacks are 0."""
    padding = [((0, 0), (0, 0), (0, 0), (0, widest - part.shape[3])) for part in codes]
    return np.concatenate([np.pad(part, one) for part, one in zip(codes, padding, strict=True)], axis=1)
