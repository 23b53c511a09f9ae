"""Which parts make up a front end, and what each of their outputs drives."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from twinbar.hw.errors import ConfigError, ParameterError

from .adc import AdcPart
from .analog_scale import LIMIT_BITS, AnalogScale
from .bus import DIRECT, BusCycles, Wires, bus_cycles
from .dac import DacPart
from .i2c import I2cCycles
from .switch import SwitchPart


class DrivenLine(IntEnum):
    """What an output of a DAC sets."""

    BIT_LINE = 0
    SOURCE_LINE = 1
    WORD_LINE = 2
    LIMIT = 3
    """The current limit while the write gate is open."""


class DrivePath(Enum):
    """Whose codes an output has: bias records that are driven through the same path."""

    WRITE = "write"
    """SET, RESET and FORM, and the safe codes."""
    READ = "read"
    MULTIPLY = "multiply"


MOST_OUTPUTS = len(DrivenLine) * len(DrivePath)
"""Outputs that can be in use: one for each line of each drive, or as many of reads as that leaves."""


@dataclass(frozen=True)
class DacOutput:
    """What an output of a DAC drives.

    Parameters
    ----------
    line : DrivenLine
    drives : frozenset of DrivePath
        READ and MULTIPLY may share an output. WRITE must not share one, because the write drive keeps its codes while
        cells are read in between.
    channel, chip : int
        Output of which part.
    rest : int
        Code of the part at which the line is at rest; the line's codes are added to it. Of outputs of reads alone, for
        arrays whose virtual ground is not 0 V.
    """

    line: DrivenLine
    drives: frozenset[DrivePath]
    channel: int
    chip: int = 0
    rest: int = 0


def outputs_for(
    dac: DacPart, drives: Sequence[tuple[DrivenLine, frozenset[DrivePath] | set[DrivePath]]], chip: int = 0
) -> tuple[DacOutput, ...]:
    """Return what is driven to the outputs of DACs in ascending order, part after part."""
    return tuple(
        DacOutput(line, frozenset(users), place % dac.channels, chip + place // dac.channels)
        for place, (line, users) in enumerate(drives)
    )


@dataclass(frozen=True)
class SerialParts:
    """The parts of a serial front end. DACs, switches and ADCs each have a bus of their own.

    Parameters
    ----------
    clock_hz : float
        Clock of the controller.
    dac : DacPart
    outputs : tuple of DacOutput
        Outputs in use, in the order in which codes that change together are written. A line without an output has a
        fixed voltage.
    adc : AdcPart
        A part with one input serves one ADC channel of the tile, and all channels convert at once; a part with several
        inputs serves all channels of the tile, one after the other.
    switch : SwitchPart
    pairs, reference : bool
        See `SwitchMatrix`.
    dac_board, adc_board, switch_board : Wires
    power_up_ns : float
        From reset to the first word on any bus.
    input_settle_ns : float
        What lies between array and ADC takes to come to rest: amplifiers, and filters on the ADC's board.
    drive_settle_ns : float
        What amplifiers between DACs and array take to come to rest.
    line_settle_ns : float
        What lines take to follow their switches.
    scale : AnalogScale, optional
        What codes stand for, if the amplifiers are known.

    Raises
    ------
    ConfigError
        If an output does not exist, is used twice, or mixes WRITE with another drive.
    """

    clock_hz: float
    dac: DacPart
    outputs: tuple[DacOutput, ...]
    adc: AdcPart
    switch: SwitchPart
    pairs: bool = False
    reference: bool = False
    dac_board: Wires = DIRECT
    adc_board: Wires = DIRECT
    switch_board: Wires = DIRECT
    power_up_ns: float = 0.0
    input_settle_ns: float = 0.0
    drive_settle_ns: float = 0.0
    line_settle_ns: float = 0.0
    scale: AnalogScale | None = None

    def __post_init__(self) -> None:
        cycles = self.dac_cycles
        if isinstance(cycles, I2cCycles) and self.dacs > len(cycles.addresses):
            raise ConfigError(
                f"there are {self.dacs} {self.dac.name} on one bus, which tells {len(cycles.addresses)} apart by their "
                "addresses; take fewer"
            )
        places = [(output.chip, output.channel) for output in self.outputs]
        if not places or len(set(places)) != len(places):
            raise ConfigError("a serial front end needs outputs of its DACs, each used once")
        # Reads may have an output for each row, all with the same code.
        users = [output.line for output in self.outputs if DrivePath.WRITE in output.drives]
        if len(set(users)) != len(users):
            raise ConfigError("a line is driven by two outputs of the DACs in a pulse; one is enough")
        if len(self.outputs) > MOST_OUTPUTS:
            raise ConfigError(
                f"{len(self.outputs)} outputs of the DACs are in use; a front end keeps {MOST_OUTPUTS} at most"
            )
        for output in self.outputs:
            self.dac.check(output.channel, output.rest)
            if output.rest and DrivePath.WRITE in output.drives:
                raise ConfigError(
                    f"output {output.channel} of DAC {output.chip} drives pulses and rests at code {output.rest}; only "
                    "outputs of reads have a code of rest"
                )
            if not output.drives:
                raise ConfigError(f"output {output.channel} of DAC {output.chip} is in use, but drives nothing")
            if DrivePath.WRITE in output.drives and len(output.drives) > 1:
                raise ConfigError(
                    f"output {output.channel} of DAC {output.chip} is shared by the write drive and another one; the "
                    "write drive keeps its codes while cells are read, so that it needs an output of its own"
                )
            if output.line is DrivenLine.LIMIT and output.drives != {DrivePath.WRITE}:
                raise ConfigError("the current limit belongs to the write drive alone")

    @property
    def dacs(self) -> int:
        """DACs at the bus."""
        return 1 + max(output.chip for output in self.outputs)

    @property
    def dac_cycles(self) -> BusCycles:
        """Cycles of the bus of the DACs."""
        return bus_cycles(self.dac.timing, self.clock_hz, self.dac.word_bits, self.dac_board)

    @property
    def adc_cycles(self) -> BusCycles:
        """Cycles of the bus of the ADCs."""
        return bus_cycles(self.adc.timing, self.clock_hz, self.adc.frame_bits, self.adc_board)

    @property
    def switch_cycles(self) -> BusCycles:
        """Cycles of the bus of the switches."""
        return bus_cycles(self.switch.timing, self.clock_hz, 8, self.switch_board)

    @property
    def read_settle_ns(self) -> float:
        """From a change at the array until the ADC may convert."""
        return self.input_settle_ns + self.adc.settle_ns

    @property
    def write_settle_ns(self) -> float:
        """From a word to a DAC until its line has come to rest."""
        return self.dac.settle_ns + self.drive_settle_ns

    def select_settle_ns(self, columns: int, adc_channels: int) -> float:
        """Return what the register SELECT must cover.

        Between the groups of columns of a product it is all that is waited for, so that the read path comes to rest in
        it, too, where there are several.
        """
        return self.switch.settle_ns + self.line_settle_ns + (self.read_settle_ns if columns > adc_channels else 0.0)

    def cannot_connect(self, *, codes: bool, pair: bool, reference: bool) -> bool:
        """Whether a selection is refused with the fault FRONT_END.

        Parameters
        ----------
        codes : bool
            Rows are to be driven by their whole codes.
        pair : bool
            The columns are subtracted pairs.
        reference : bool
            The reference source is to be connected.
        """
        return codes or (pair and not self.pairs) or (reference and not self.reference)

    def dac_code(self, line: DrivenLine, code: int, dac_bits: int) -> int:
        """Return the code of the part that stands for a line's code of ``dac_bits`` bits, or for a limit's code.

        A line's code is left-aligned. A limit of c / 255 becomes the same share of the part's range, rounded down.
        """
        if line is DrivenLine.LIMIT:
            # Repeated bits: c * 0x0101 / 0xFFFF is c / 255.
            return code * 0x0101 >> (2 * LIMIT_BITS - self.dac.bits)
        return code << (self.dac.bits - dac_bits)

    def check(self, channels: int, dac_bits: int) -> None:
        """Refuse a tile that these parts cannot serve.

        Raises
        ------
        ParameterError
            If the DAC is coarser than the tile's codes, or the ADC has fewer inputs than the tile has channels.
        """
        if dac_bits > self.dac.bits:
            raise ParameterError(
                "dac_bits", f"is {dac_bits}; {self.dac.name} resolves {self.dac.bits}, it must be that or less"
            )
        if self.adc.latency and channels > self.adc.channels:
            raise ParameterError(
                "adc_channels",
                f"is {channels}; {self.adc.name} has {self.adc.channels} inputs, so it must be that or less",
            )

    def check_array(self, adc_bits: int, clock_hz: float) -> None:
        """Refuse an emulated array that these parts could not convert, or another clock.

        Raises
        ------
        ConfigError
            If the ADC is coarser than the array's codes or gives no signed ones for pairs that there are, or the clocks
            differ.
        """
        bits = self.adc.bits - int(self.adc.bipolar)
        if adc_bits > bits:
            raise ConfigError(
                f"array.adc_bits is {adc_bits}; {self.adc.name} resolves a current to {bits} bits, it must be that or "
                "less"
            )
        if self.pairs and not self.adc.bipolar:
            raise ConfigError(
                f"the switches can subtract the columns of a pair, but {self.adc.name} gives no negative codes; take a "
                "bipolar ADC, or leave the pairs' switches out"
            )
        if self.clock_hz != clock_hz:
            raise ConfigError(
                f"the parts are clocked with {self.clock_hz:g} Hz and the controller with {clock_hz:g} Hz; "
                "give both the same"
            )
