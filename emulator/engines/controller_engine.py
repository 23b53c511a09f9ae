"""An engine on top of any controller: typed operations become programs, and responses become results."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import (
    ChainedLayer,
    LayerProduct,
    MultiplyResult,
    PulseList,
    TileBlock,
    WriteList,
    WriteResult,
    check_shape,
    extreme_codes,
)
from twinbar.emulator.contract.chain_moves import ChainRegisters, RegisterLists, transfers_of
from twinbar.emulator.contract.input_groups import InputGroups
from twinbar.emulator.contract.program import Program, ProgramController, ProgramResult
from twinbar.emulator.contract.sent_inputs import SentInputs
from twinbar.emulator.contract.vector_order import VectorBeats, in_proportion, vector_by_vector
from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.emulator.crossbar.changed_ramps import changed_ramps
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.needed_calibrations import COLUMN, GAIN, SUBTRACT, calibrations
from twinbar.emulator.crossbar.register_settings import POLARITIES, bias_records
from twinbar.emulator.crossbar.write_algorithms import WriteAlgorithm
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.engines.front_end_memory import NOT_CONVERTED, chosen_again, come_to_rest, recall
from twinbar.hw.actions import Action
from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import lines_of, unpack
from twinbar.hw.protocol.registers import FIELD_CODES, TRIM_INIT
from twinbar.hw.protocol.vocabulary import Opcode, Status

NOTHING_DRIVEN = -1
"""Instead of a polarity: the write drive of a tile holds neither the start codes of a record nor an entry."""


class MakeController(Protocol):
    """What makes a controller: the class of an engine, or something that wraps one."""

    def __call__(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
    ) -> ProgramController:
        """Make it (arguments as in `ProgramController`)."""


class ControllerEngine:
    """A crossbar behind a controller, whichever engine simulates it.

    When it is made it configures and arms all tiles, and calibrates converters that differ unless it will be restored.

    Parameters
    ----------
    config : CrossbarConfig
    tiles : int
    mapped_columns : int64 [tiles]
        Columns of each tile that hold weights.
    faults : uint8 [tiles, rows * columns], optional
        Faults of the cells (``FAULT_*``), for instance measured ones; drawn from the preset otherwise.
    make : callable
        Makes the controller. Each `Program` says in its ``kind`` what it is for: "initialization", "write", "read",
        "forward".
    calibrate : bool
        Whether to calibrate; `load_state_dict` restores what an earlier calibration stored, and to calibrate once more
        would move the converters' noise on.
    layers : sequence of TileBlock
        Layers whose column tiles share their inputs, where the controller can do that.

    Raises
    ------
    ConfigError
        If there is no such controller.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        tiles: int,
        mapped_columns: np.ndarray,
        faults: np.ndarray | None = None,
        *,
        make: MakeController,
        calibrate: bool = True,
        layers: Sequence[TileBlock] = (),
    ) -> None:
        array = config.array
        self.config = config
        self.tiles = tiles
        self.controller = make(config, array.controller(tiles), mapped_columns=mapped_columns, faults=faults)
        self._parameters = array.controller(tiles)
        shared = layers if self._parameters.shared_inputs else ()
        self._groups = InputGroups(tiles, shared, alone=self._parameters.chain)
        self._activations = ChainRegisters(tiles, array.columns)
        self._mapped_columns = np.ascontiguousarray(mapped_columns, np.int64)
        self._registers = config.registers
        self._tick = 0
        self._served = tiles - 1
        self._ranges = np.zeros(tiles, np.int64)
        self._offsets = np.zeros((tiles, array.columns), np.int64)
        self._pair_offsets = np.zeros((tiles, array.columns // 2), np.int64)
        self._trims = np.full((tiles, array.adc_channels), TRIM_INIT, np.int64)
        self._chosen = np.full(tiles, NOT_CONVERTED, np.int64)
        self._initial = False
        self.configure()
        # Round robin starts with the first tile.
        self._run(beats.look_at(tiles - 1), "initialization")
        self.calibration = self._calibrate() if calibrate else Activity()
        """What calibrating the converters took; nothing where they are ideal."""

    # --- programs ---------------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Bring all tiles from power-up, or from a reset, to where they can be used."""
        groups = self._groups.of_tile if self._parameters.shared_inputs else None
        config = replace(self.config, registers=self._registers)
        ready = [beats.configure(config, self.tiles, groups), come_to_rest(self.config, self.tiles)]
        self._run(np.concatenate(ready), "initialization")
        self._initial = False

    def _change_writes(self, *, initial: bool) -> None:
        """Write as usual, or as cells are programmed first: where that differs, all tiles are armed again."""
        initial = initial and self.config.initial is not None
        if initial == self._initial:
            return
        served = self._served
        change = beats.change_writes(self.config, self.tiles, initial=initial)
        self._run(np.concatenate([change, come_to_rest(self.config, self.tiles)]), "initialization")
        self._run(beats.look_at(served), "initialization")
        self._initial = initial

    def _run(self, commands: beats.Commands, kind: str, *, may_fail: bool = False) -> ProgramResult:
        """Run commands that must be carried out; with ``may_fail``, writes may end outside their windows."""
        result = self.controller.run(Program(commands, kind=kind))
        answers = unpack(result.responses)
        bad = answers["status"] != Status.OK.value
        if may_fail:
            bad &= answers["status"] != Status.FAILED.value
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            faults = [name for name in ("compliance", "watchdog", "stop", "front_end") if answers[name][first]]
            because = f" (latched faults: {', '.join(faults)})" if faults else ""
            raise TwinbarError(
                f"tile {answers['tile'][first]} of the controller answered {Opcode(answers['opcode'][first]).name} "
                f"with {Status(answers['status'][first]).name}{because}; the program was not carried out"
            )
        if len(bad):
            self._served = int(answers["tile"][-1])
        return result

    def _calibrate(self) -> Activity:
        """Measure the offsets of the columns and pairs in use, and trim the gains of their channels."""
        offsets, arguments = calibrations(self.config, self._mapped_columns)
        result = self._run(beats.calibrate(offsets, arguments), "initialization")
        codes = beats.results(Opcode.CALIBRATE, result.responses)["code"]
        tile = np.repeat(np.arange(self.tiles), np.diff(offsets))
        column, subtract, gain = arguments[:, COLUMN], arguments[:, SUBTRACT] == 1, arguments[:, GAIN] == 1
        for found, chosen in (
            (self._offsets, ~subtract & ~gain),
            (self._pair_offsets, subtract),
            (self._trims, gain),
        ):
            found[tile[chosen], column[chosen]] = codes[chosen]
        self._note_conversions(offsets, column)
        return _activity(result)

    def _note_conversions(self, offsets: np.ndarray, columns: np.ndarray) -> None:
        """Take note of the channel that each tile has converted last, of lists of columns or pairs."""
        used = np.flatnonzero(np.diff(offsets))
        self._chosen[used] = columns[offsets[used + 1] - 1] % self.config.array.adc_channels

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels by closed-loop write-verify."""
        columns = self.config.array.columns
        self._change_writes(initial=todo.initial)
        table = self.config.algorithm(initial=todo.initial).table
        fields = {"level": todo.levels}
        if table is not None:
            own = table.begin(todo.levels, todo.held)
            fields |= {**own._asdict(), "code": np.full(len(todo), int(table.code))}
        commands = beats.on_cells(Opcode.WRITE, todo.offsets, todo.cells, columns, **fields)
        result = self._run(commands, "write", may_fail=True)
        self._note_conversions(todo.offsets, todo.cells % columns)
        answers = beats.results(Opcode.WRITE, result.responses)
        return WriteResult(
            answers["code"].astype(np.int32),
            answers["sets"].astype(np.uint16),
            answers["resets"].astype(np.uint16),
            answers["status"] == Status.OK.value,
            _activity(result),
        )

    def pulse(self, todo: PulseList) -> Activity:
        """Give pulses without reading."""
        self._change_writes(initial=False)
        columns = self.config.array.columns
        records = np.array([record.value for record in POLARITIES])[todo.polarities]
        commands = beats.on_cells(
            Opcode.PULSE, todo.offsets, todo.cells, columns, record=records, count=todo.counts.astype(np.int64)
        )
        return _activity(self._run(commands, "write"))

    def set_ramps(self, ramps: WriteRegisters) -> Activity:
        """Bring other ramps into all tiles; nothing is done where they are set already."""
        after = self._registers.with_ramps_of(ramps)
        if after == self._registers:
            return Activity()
        self._change_writes(initial=False)
        changed = changed_ramps(self.config.timing, self._registers, after)
        self._registers = after
        return _activity(self._run(beats.set_locked(self.tiles, changed), "write"))

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells; gives their codes and what that took."""
        columns = self.config.array.columns
        result = self._run(beats.on_cells(Opcode.READ, offsets, cells, columns), "read")
        self._note_conversions(offsets, cells % columns)
        return beats.results(Opcode.READ, result.responses)["code"].astype(np.int32), _activity(result)

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply a batch of input codes by the conductances of a layer's tiles."""
        return self.multiply_together([LayerProduct(block, inputs, full_scale)])[0]

    def multiply_together(self, products: Sequence[LayerProduct]) -> list[MultiplyResult]:
        """Multiply by several layers in one program (see `Engine.multiply_together`)."""
        settings = self._write_lists(self._activations.answer([product.block for product in products]))
        outputs = [self._outputs(product.block) for product in products]
        ranges = [self._set_range(product.block, product.full_scale) for product in products]
        sent = [self._sent(product.block, product.inputs) for product in products]
        vectors = [
            self._vectors(product.block, product.inputs, own, goes)
            for product, own, goes in zip(products, outputs, sent, strict=True)
        ]
        result = self._run(np.concatenate([*ranges, in_proportion(vectors)]), "forward")
        # Groups of outputs begin with the first channel.
        self._chosen[np.flatnonzero(result.actions[:, Action.CONVERT_FORWARD])] = 0
        settings += _activity(result)
        found = []
        for product, own, goes in zip(products, outputs, sent, strict=True):
            found.append(self._found(result, product.block, goes, own, settings))
            settings = Activity()
        return found

    def multiply_chain(self, chain: Sequence[ChainedLayer], inputs: np.ndarray) -> list[MultiplyResult]:
        """Multiply by layers that follow one another in one program (see `Engine.multiply_chain`)."""
        outputs = [self._outputs(layer.block) for layer in chain]
        moved = transfers_of(chain, outputs, self._parameters)
        activity = self._write_lists(self._activations.prepare(chain, outputs))
        ranges = [self._set_range(layer.block, layer.full_scale) for layer in chain]
        first = chain[0].block
        sent = [self._sent(first, inputs, first_answers=True)]
        vectors = [self._vectors(first, inputs, outputs[0], sent[0])]
        for layer, own, transfers in zip(chain[1:], outputs[1:], moved, strict=True):
            groups = self._groups.of(layer.block)
            assert groups is not None
            follow = beats.follow(self.config, layer.block, own, transfers, groups)
            vectors.append(VectorBeats.alike(follow, len(inputs)))
            sent.append(SentInputs.all_of(layer.block, len(inputs), self._parameters.rows_per_word))
        result = self._run(np.concatenate([*ranges, vector_by_vector(vectors)]), "forward")
        self._chosen[np.flatnonzero(result.actions[:, Action.CONVERT_FORWARD])] = 0
        activity += _activity(result)
        found = []
        for layer, own, goes in zip(chain, outputs, sent, strict=True):
            found.append(self._found(result, layer.block, goes if layer.answered else None, own, activity))
            activity = Activity()
        return found

    def _write_lists(self, lists: RegisterLists) -> Activity:
        """Write registers, each tile its own list, in a program of their own; there is none where lists are empty."""
        if not len(lists.addresses):
            return Activity()
        commands = beats.in_turn(Opcode.WRITE_REGISTER, lists.offsets, address=lists.addresses, value=lists.values)
        return _activity(self._run(commands, "forward"))

    def _outputs(self, block: TileBlock) -> np.ndarray:
        """Return the outputs of each column tile (int64 [column tiles])."""
        return block.used_columns // 2 if self.config.array.pairs == "subtract" else block.used_columns

    def _sent(self, block: TileBlock, inputs: np.ndarray, *, first_answers: bool = False) -> SentInputs:
        """Return what of a batch goes to the tiles of a layer."""
        rows_per_word = self._parameters.rows_per_word
        if self.config.array.sparse_inputs:
            return SentInputs.with_inputs(block, inputs, rows_per_word, first_answers=first_answers)
        return SentInputs.all_of(block, len(inputs), rows_per_word)

    def _vectors(self, block: TileBlock, inputs: np.ndarray, outputs: np.ndarray, sent: SentInputs) -> VectorBeats:
        """Return the beats of a layer's products."""
        return beats.multiply(self.config, self._parameters, block, inputs, outputs, sent, self._groups.of(block))

    def _found(
        self,
        result: ProgramResult,
        block: TileBlock,
        sent: SentInputs | None,
        outputs: np.ndarray,
        activity: Activity,
    ) -> MultiplyResult:
        """Read the responses to one of a program's products; without ``sent``, none of them is answered."""
        if sent is not None:
            codes = beats.sums(result.responses, block, sent, outputs, self._parameters.outputs_per_beat)
        else:
            codes = np.zeros((1, len(outputs), 0, int(outputs.max())), np.int64)
        if not block.cascade:
            codes = codes.astype(np.int32)
        conversions = result.actions[block.tiles, Action.CONVERT_FORWARD]
        extremes = result.extremes[block.tiles]
        return MultiplyResult(
            codes,
            *extreme_codes(extremes, conversions),
            int(extremes[:, 2].sum()),
            int(conversions.sum()),
            activity,
        )

    def _set_range(self, block: TileBlock, full_scale: float) -> beats.Commands:
        """Return the beats that set the ADC range of a layer's tiles, where it has changed."""
        code = self.config.range_code(full_scale)
        tiles = np.arange(block.tiles.start, block.tiles.stop)
        changed = tiles[self._ranges[tiles] != code]
        self._ranges[tiles] = code
        return beats.write_register(changed, registers.RANGE_MULTIPLY.address, code)

    # --- state ------------------------------------------------------------------------------------------------------

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs."""
        if tick != self._tick:
            self._tick = tick
            self.controller.set_tick(tick)

    def conductances_s(self) -> np.ndarray:
        """Return what a noiseless read would see now, in siemens (float64 [tiles, rows, columns])."""
        return conductances_s(self.config, self._parameters, self.controller.cells(), self._tick)

    def pulse_counts(self) -> np.ndarray:
        """Return the pulses that each cell has had (uint32 [tiles, rows, columns])."""
        array = self.config.array
        return self.controller.cells()["pulses"].reshape(self.tiles, array.rows, array.columns)

    @property
    def _algorithm(self) -> WriteAlgorithm:
        """How the tiles write, with the ramps that are set."""
        algorithm = self.config.algorithm(initial=self._initial)
        return algorithm if self._initial else replace(algorithm, registers=self._registers)

    def _start_codes(self) -> np.ndarray:
        """Return the start codes of SET and RESET (int64 [polarities, lines])."""
        records = bias_records(self.config.timing, self._algorithm)
        return np.array([lines_of(records[record][FIELD_CODES]) for record in POLARITIES], np.int64)

    def _driven(self, cells: dict[str, np.ndarray]) -> np.ndarray:
        """Return what each tile drives, from what `ProgramController.cells` says.

        This is the polarity whose start codes are driven; by pulse table, ``2 * number + polarity`` of the entry that
        is held. Whatever else is driven makes no difference. Of a controller that cannot tell, nothing is known to be
        driven, and a restored one may need an update more.
        """
        found = np.full(self.tiles, NOTHING_DRIVEN, np.int64)
        if self.config.algorithm(initial=self._initial).table is not None:
            return cells.get("entry", found)
        driven = cells.get("driven")
        if driven is None:
            return found
        for polarity, (record, codes) in enumerate(zip(POLARITIES, self._start_codes(), strict=True)):
            found[(driven[:, 0] == record.value) & (driven[:, 1:] == codes).all(axis=1)] = polarity
        return found

    def _own_state(self) -> dict[str, np.ndarray]:
        chained = self._activations.state() if self._parameters.chain else {}
        return {
            "ranges": self._ranges,
            "offsets": self._offsets,
            "pair_offsets": self._pair_offsets,
            "trims": self._trims,
            **chained,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a program changes; the fast engine's has the same form."""
        cells = {name: array.copy() for name, array in self.controller.cells().items()}
        if self.config.parts is not None and "driven" in cells:
            cells |= {"drive_codes": cells["driven"], "chosen": self._chosen.copy()}
        cells["driven"] = self._driven(cells)
        cells.pop("entry", None)
        modes = {} if self.config.initial is None else {"initial": self._initial}
        own = {name: array.copy() for name, array in self._own_state().items()}
        if self._registers != self.config.registers:
            own["ramps"] = self._registers.ramps()
        return {"tick": self._tick, "served": self._served, **modes, **cells, **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave: cells, what calibration stored, what is driven, and whose turn it is."""
        cells = self.controller.cells()
        for name, array in {**cells, **self._own_state()}.items():
            if name not in ("driven", "entry") and (name != "front_end" or name in state):
                check_shape(name, state[name], array)
        for name, array in self._own_state().items():
            array[:] = state[name]
        restored = {name: state[name] for name in cells if name not in ("driven", "entry") and name in state}
        # A tick that passes would move cells by what they were read before.
        self._tick = int(state["tick"])
        self.controller.set_tick(self._tick)
        self.controller.load_cells(restored)
        self._change_writes(initial=False)
        self._restore_ramps(state.get("ramps"))
        self._change_writes(initial=bool(state.get("initial", False)))
        algorithm = self._algorithm
        parts = [
            # Without it, what was driven before would still be.
            beats.arm(self.tiles),
            beats.write_register(np.arange(self.tiles), registers.RANGE_MULTIPLY.address, self._ranges),
            beats.table(registers.OFFSET_BASE, self._offsets),
            beats.table(registers.PAIR_OFFSET_BASE, self._pair_offsets),
            beats.table(registers.TRIM_BASE, self._trims),
            *self._chained_registers(),
            come_to_rest(self.config, self.tiles),
        ]
        recalls = "drive_codes" in state and "front_end" not in restored
        if algorithm.table is not None:
            low, high = int(self.config.levels.low[0]), int(self.config.levels.high[0])
            window = int(registers.LEVEL_WINDOW.pack(low=low, high=high))
            parts.append(beats.hold_entries(state["driven"], window, (1 << self.config.array.adc_bits) - 1))
            parts.append(chosen_again(state["chosen"] if recalls else np.zeros(0, np.int64)))
        elif recalls:
            records = bias_records(self.config.timing, algorithm)
            parts.append(recall(state["drive_codes"], state["chosen"], records, algorithm.registers.limit))
        else:
            for polarity, record in enumerate(POLARITIES):
                parts.append(beats.drive(np.flatnonzero(state["driven"] == polarity), record))
        self._run(np.concatenate(parts), "initialization")
        self._run(beats.look_at(int(state["served"])), "initialization")
        if self.config.parts is not None or algorithm.table is not None:
            # Arming has moved the outputs of serial parts; what moved drives back went to cells.
            self.controller.load_cells(restored)
        self._chosen[:] = state.get("chosen", NOT_CONVERTED)

    def _chained_registers(self) -> list[beats.Commands]:
        """Return the beats that write all registers of activations; none where there are no chains."""
        if not self._parameters.chain:
            return []
        own = self._activations
        tile, entry = np.divmod(np.arange(own.scales.size), own.scales.shape[1])
        return [
            beats.write_register(np.arange(self.tiles), registers.ACTIVATION.address, own.activations),
            beats.write_register(tile, registers.SCALES.base + entry, own.scales.reshape(-1)),
        ]

    def _restore_ramps(self, ramps: np.ndarray | None) -> None:
        """Set the ramps of a checkpoint; those of the configuration, where it names none."""
        after = self.config.registers if ramps is None else self.config.registers.with_ramps(ramps)
        changed = changed_ramps(self.config.timing, self._registers, after)
        self._registers = after
        if changed:
            self._run(beats.set_locked(self.tiles, changed), "initialization")


def _activity(result: ProgramResult) -> Activity:
    return Activity.of_program(result.phases, result.actions, result.energy, result.cycles)
