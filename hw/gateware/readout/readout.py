"""The read-out of a tile: from the codes of the converters to the results of commands."""

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.layouts import TRIM_BITS, VALUE_BITS
from twinbar.hw.protocol.registers import GAIN_TARGET, LEVEL_WINDOW
from twinbar.hw.protocol.vocabulary import Opcode

from ..control.register_file import Sampling
from ..control.word_write import WordSignature
from ..controller_config import ControllerConfig
from ..front_end.handshake import RolesSignature
from ..register_access import RegisterAccessSignature
from ..sequencer_progress import ProgressSignature
from ..tile_states import TileState
from .cell_reader import CellReader
from .channel_bank import ChannelBank
from .input_planes import InputPlanes
from .output_walk import OutputWalk, WalkSignature
from .results import Results
from .verdict import VerdictSignature


class StoredSignature(wiring.Signature):
    """What the tables of the read-out hold for the register that is accessed.

    Members
    -------
    offset : Out(signed)
    trim, window : Out
        See `ColumnChannel`, `GainTrims` and `LevelMemory`.
    """

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {"offset": Out(signed(config.adc_bits + 1)), "trim": Out(TRIM_BITS), "window": Out(LEVEL_WINDOW.bits)}
        )


class Readout(wiring.Component):
    """The read-out of a tile.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    progress : In(ProgressSignature)
    registers : In(RegisterAccessSignature)
    sampling : In(Sampling)
        The register.
    gain_target : In
        The register, from the cycle after it was read on.
    register_value : In
        What the register that is accessed holds.
    walk : In(WalkSignature)
    verdict : Out(VerdictSignature)
    stored : Out(StoredSignature)
    conversions : Out
        Of the read or group in progress.
    result : Out(signed)
        For the response, whose output is that of ``front.column``.
    moved : In(WordSignature)
        What a transfer writes into the row registers, where there are chains.
    front : Out(RolesSignature)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        rows = ("row_load", "row_clear", "row_word", "row_bits")
        says = ("column", "plane", "subtract", "channels", "trim", *rows, *(("threshold",) if config.compare else ()))
        hears = ("code", "done", *(("over",) if config.compare else ()))
        super().__init__(
            {
                "progress": In(ProgressSignature()),
                "registers": In(RegisterAccessSignature()),
                "sampling": In(Sampling),
                "gain_target": In(GAIN_TARGET.bits),
                "register_value": In(VALUE_BITS),
                "walk": In(WalkSignature()),
                "verdict": Out(VerdictSignature()),
                "stored": Out(StoredSignature(config)),
                "conversions": Out(7),
                "result": Out(signed(VALUE_BITS)),
                **({"moved": In(WordSignature())} if config.chain else {}),
                "front": Out(RolesSignature(config, *says, *hears)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, front, progress, registers = self.config, self.front, self.progress, self.registers
        m.submodules.walk = walk = OutputWalk(config)
        m.submodules.inputs = inputs = InputPlanes(config)
        m.submodules.channels = channels = ChannelBank(config)
        m.submodules.cells = cells = CellReader(config)
        m.submodules.results = results = Results(config)
        connect(m, flipped(self.walk), walk.steps)
        connect(m, flipped(registers), channels.registers, cells.registers)
        connect(m, flipped(progress), cells.progress, results.progress)
        connect(m, cells.verdict, flipped(self.verdict))
        state, body = progress.state, progress.command.body
        product, offset = progress.product, cells.offset
        decided, converted, moves = Signal(), Signal(), Signal()
        m.d.comb += [
            decided.eq(state == TileState.DECIDE),
            # A conversion can follow at once, and if it does, the walk moves. In DECIDE, only that of a product does.
            moves.eq(decided & product | (state == TileState.RESPOND)),
            converted.eq((state == TileState.CONVERT) & front.done),
            front.subtract.eq((product & body.product.subtract) | (offset & body.calibration.subtract)),
        ]

        # --- outputs and inputs --------------------------------------------------------------------------------------
        waiting = progress.head.body.product
        m.d.comb += [
            walk.start.eq(progress.ready),
            walk.product.eq(progress.head.opcode == Opcode.MULTIPLY),
            walk.outputs.eq(waiting.outputs),
            walk.first.eq(waiting.column),
            walk.codes.eq(waiting.codes),
            walk.skip.eq(waiting.skip),
            walk.planes.eq(inputs.planes),
            walk.deciding.eq(decided),
            walk.hold.eq(progress.halt),
            inputs.load.eq(state == TileState.LOAD),
            inputs.clear.eq(body.input.clear),
            inputs.word.eq(body.input.word),
            inputs.bits.eq(body.input.bits),
            front.column.eq(walk.column),
            front.plane.eq(walk.plane),
            front.channels.eq(walk.active),
            front.row_load.eq(inputs.load),
            front.row_clear.eq(inputs.load & inputs.clear),
            front.row_word.eq(inputs.word),
            front.row_bits.eq(inputs.inputs),
        ]

        if config.chain:
            moved = self.moved
            with m.If(moved.takes):
                m.d.comb += [
                    inputs.load.eq(moved.load),
                    inputs.clear.eq(moved.clear),
                    inputs.word.eq(moved.word),
                    inputs.bits.eq(moved.bits),
                ]

        # --- codes ---------------------------------------------------------------------------------------------------
        calibrates = (decided & offset & ~progress.halt).replicate(config.adc_channels)
        m.d.comb += [
            *(code.eq(of_front) for code, of_front in zip(channels.codes, front.code, strict=True)),
            channels.accessing.eq(progress.accesses),
            channels.take.eq(converted),
            channels.first_step.eq(walk.first_step),
            channels.plane.eq(walk.plane),
            channels.add.eq(decided & product),
            channels.column.eq(walk.column),
            channels.next_column.eq(Mux(moves, walk.next_column, walk.column)),
            channels.subtract.eq(front.subtract),
            channels.offset.eq(cells.average),
            channels.calibrate.eq(calibrates & walk.active),
            cells.sampling.eq(self.sampling),
            cells.gain_target.eq(self.gain_target),
            cells.lane.eq(channels.lane),
            cells.code.eq(channels.code),
            cells.stored_offset.eq(channels.stored_offset),
            cells.done.eq(front.done),
            *(pin.eq(trim) for pin, trim in zip(front.trim, cells.trims, strict=True)),
        ]
        if config.compare:
            m.d.comb += [cells.over.eq(Array(front.over)[channels.lane]), front.threshold.eq(cells.threshold)]

        # --- results -------------------------------------------------------------------------------------------------
        m.d.comb += [
            *(of_results.eq(total) for of_results, total in zip(results.sums, channels.sums, strict=True)),
            results.last_step.eq(walk.steps.last_step),
            results.code.eq(cells.result),
            results.writes.eq(registers.write),
            results.register_value.eq(self.register_value),
            self.result.eq(results.result),
            self.conversions.eq(Mux(product, walk.count, cells.count)),
            self.stored.offset.eq(channels.stored_offset),
            self.stored.trim.eq(cells.trim),
            self.stored.window.eq(cells.window),
        ]
        return m
