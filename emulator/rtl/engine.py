"""The `rtl` engine: the controller's own netlist, compiled, with the array behind its pins."""

from typing import Any, Final

import numpy as np

from twinbar.emulator.activity import Activity
from twinbar.emulator.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_NONE, P_AGES
from twinbar.emulator.engine import MultiplyResult, TileBlock, WriteList, WriteResult
from twinbar.emulator.fast import kernels
from twinbar.emulator.rtl import beats, physics_abi
from twinbar.emulator.rtl.beats import Words
from twinbar.emulator.rtl.build import compiled
from twinbar.emulator.rtl.errors import NetlistError
from twinbar.emulator.rtl.simulation import Outcome, Simulation
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.config import INPUT_WORD_BITS, ControllerConfig
from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.faults import Reason
from twinbar.hw.protocol.registers import ADDRESS, LEVEL_BASE, TILE_REGISTERS
from twinbar.hw.timing import Phase

COMPOSE_FROM: Final = 2
"""Tiles from which one tile's netlist is compiled and instantiated, instead of a flat controller."""


class RtlEngine:
    """Streams programs of command beats into the netlist.

    Parameters
    ----------
    config : CrossbarConfig
    tiles : int
        Number of tiles.
    mapped_columns : int64 [tiles]
        Columns of each tile that hold weights.
    faults : uint8 [tiles, rows * columns], optional
        Faults of the cells (``FAULT_*``), for instance measured ones; drawn from the preset otherwise.
    composed : bool, optional
        Compile one tile and instantiate it; by default from `COMPOSE_FROM` tiles on.

    Raises
    ------
    ConfigError
        If the configuration does not fit the controller's registers.
    ToolMissingError
        If there is no C++ compiler, or no Yosys.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        tiles: int,
        mapped_columns: np.ndarray,
        faults: np.ndarray | None = None,
        *,
        composed: bool | None = None,
    ) -> None:
        g = config.geometry
        self.config = config
        self.tiles = tiles
        self.netlist_cycles = 0
        """Clock cycles of all programs, idle and stalled ones included."""
        self._tick = 0
        self._t = config.timing.record()
        cells = config.cells
        controller = ControllerConfig(
            rows=g.rows,
            columns=g.columns,
            tiles=tiles,
            adc_channels=min(g.adc_channels, g.outputs),
            adc_bits=g.adc_bits,
            input_bits=g.input_bits,
            dac_inputs=g.dac_inputs,
            subtract_pairs=g.subtract_pairs,
            skip_empty=g.skip_empty,
        )
        if controller.adc_channels != g.adc_channels:
            raise ConfigError(
                f"array.adc_channels is {g.adc_channels}; the controller has one channel for every output of a tile at "
                f"most, which is {g.outputs}"
            )
        self._words = controller.input_words + 1
        ages = bool(cells.scalars[P_AGES])
        self._arrays: dict[str, np.ndarray] = {
            "g": np.zeros((tiles, g.cells), np.int32),
            "pulses": np.zeros((tiles, g.cells), np.uint32),
            "last_tick": np.zeros((tiles, g.cells if ages else 0), np.uint32),
            "fault": np.zeros((tiles, g.cells), np.uint8),
            "conversions": np.zeros((tiles, g.adc_channels), np.int64),
            "grid": np.zeros((tiles, g.cells), np.int32),
            "spread": np.zeros((tiles, g.cells), np.int32),
            "row_sum": np.zeros((tiles, g.rows), np.int64),
            "inputs": np.zeros((tiles, self._words), np.uint32),
            "sums": np.zeros((tiles, g.outputs), np.int64),
            "variances": np.zeros((tiles, g.outputs), np.int64),
            "mapped": np.ascontiguousarray(mapped_columns, dtype=np.int64),
            "scalars": np.ascontiguousarray(cells.scalars, dtype=np.int64),
            "tables": np.ascontiguousarray(cells.tables, dtype=np.int32),
        }
        fault = self._arrays["fault"]
        if faults is not None:
            if faults.shape != fault.shape or faults.max(initial=0) > FAULT_NON_RESPONDING:
                raise ConfigError(
                    f"a fault map of shape {faults.shape} was given; it must be {fault.shape} with values "
                    f"{FAULT_NONE} to {FAULT_NON_RESPONDING}"
                )
            fault[:] = faults
        kernels.initialize(self._arrays["g"], fault, faults is None, cells.scalars, cells.tables)
        self._shape = np.zeros(physics_abi.SHAPE_SIZE, np.int64)
        self._shape[: physics_abi.S_TICK] = (
            *(tiles, g.rows, g.columns, g.outputs, g.adc_channels),
            *(g.subtract_pairs, g.dac_inputs, g.input_bits, self._words, ages),
        )
        self._shape[physics_abi.S_LOW :] = g.code_range
        self._physics = physics_abi.physics_of(self._arrays, self._shape)
        library = compiled(controller, composed=tiles >= COMPOSE_FROM if composed is None else composed)
        self._simulation = Simulation(library, self._physics, tiles, sample_and_hold=g.sample_and_hold)
        self._refresh()
        self._configure()

    def _refresh(self) -> None:
        self._shape[physics_abi.S_TICK] = self._tick
        physics_abi.refresh_caches(self._physics)

    # --- programs ---------------------------------------------------------------------------------------------------
    def run(self, commands: Words, capacity: int, **options: Any) -> Outcome:
        """Stream commands into the controller (options as in `Simulation.run`)."""
        outcome = self._simulation.run(commands, capacity, **{"patience": self._patience(len(commands)), **options})
        self.netlist_cycles += outcome.cycles
        return outcome

    def _patience(self, count: int) -> int:
        """Give the cycles that no program of ``count`` commands outlasts."""
        t, g = self.config.timing, self.config.geometry
        read = t.settle_read + t.samples * t.convert + 1
        pulse = t.settle_drive + max(t.width_set, t.width_reset) + t.recover
        write = t.select + read + self.config.registers.limit * (pulse + read)
        multiply = g.planes * (t.select + t.settle_multiply + g.outputs * (t.convert + 1)) + g.outputs * self.tiles
        return 1000 + count * (8 + max(write, multiply))

    def _configure(self) -> None:
        """Set the registers and level tables of all tiles, and arm."""
        t, r, levels = self.config.timing, self.config.registers, self.config.levels
        values = {
            name: getattr(t, name)
            for name in (
                *("select", "settle_read", "settle_drive", "settle_multiply", "convert", "recover"),
                *("width_set", "width_reset"),
            )
        }
        values |= {"discard": r.discard, "average": (t.samples - r.discard).bit_length() - 1, "pulse_limit": r.limit}
        values["levels"] = len(levels)
        for ramp in ("set_amplitude", "reset_amplitude", "set_gate", "reset_gate"):
            values |= {f"{ramp}_{end}": getattr(getattr(r, ramp), end) for end in ("start", "step", "stop")}
        bits = {register.name: register.width for register in TILE_REGISTERS}
        for name, value in values.items():
            if not 0 <= value < 1 << bits[name]:
                raise ConfigError(
                    f"{name} is {value}, but the controller's register holds 0 to {(1 << bits[name]) - 1}"
                )
        rows = [ADDRESS[name] for name in values] + [LEVEL_BASE + k for k in range(len(levels))]
        windows = levels.low.astype(np.int64) | levels.high.astype(np.int64) << 16
        arguments = [*values.values(), *windows.tolist()]
        tile = np.repeat(np.arange(self.tiles), len(rows))
        program = beats.commands(
            Opcode.SET_REGISTER, tile, row=np.tile(rows, self.tiles), argument=np.tile(arguments, self.tiles)
        )
        self._order(np.append(program, beats.commands(Opcode.ARM, 0, argument=1)))

    def _order(self, program: Words) -> Outcome:
        """Run commands that have one response each and must succeed."""
        outcome = self.run(program, len(program))
        if len(outcome.responses) != len(program):
            raise NetlistError(f"the netlist gave {len(outcome.responses)} responses to {len(program)} commands")
        self._check(outcome.responses)
        return outcome

    def _check(self, responses: Words) -> None:
        reasons = beats.response_field(responses, "reason")
        if reasons.any():
            bad = int(np.flatnonzero(reasons)[0])
            kind = Opcode(int(beats.response_field(responses[bad : bad + 1], "kind")[0]))
            raise NetlistError(f"the netlist refused {kind.name}: {Reason(int(reasons[bad])).name}")

    def _activity(self, outcome: Outcome, tiles: slice = slice(None)) -> Activity:
        phases = outcome.phases[tiles].copy()
        # A program's cycles are those in which a tile is at work: the others depend on the link.
        phases[:, [Phase.IDLE, Phase.STALL]] = 0
        actions = outcome.actions[tiles].sum(axis=0)
        slowest = int(phases.sum(axis=1).max())
        stream = max(int(actions[Action.COMMAND_BEAT]), int(actions[Action.RESPONSE_BEAT]))
        return Activity(
            actions=actions,
            cell_energy=outcome.energy[tiles].sum(axis=0),
            cycles=slowest,
            link_cycles=max(0, stream - slowest),
            phases=phases.sum(axis=0),
        )

    def _cells(self, opcode: int, offsets: np.ndarray, cells: np.ndarray, argument: np.ndarray) -> Outcome:
        """Run one command per cell, the lists of the tiles interleaved; gives the responses in their order."""
        tile = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        place = np.arange(len(cells)) - offsets[tile]
        turn = np.lexsort((tile, place))
        row, column = np.divmod(cells.astype(np.int64), self.config.geometry.columns)
        program = beats.commands(opcode, tile, row, column, argument)
        return self._order(program[turn])

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels by closed-loop write-verify."""
        outcome = self._cells(Opcode.WRITE, todo.offsets, todo.cells, todo.levels)
        responses = _by_tile(outcome.responses)
        return WriteResult(
            beats.cell_field(responses, "code").astype(np.int32),
            beats.cell_field(responses, "sets").astype(np.uint16),
            beats.cell_field(responses, "resets").astype(np.uint16),
            beats.response_field(responses, "ok").astype(np.bool_),
            self._activity(outcome),
        )

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells; gives their codes and what that took."""
        outcome = self._cells(Opcode.READ, offsets, cells, np.zeros(len(cells), np.int64))
        return beats.cell_field(_by_tile(outcome.responses), "code").astype(np.int32), self._activity(outcome)

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply a batch of input codes by the conductances of a layer's tiles."""
        g = self.config.geometry
        row_tiles, column_tiles = block.shape
        batch = len(inputs)
        outputs = block.used_columns // 2 if g.subtract_pairs else block.used_columns
        adc = self.config.adc_range(full_scale)
        self._shape[physics_abi.S_GAIN : physics_abi.S_KU_SHIFT + 1] = (adc.gain, adc.gain_shift, adc.ku, adc.ku_shift)
        program = self._multiply_program(block, inputs, outputs)
        outcome = self.run(program, row_tiles * batch * int(outputs.sum()))
        self._check(outcome.responses)
        values = beats.product_field(_by_tile(outcome.responses), "value").astype(np.int32)
        codes = np.zeros((row_tiles, column_tiles, batch, int(outputs.max())), np.int32)
        at = 0
        for r in range(row_tiles):
            for c, used in enumerate(outputs):
                codes[r, c, :, :used] = values[at : at + batch * used].reshape(batch, used)
                at += batch * used
        extremes = outcome.extremes[block.tiles]
        low, high = g.code_range
        activity = self._activity(outcome, block.tiles)
        return MultiplyResult(
            codes,
            min(int(extremes[:, 0].min()), high),
            max(int(extremes[:, 1].max()), low),
            int(extremes[:, 2].sum()),
            int(activity.actions[Action.CONVERT_FORWARD]),
            activity,
        )

    def _multiply_program(self, block: TileBlock, inputs: np.ndarray, outputs: np.ndarray) -> Words:
        """Give the beats of a batch: vector by vector, and in it tile by tile, the input's words and the command."""
        g = self.config.geometry
        row_tiles, column_tiles = block.shape
        batch = len(inputs)
        padded = np.zeros((batch, block.inputs + 1), np.uint8)
        padded[:, :-1] = inputs
        parts: list[np.ndarray] = []
        for tile in range(row_tiles * column_tiles):
            r, c = divmod(tile, column_tiles)
            codes = padded[:, block.row_input[r][: block.used_rows[r]]]
            words = _packed(codes, g.input_bits)
            number = block.first_tile + tile
            load = beats.commands(Opcode.LOAD_INPUT, number, row=np.arange(words.shape[1])[None], argument=words)
            go = np.full((batch, 1), beats.commands(Opcode.MULTIPLY, number, argument=outputs[c]))
            parts += [load, go]
        return np.concatenate(parts, axis=1).reshape(-1)

    # --- state ------------------------------------------------------------------------------------------------------
    def set_tick(self, tick: int) -> None:
        """Set the tick; where cells age, what reads see follows."""
        if tick != self._tick:
            self._tick = tick
            self._shape[physics_abi.S_TICK] = tick
            if self._shape[physics_abi.S_AGES]:
                self._refresh()

    def conductances_s(self) -> np.ndarray:
        """Give what a noiseless read would see now, in siemens (float64 [tiles, rows, columns])."""
        g = self.config.geometry
        seen = self._arrays["grid"] * (self.config.cells.g_max_s / (1 << g.grid_bits))
        return seen.reshape(self.tiles, g.rows, g.columns)

    def pulse_counts(self) -> np.ndarray:
        """Give the pulses that each cell has had (uint32 [tiles, rows, columns])."""
        g = self.config.geometry
        return self._arrays["pulses"].reshape(self.tiles, g.rows, g.columns)

    _STATE = ("g", "pulses", "last_tick", "fault", "conversions")

    def state_dict(self) -> dict[str, Any]:
        """Give everything that a program changes; the fast engine's has the same form."""
        arrays = {name: self._arrays[name].copy() for name in self._STATE}
        return {"tick": self._tick, **arrays, "driven": self._simulation.driven.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave; the codes that the write drives held are driven again."""
        driven = self._simulation.driven
        for name, array in [*((name, self._arrays[name]) for name in self._STATE), ("driven", driven)]:
            if state[name].shape != array.shape:
                raise ConfigError(
                    f"the checkpoint's {name} has shape {state[name].shape}, this crossbar needs {array.shape}"
                )
            array[:] = state[name]
        self._tick = int(state["tick"])
        self._refresh()
        # Disarming makes every tile forget what it drives.
        self._order(np.array([beats.commands(Opcode.ARM, 0, argument=armed) for armed in (0, 1)]))
        tiles = np.flatnonzero(driven[:, 0] >= 0)
        polarity, amplitude, gate = driven[tiles].T
        self._order(beats.commands(Opcode.RAW, tiles, argument=beats.raw_argument(polarity, amplitude, gate)))


def _by_tile(responses: Words) -> Words:
    """Sort responses by tile; those of one tile stay in their order."""
    return responses[np.argsort(beats.response_field(responses, "tile"), kind="stable")]


def _packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Pack codes [batch, n] without gaps into the words of an input vector (uint32 [batch, words])."""
    batch, n = codes.shape
    spread = (codes[:, :, None] >> np.arange(bits, dtype=np.uint8)) & 1
    words = -(-n * bits // INPUT_WORD_BITS)
    padded = np.zeros((batch, words * INPUT_WORD_BITS), np.uint8)
    padded[:, : n * bits] = spread.reshape(batch, -1)
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")
