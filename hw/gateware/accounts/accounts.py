"""Accounts of a tile: says what happens in a cycle, and counts it."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import CLOSED_LOOP
from twinbar.hw.protocol.registers import COUNTER_BITS, LATER_BIT, PHASE_COUNTERS
from twinbar.hw.protocol.vocabulary import Record, Status

from ..controller_config import ControllerConfig
from ..register_access import RegisterAccessSignature
from ..sequencer_progress import ProgressSignature
from ..tile_states import TileState, is_any
from .counters import Counters


def optional_actions(config: ControllerConfig) -> tuple[Action, ...]:
    """Return the actions that only a controller with options counts."""
    return (
        *((Action.SHARED_BEAT,) if config.routes else ()),
        *((Action.PARTIAL_SUM,) if config.cascade else ()),
        *((Action.PACKED_OUTPUT,) if config.outputs_per_beat > 1 or config.chain else ()),
        *((Action.REQUANTIZE, Action.TRANSFERRED_WORD) if config.chain else ()),
    )


class Accounts(wiring.Component):
    """Counts the cycles of every phase, and the actions.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    progress : In(ProgressSignature)
    registers : In(RegisterAccessSignature)
    record : In(Record)
        The record that is driven.
    done, last_sample : In(1)
        The request to the front end is answered; the conversion in progress is the last of a single-cell read.
    conversions : In
        Those of the read or group in progress.
    copied, passed, packed : In(1)
        See `Control`.
    phase_value, action_value : Out
        The counters that the register's address asks for.

    Attributes
    ----------
    kept, moved : Signal
        To be driven where there are chains: see `Tile`.
    counters : Counters
        The proofs look at it.
    """

    progress: In(ProgressSignature())
    registers: In(RegisterAccessSignature())
    record: In(Record)
    done: In(1)
    last_sample: In(1)
    conversions: In(7)
    copied: In(1)
    passed: In(1)
    packed: In(1)
    phase_value: Out(COUNTER_BITS)
    action_value: Out(COUNTER_BITS)

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.kept, self.moved = Signal(), Signal()
        self.counters = Counters(optional_actions(config))
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        optional = self.counters.optional
        happened = {
            Action.SHARED_BEAT: self.copied,
            Action.PARTIAL_SUM: self.passed,
            Action.PACKED_OUTPUT: self.packed,
            Action.REQUANTIZE: self.kept,
            Action.TRANSFERRED_WORD: self.moved,
        }
        m.submodules.counters = counters = self.counters
        progress = self.progress
        state, first, product = progress.state, progress.first, progress.product
        address = self.registers.address
        index = address[: PHASE_COUNTERS.index_bits]
        m.d.comb += [
            counters.phase.eq(progress.phase),
            counters.started.eq(progress.popped),
            counters.phase_index.eq(index),
            counters.action_index.eq(Cat(index, address[LATER_BIT])),
            counters.amount.eq(1),
            self.phase_value.eq(counters.phase_value),
            self.action_value.eq(counters.action_value),
        ]

        if optional:
            accessing = state == TileState.ACCESS
            m.d.comb += [
                counters.started.eq(progress.popped & ~self.copied),
                counters.happened.eq(Cat(happened[action] for action in optional)),
                counters.urgent.eq(progress.accesses & (state == TileState.DECODE) & self.registers.granted),
                counters.reads.eq(accessing & ~first),
            ]

        def count(condition, action) -> None:
            with m.If(condition):
                m.d.comb += [counters.act.eq(1), counters.action.eq(action)]

        count((state == TileState.SELECT) & first, Mux(product, Action.INPUT_STEP, Action.SELECT_CELL))
        count((state == TileState.DRIVE) & first, Action.DRIVE_UPDATE)
        reset_pulse = self.record == Record.RESET
        count((state == TileState.PULSE) & first, Mux(reset_pulse, Action.PULSE_RESET, Action.PULSE_SET))
        failed = progress.status == Status.FAILED
        written = is_any(progress.command.opcode, CLOSED_LOOP) & ((progress.status == Status.OK) | failed)
        count(progress.handed_over & written, Mux(failed, Action.WRITE_FAILED, Action.WRITE_OK))
        # All conversions of a read are counted when it ends, one way or the other.
        converts = state == TileState.CONVERT
        ends = converts & ~progress.comparing & (self.done & (product | self.last_sample) | progress.halt)
        count(converts & progress.comparing & first, Action.COMPARE)
        count(ends, Mux(product, Action.CONVERT_FORWARD, Action.CONVERT_VERIFY))
        with m.If(ends):
            m.d.comb += counters.amount.eq(self.conversions)
        return m
