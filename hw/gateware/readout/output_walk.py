"""Walks through the input steps and the outputs of a multiplication."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS, MAX_COLUMNS, ROW_BITS

from ..controller_config import ControllerConfig


class WalkSignature(wiring.Signature):
    """How the sequencer moves a walk.

    Members
    -------
    next_step, next_group, next_output : Out(1)
        Move at the end of this cycle.
    empty : In(1)
        The multiplication that waits has no input step. Combinational.
    last_step, last_group, last_of_group, last_output : In(1)
        Where the walk is: right from the second cycle of a step on.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "next_step": Out(1),
                "next_group": Out(1),
                "next_output": Out(1),
                "empty": In(1),
                "last_step": In(1),
                "last_group": In(1),
                "last_of_group": In(1),
                "last_output": In(1),
            }
        )


class OutputWalk(wiring.Component):
    """Walks through input steps, groups of outputs, and the outputs of a group; a cell is a walk of one column.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    start : In(1)
        A command may begin in the next cycle, with the arguments that are given now.
    product, outputs, first, codes, skip : In
        Whether it is a multiplication, and its arguments.
    planes : In
        Planes that hold a one.
    steps : In(WalkSignature)
    deciding : In(1)
        If the walk moves in this cycle, it moves to a step or a group; otherwise to an output.
    hold : In(1)
        It moves to neither of these.
    column : Out
        Output that is converted or answered; of a group, the first.
    next_column : Out
        ``column`` in the next cycle, if the walk moves. Combinational.
    active : Out
        Channels that convert an output of the group.
    count : Out
        How many.
    plane : Out
        Bit plane of the input step.
    first_step : Out(1)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "product": In(1),
                "outputs": In(ROW_BITS),
                "first": In(COLUMN_BITS),
                "codes": In(1),
                "skip": In(1),
                "planes": In(config.input_bits),
                "deciding": In(1),
                "hold": In(1),
                "steps": In(WalkSignature()),
                "column": Out(COLUMN_BITS),
                "next_column": Out(COLUMN_BITS),
                "active": Out(config.adc_channels),
                "count": Out(7),
                "plane": Out(3),
                "first_step": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        channels, steps = self.config.adc_channels, self.steps
        first = Signal(COLUMN_BITS)
        outputs = Signal(ROW_BITS + 1)
        left = Signal(ROW_BITS + 1)  # outputs from `column` on
        pending = Signal(self.config.input_bits)  # planes from this step on
        wanted = Mux(self.outputs == 0, MAX_COLUMNS, self.outputs)
        without_lowest = pending & (pending - 1)[: len(pending)]
        group_left = Signal(ROW_BITS + 1)  # outputs from the first of the group on
        last, second_last, moved = Signal(), Signal(), Signal()
        lane = self.column[: (channels - 1).bit_length()]

        m.d.comb += [
            steps.empty.eq(self.product & self.skip & ~self.planes.any()),
            group_left.eq(left + lane),
            steps.last_output.eq(Mux(moved, second_last, last)),
            steps.last_of_group.eq(steps.last_output | (lane == channels - 1)),
        ]
        # What is asked in DECIDE and RESPOND is known from the cycle before; only an output can move from cycle to
        # cycle. A conversion of one cycle is the only one of its group, and asks whether the group is the last.
        leaves = steps.next_group | steps.next_output & (lane == channels - 1)
        m.d.sync += [
            steps.last_step.eq(~without_lowest.any()),
            steps.last_group.eq(Mux(leaves, group_left <= 2 * channels, group_left <= channels)),
            last.eq(left == 1),
            second_last.eq(left == 2),
            moved.eq(steps.next_output),
        ]
        for plane in reversed(range(self.config.input_bits)):
            with m.If(pending[plane]):
                m.d.comb += self.plane.eq(plane)

        product = Signal()
        for channel in range(channels):
            # At the first of a group the lane is 0; a single cell uses the channel of its column.
            m.d.comb += self.active[channel].eq(Mux(product, channel < left, lane == channel))
        m.d.comb += self.count.eq(sum(self.active))

        # Whether the walk moves is known late, and where it goes is not.
        passed, remaining = Mux(self.deciding, channels, 1), Signal.like(left)
        m.d.comb += [self.next_column.eq(self.column + passed), remaining.eq(left - passed)]
        with m.If(self.deciding & steps.last_group):
            m.d.comb += [self.next_column.eq(first), remaining.eq(outputs)]
        with m.If(steps.next_step & ~self.hold):
            m.d.sync += [pending.eq(without_lowest), self.first_step.eq(0)]
        moves = steps.next_output | (steps.next_group | steps.next_step) & ~self.hold
        with m.If(self.start | moves):
            m.d.sync += [
                self.column.eq(Mux(self.start, self.first, self.next_column)),
                left.eq(Mux(self.start, wanted, remaining)),
            ]
        with m.If(self.start):
            m.d.sync += [
                product.eq(self.product),
                first.eq(self.first),
                outputs.eq(wanted),
                last.eq(self.outputs == 1),  # without an input step, the first output is answered in the next cycle
                self.first_step.eq(1),
                # With codes there is one step, without weight.
                pending.eq(Mux(self.codes, 1, Mux(self.skip, self.planes, ~0))),
            ]
        return m
