"""All ADC channels of a tile."""

from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS
from twinbar.hw.protocol.registers import PAIR_BIT

from ..controller_config import ControllerConfig
from ..register_access import RegisterAccessSignature
from .column_channel import ColumnChannel


class ChannelBank(wiring.Component):
    """All ADC channels of a tile: output ``j`` belongs to channel ``j % adc_channels``.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    registers : In(RegisterAccessSignature)
    accessing : In(1)
        Offsets and ``lane`` are those that the register's address asks for, else those of ``column``.
    codes : In(signed) array
        Of the converters.
    take, first_step, plane, add
        As of `ColumnChannel`.
    column, next_column : In
        First output of the group, in this cycle, and in the next one if that converts or reads.
    subtract : In(1)
        Outputs are pairs of columns.
    offset : In(signed)
        Measured offset of ``column``.
    calibrate : In
        Channels whose offset is stored at the end of this cycle.
    lane : Out
        A single channel: that of a column or register.
    code, stored_offset : Out(signed)
        Of this channel.
    sums : Out(signed) array
        As of `ColumnChannel`.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        code, channels = signed(config.adc_bits + 1), config.adc_channels
        super().__init__(
            {
                "registers": In(RegisterAccessSignature()),
                "accessing": In(1),
                "codes": In(code).array(channels),
                "take": In(1),
                "first_step": In(1),
                "plane": In(3),
                "add": In(1),
                "column": In(COLUMN_BITS),
                "next_column": In(COLUMN_BITS),
                "subtract": In(1),
                "offset": In(signed(config.adc_bits + 2)),
                "calibrate": In(channels),
                "lane": Out(range(channels)),
                "code": Out(code),
                "stored_offset": Out(code),
                "sums": Out(signed(config.sum_bits)).array(channels),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        accessing, registers = self.accessing, self.registers
        channel_bits = (self.config.adc_channels - 1).bit_length()
        groups = slice(channel_bits, (self.config.columns - 1).bit_length())
        of_address = registers.address[:channel_bits]
        accessed = Cat(registers.address[groups], registers.address[PAIR_BIT])
        m.d.comb += self.lane.eq(Mux(accessing, of_address, self.column[:channel_bits]))
        channels = []
        for number in range(self.config.adc_channels):
            m.submodules[f"channel_{number}"] = channel = ColumnChannel(self.config)
            group = Cat(self.column[groups], self.subtract)
            next_group = Cat(self.next_column[groups], self.subtract)
            written = registers.write_offset & (of_address == number if channel_bits else 1)
            m.d.comb += [
                channel.code.eq(self.codes[number]),
                channel.take.eq(self.take),
                channel.next_group.eq(Mux(accessing, accessed, next_group)),
                channel.group.eq(group),
                channel.plane.eq(self.plane),
                channel.first_step.eq(self.first_step),
                channel.add.eq(self.add),
                channel.offset_group.eq(Mux(accessing, accessed, group)),
                channel.offset.eq(Mux(accessing, registers.value, self.offset)),
                channel.write_offset.eq(written | self.calibrate[number]),
                self.sums[number].eq(channel.sum),
            ]
            channels.append(channel)
        with m.Switch(self.lane):
            for number, channel in enumerate(channels):
                with m.Case(number) if channel_bits else m.Default():
                    m.d.comb += [self.code.eq(channel.code), self.stored_offset.eq(channel.stored_offset)]
        return m
