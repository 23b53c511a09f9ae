"""The front end of serial parts: DACs, ADCs and switches behind three SPI buses."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.cycles import front_end_cycles, matrix_of
from twinbar.hw.parts.front_end_clock import FrontEndClock, FrontEndRegisters
from twinbar.hw.parts.i2c import I2cCycles
from twinbar.hw.protocol.layouts import COMPLIANCE_BITS
from twinbar.hw.protocol.vocabulary import Request, Selection

from ..controller_config import ControllerConfig
from .adc_reader import AdcReader
from .dac_keeper import DacKeeper
from .handshake import FrontEndSignature
from .i2c_transceiver import I2cPinsSignature, I2cTransceiver
from .row_registers import RowRegisters
from .spi_transceiver import SpiPinsSignature, SpiTransceiver
from .switch_loader import SwitchLoader

CHAINS = 2


class SerialPinsSignature(wiring.Signature):
    """Pins of the serial front end.

    Members
    -------
    dac : Out(SpiPinsSignature or I2cPinsSignature)
    adc, switches : Out(SpiPinsSignature)
        Buses. A part with one input per ADC channel has a data pin per channel; the chains of rows and columns are chip
        selects 0 and 1.
    switches_open : Out(1)
        High: all switches are opened, by the pin that the part has for it.
    write_gate, read_enable, range, compliance_code : Out
        As in `array_members`: gates, the range of the read-out amplifiers, and the current limit for a front end that
        sets it in parallel.
    compliance, fault : In
        As in `array_members`.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        lanes = 1 if parts.adc.latency else config.adc_channels
        super().__init__(
            {
                "dac": Out(_dac_pins(parts)),
                "adc": Out(SpiPinsSignature(1, lanes, parts.adc_cycles.cpol)),
                "switches": Out(SpiPinsSignature(CHAINS, 0, parts.switch_cycles.cpol)),
                "switches_open": Out(1, init=1),
                "write_gate": Out(1),
                "read_enable": Out(1),
                "range": Out(16),
                "compliance_code": Out(COMPLIANCE_BITS),
                "compliance": In(1),
                "fault": In(1),
            }
        )


def _dac_pins(parts: SerialParts) -> wiring.Signature:
    if isinstance(parts.dac_cycles, I2cCycles):
        return I2cPinsSignature()
    return SpiPinsSignature(parts.dacs, 0, parts.dac_cycles.cpol)


class SerialFrontEnd(wiring.Component):
    """DACs, ADCs and switches behind three SPI buses.

    `clock` gives the cycles of every request, by the formulas of `twinbar.hw.parts.cycles`. Gain trims are ignored: no
    part here has one. What the parts cannot connect (rows driven by codes; pairs or the reference source without
    switches for them) raises the fault FRONT_END.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts

    Raises
    ------
    ConfigError
        If the parts cannot serve the tile.

    Members
    -------
    tile : In(FrontEndSignature)
    pins : Out(SerialPinsSignature)

    Attributes
    ----------
    last : Signal
        The request of the cycle before, unless it was answered in it.
    updated : Signal
        The codes of a drive have come.
    settled : Signal
        Cycles of the read path, with this one. The proof looks at all of these.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        parts.check(config.adc_channels, config.dac_bits)
        self.config, self.parts = config, parts
        self.last, self.updated, self.settled = Signal(Request), Signal(), Signal(16)
        super().__init__({"tile": In(FrontEndSignature(config)), "pins": Out(SerialPinsSignature(config, parts))})

    def clock(self, durations: FrontEndRegisters) -> FrontEndClock:
        """Return the model of the cycles in which requests are answered, as of a reset."""
        config = self.config
        return FrontEndClock(self.parts, config.rows, config.columns, config.adc_channels, config.safe_codes, durations)

    def _dac_bus(self) -> SpiTransceiver | I2cTransceiver:
        cycles = self.parts.dac_cycles
        if isinstance(cycles, I2cCycles):
            return I2cTransceiver(cycles, self.parts.dac.word_bits)
        return SpiTransceiver(cycles, self.parts.dacs)

    def elaborate(self, platform) -> Module:
        m = Module()
        config, parts, tile, pins = self.config, self.parts, self.tile, self.pins
        cycles = front_end_cycles(parts, config.rows, config.columns)
        matrix = matrix_of(parts, config.rows, config.columns)
        m.submodules.rows = rows = RowRegisters(config)
        m.submodules.loader = loader = SwitchLoader(config, matrix, cycles, parts.switch.open_pin)
        m.submodules.keeper = keeper = DacKeeper(config, parts)
        m.submodules.reader = reader = AdcReader(config, parts)
        m.submodules.dac_bus = dac_bus = self._dac_bus()
        m.submodules.adc_bus = adc_bus = SpiTransceiver(parts.adc_cycles, 1, reader.lanes)
        m.submodules.switch_bus = switch_bus = SpiTransceiver(parts.switch_cycles, CHAINS)
        for user, transceiver, bus in (
            (keeper, dac_bus, pins.dac),
            (reader, adc_bus, pins.adc),
            (loader, switch_bus, pins.switches),
        ):
            connect(m, user.words, transceiver.words)
            connect(m, transceiver.pins, flipped(bus))
        connect(m, adc_bus.received, reader.received)

        awake = Signal(init=not cycles.power_up)
        if cycles.power_up:
            waited = Signal(range(cycles.power_up))
            with m.If(waited == cycles.power_up - 1):
                m.d.sync += awake.eq(1)
            with m.Else():
                m.d.sync += waited.eq(waited + 1)

        request, durations = tile.request, tile.durations
        impossible = tile.selection == Selection.CODES
        if not matrix.pairs:
            impossible |= tile.subtract
        if not matrix.reference:
            impossible |= tile.selection == Selection.REFERENCE
        reads, multiplies = request == Request.CONNECT_READ, request == Request.CONNECT_MULTIPLY
        # A request is answered from its second cycle on, because what it changes shows only then.
        last, updated, settled = self.last, self.updated, self.settled
        m.d.sync += last.eq(Mux(tile.done, Request.NONE, request))
        m.d.comb += [
            rows.load.eq(tile.row_load),
            rows.clear.eq(tile.row_clear),
            rows.word.eq(tile.row_word),
            rows.bits.eq(tile.row_bits),
            rows.group.eq(loader.group),
            rows.plane.eq(tile.plane),
            loader.ones.eq(rows.ones),
            loader.awake.eq(awake),
            loader.select.eq((request == Request.SELECT) & ~impossible),
            loader.regroup.eq(request == Request.CONVERT),
            loader.selection.eq(tile.selection),
            loader.row.eq(tile.row),
            loader.column.eq(tile.column),
            loader.channels.eq(tile.channels),
            loader.subtract.eq(tile.subtract),
            loader.settle.eq(durations.select),
            loader.answered.eq(tile.done),
            keeper.awake.eq(awake),
            keeper.record.eq(tile.record),
            keeper.codes.eq(tile.codes),
            keeper.compliance_code.eq(tile.compliance_code),
            keeper.update.eq(tile.update),
            keeper.connect.eq(Mux(last == Request.NONE, multiplies << 1 | reads, 0)),
            keeper.settle.eq(durations.settle_drive),
            reader.awake.eq(awake),
            reader.convert.eq((request == Request.CONVERT) & loader.connected),
            reader.channels.eq(tile.channels),
        ]

        # DRIVE brings its codes in its second cycle.
        m.d.sync += updated.eq((request == Request.DRIVE) & (last == Request.DRIVE) & ~tile.done)
        with m.If(~(reads | multiplies) | (last == Request.NONE) | tile.done):
            m.d.sync += settled.eq(1)
        with m.Elif(keeper.ready):
            m.d.sync += settled.eq(settled + 1)
        with m.Switch(request):
            with m.Case(Request.SELECT):
                # The gate may open after a selection: no output is on the way to its code then.
                m.d.comb += tile.done.eq(loader.finished & keeper.ready)
            with m.Case(Request.CONNECT_READ):
                m.d.comb += tile.done.eq((last == request) & keeper.ready & (settled >= durations.settle_read))
            with m.Case(Request.CONNECT_MULTIPLY):
                m.d.comb += tile.done.eq((last == request) & keeper.ready & (settled >= durations.settle_multiply))
            with m.Case(Request.DRIVE):
                m.d.comb += tile.done.eq(updated & keeper.ready)
            with m.Case(Request.CONVERT):
                m.d.comb += tile.done.eq(reader.done)

        fault = Signal()
        m.d.sync += fault.eq((request == Request.SELECT) & impossible)
        if isinstance(dac_bus, I2cTransceiver):
            # What a part did not take is not known to be at its outputs.
            m.d.sync += fault.eq((request == Request.SELECT) & impossible | dac_bus.unanswered)
        m.d.comb += [
            *(of_tile.eq(of_reader) for of_tile, of_reader in zip(tile.code, reader.code, strict=True)),
            tile.compliance.eq(pins.compliance),
            tile.fault.eq(pins.fault | fault),
            pins.switches_open.eq(loader.open),
            pins.write_gate.eq(tile.write_gate),
            pins.read_enable.eq(tile.read_enable),
            pins.range.eq(tile.range),
            pins.compliance_code.eq(tile.compliance_code),
        ]
        return m
