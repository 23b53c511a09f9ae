"""Single-cell reads: average, window of the level, and the search for a gain trim."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import TRIM_BITS
from twinbar.hw.protocol.registers import GAIN_TARGET, LEVEL_WINDOW, LEVEL_WINDOWS
from twinbar.hw.protocol.vocabulary import Opcode

from ..control.register_file import Sampling
from ..controller_config import ControllerConfig
from ..register_access import RegisterAccessSignature
from ..sequencer_progress import ProgressSignature
from ..tile_states import TileState
from .averager import Averager
from .comparison import WindowComparison
from .gain_trims import GainTrims
from .level_memory import LevelMemory
from .results import result_shape
from .verdict import VerdictSignature


class CellReader(wiring.Component):
    """Reads one cell, or one column, with one ADC channel.

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
    lane : In
        The channel.
    code, stored_offset : In(signed)
        Of the channel.
    over : In(1)
        The cell gives ``threshold`` or more, where there are comparisons.
    threshold : Out
        To the front end.
    done : In(1)
        The request to the front end is answered.
    verdict : Out(VerdictSignature)
    offset : Out(1)
        The command measures an offset.
    average : Out(signed)
        In the cycle after the last conversion.
    result : Out(signed)
        What the command answers (`result_shape`).
    count : Out
        Conversions of this read, with the one in progress.
    trims : Out array
        To the front end.
    trim, window : Out
        See `GainTrims` and `LevelMemory`: what is stored for the register that is accessed.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        code = signed(config.adc_bits + 1)
        super().__init__(
            {
                "progress": In(ProgressSignature()),
                "registers": In(RegisterAccessSignature()),
                "sampling": In(Sampling),
                "gain_target": In(GAIN_TARGET.bits),
                "lane": In(range(config.adc_channels)),
                "code": In(code),
                "stored_offset": In(code),
                **({"over": In(1), "threshold": Out(config.adc_bits + 1)} if config.compare else {}),
                "done": In(1),
                "verdict": Out(VerdictSignature()),
                "offset": Out(1),
                "average": Out(signed(config.adc_bits + 2)),
                "result": Out(result_shape(config)),
                "count": Out(range(1, 33)),
                "trims": Out(TRIM_BITS).array(config.adc_channels),
                "trim": Out(TRIM_BITS),
                "window": Out(LEVEL_WINDOW.bits),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, progress, registers, verdict = self.config, self.progress, self.registers, self.verdict
        m.submodules.averager = averager = Averager(config)
        m.submodules.trims = trims = GainTrims(config.adc_channels)
        m.submodules.levels = levels = LevelMemory(config)
        state, opcode, body = progress.state, progress.command.opcode, progress.command.body
        below, above, last_sample = Signal(), Signal(), Signal()
        answer = Mux(
            (opcode == Opcode.VERIFY) | progress.comparing, Cat(below | above, below).as_signed(), averager.value
        )
        calibrates = opcode == Opcode.CALIBRATE
        gain, raw, converted = Signal(), Signal(), Signal()
        # From a register, because a block RAM is slow.
        target = Signal(GAIN_TARGET.bits)
        m.d.sync += target.eq(self.gain_target)
        m.d.comb += [
            gain.eq(calibrates & body.calibration.gain),
            self.offset.eq(calibrates & ~body.calibration.gain),
            raw.eq(self.offset | (opcode == Opcode.CONVERT)),
            converted.eq((state == TileState.CONVERT) & self.done),
            averager.clear.eq(state == TileState.CONNECT_READ),
            averager.sampling.eq(self.sampling),
            averager.single.eq(opcode == Opcode.CONVERT),
            averager.code.eq(self.code),
            averager.offset.eq(Mux(raw, 0, self.stored_offset)),
            averager.take.eq(converted),
            trims.channel.eq(self.lane),
            trims.begin.eq(gain & (state == TileState.SELECT) & self.done),
            trims.decide.eq(gain & (state == TileState.DECIDE)),
            trims.hold.eq(progress.halt),
            trims.above.eq(averager.value > target),
            trims.write.eq(registers.write_trim),
            trims.value.eq(registers.value),
            levels.level.eq(Mux(progress.accesses, registers.address[: LEVEL_WINDOWS.index_bits], body.cell.level)),
            levels.window.eq(registers.value),
            levels.write.eq(registers.write_level),
            levels.code.eq(averager.coming),
            levels.compare.eq(converted),
            below.eq(levels.below),
            above.eq(levels.above),
            last_sample.eq(averager.last),
            verdict.last_sample.eq(last_sample),
            verdict.gain.eq(gain),
            verdict.last_bit.eq(trims.last),
            verdict.below.eq(below),
            verdict.above.eq(above),
            verdict.short.eq(levels.short),
            verdict.excess.eq(levels.excess),
            self.average.eq(averager.average),
            self.result.eq(Mux(gain, trims.decided, Mux(raw, averager.average, answer))),
            self.count.eq(averager.count),
            *(pin.eq(trim) for pin, trim in zip(self.trims, trims.trims, strict=True)),
            self.trim.eq(trims.trim),
            self.window.eq(levels.stored),
        ]
        if config.compare:
            m.submodules.comparison = comparison = WindowComparison(config)
            m.d.comb += [
                comparison.begin.eq(state == TileState.CONNECT_READ),
                comparison.high_first.eq(progress.high_first),
                comparison.low.eq(levels.low),
                comparison.high.eq(levels.high),
                comparison.offset.eq(self.stored_offset),
                comparison.over.eq(self.over),
                comparison.take.eq(converted),
                self.threshold.eq(comparison.threshold),
            ]
            with m.If(progress.comparing):
                m.d.comb += [
                    below.eq(comparison.below),
                    above.eq(comparison.above),
                    last_sample.eq(comparison.last),
                ]
        return m
