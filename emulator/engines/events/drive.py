"""The write drive: the codes on the three lines, which ramp from pulse to pulse."""

from collections.abc import Mapping

from twinbar.emulator.engines.events.register_file import Bias, Codes
from twinbar.hw.protocol.vocabulary import Record


class Drive:
    """The write drive of a tile. It keeps its codes between commands.

    Parameters
    ----------
    safe_codes : tuple of int

    Attributes
    ----------
    record : Record
        What is driven.
    codes : tuple of int
        Codes of bit line, source line and word line.
    compliance : int
        Code of the current limit.
    width : int
        Pulse width of the record in cycles.
    entry : int or None
        Number of the entry of the record's pulse table that is driven; None: the codes are none of a table.
    settled : bool
        No halt has ended the phase in which the codes were to settle; else the next pulse takes an update.
    """

    def __init__(self, safe_codes: Codes) -> None:
        self._safe_codes = safe_codes
        self._records: Mapping[Record, Bias] = {}
        self.settled = True
        self.make_safe()

    def make_safe(self) -> None:
        """Drive the safe codes; what is pulsed next takes an update."""
        self.record = Record.SAFE
        self.codes: Codes = self._safe_codes
        self.compliance = 0
        self.width = 0
        self.entry: int | None = None

    @property
    def held(self) -> int:
        """``2 * number + polarity`` of the entry that is driven; -1: none is."""
        return -1 if self.entry is None else 2 * self.entry + int(self.record is Record.RESET)

    def load(self, records: Mapping[Record, Bias]) -> None:
        """Take over records that ARM has found good, and drive those that are not driven pulse by pulse."""
        self._records = records
        for record in (Record.READ, Record.MULTIPLY):
            self.update(record, records[record].codes)

    def codes_for(self, record: Record, *, first: bool) -> Codes:
        """Return the codes of a record's next pulse: start codes on the first of a command and after another record."""
        bias = self._records[record]
        if first or record is not self.record:
            return bias.codes
        bit, source, word = self.codes
        (step_bit, step_source, step_word), (stop_bit, stop_source, stop_word) = bias.step, bias.stop
        return (min(bit + step_bit, stop_bit), min(source + step_source, stop_source), min(word + step_word, stop_word))

    def update(self, record: Record, codes: Codes, entry: int | None = None) -> None:
        """Drive codes of a record, or of an entry of its pulse table."""
        bias = self._records[record]
        self.entry = entry
        self.record, self.codes = record, codes
        self.compliance, self.width = bias.compliance, bias.width
