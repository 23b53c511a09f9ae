"""What an operation drives, as the registers of a bias record."""

from dataclasses import dataclass

from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import MAX_WIDTH

OFF = Ramp(0, 0, 0)
"""A line that stays at code 0."""


@dataclass(frozen=True)
class BiasRecord:
    """Codes of the three lines over the pulses of a command, and the shape of a pulse.

    Parameters
    ----------
    bit_line, source_line, word_line : Ramp
        DAC codes: start, step per pulse, stop.
    width_cycles : int
        Cycles of the controller's clock for which the gate is open.
    compliance : int
        Code of the current limit: ``compliance / 255`` of the front end's full scale; 255 is no limit.

    Raises
    ------
    ConfigError
        If the width or the limit cannot be held.
    """

    bit_line: Ramp = OFF
    source_line: Ramp = OFF
    word_line: Ramp = OFF
    width_cycles: int = 1
    compliance: int = registers.NO_LIMIT

    def __post_init__(self) -> None:
        if not 1 <= self.width_cycles <= MAX_WIDTH:
            raise ConfigError(f"a pulse of {self.width_cycles} cycles cannot be given; 1 to {MAX_WIDTH} can")
        if not 0 <= self.compliance <= registers.NO_LIMIT:
            raise ConfigError(f"the compliance code {self.compliance} cannot be held; 0 to {registers.NO_LIMIT} can")

    def registers(self, record: Record) -> dict[int, int]:
        """Return the values by address; the windows that ARM checks allow what the ramps reach, and nothing else."""
        lines = (self.bit_line, self.source_line, self.word_line)
        start, stop = triple(*(line.start for line in lines)), triple(*(line.stop for line in lines))
        shape = registers.SHAPE.pack(width=self.width_cycles, compliance=self.compliance)
        fields = {
            registers.FIELD_CODES: start,
            registers.FIELD_LOW: start,
            registers.FIELD_HIGH: stop,
            registers.FIELD_STOP: stop,
            registers.FIELD_WIDTH: shape,
            registers.FIELD_LIMIT: shape,
            registers.FIELD_STEP: triple(*(line.step for line in lines)),
        }
        return {registers.record_address(record, field): value for field, value in fields.items()}
