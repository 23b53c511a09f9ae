"""Which switch of the two chains connects what: the layout of a crossbar's switch matrix."""

from dataclasses import dataclass

from .switch import SWITCHES


def whole_parts(switches: int) -> int:
    """Round a number of switches up to whole parts."""
    return -(-switches // SWITCHES) * SWITCHES


@dataclass(frozen=True)
class SwitchMatrix:
    """Switches of a crossbar, in two chains behind one bus: rows (chip select 0), and columns (chip select 1).

    Switch ``r`` of the row chain connects row r. In the column chain, switch ``c`` connects column c to the converter
    of its channel; from the next whole part on, if there are ``pairs``, switch ``j`` connects columns 2 j and 2 j + 1
    to the inputs of a difference amplifier of channel ``j % channels``; and the first switch of the last part connects
    the reference source. Switches that are left over in a part stay open.

    Parameters
    ----------
    rows, columns : int
    pairs : bool
        Pairs of columns can be subtracted.
    reference : bool
        There is a reference source.
    """

    rows: int
    columns: int
    pairs: bool = False
    reference: bool = False

    @property
    def row_switches(self) -> int:
        """Length of the row chain."""
        return whole_parts(self.rows)

    @property
    def pair_base(self) -> int:
        """First switch of the pairs."""
        return whole_parts(self.columns)

    @property
    def reference_switch(self) -> int:
        """Switch of the reference source."""
        return self.pair_base + (whole_parts(self.columns // 2) if self.pairs else 0)

    @property
    def column_switches(self) -> int:
        """Length of the column chain."""
        return self.reference_switch + (SWITCHES if self.reference else 0)

    def closed_columns(
        self, column: int, channels: int, active: int, *, subtract: bool = False, reference: bool = False
    ) -> set[int]:
        """Return the switches of the column chain that are closed for a group of outputs.

        Parameters
        ----------
        column : int
            An output of the group.
        channels : int
            ADC channels.
        active : int
            Mask of the channels that take part.
        subtract, reference : bool
            Outputs are pairs; the reference source is connected.
        """
        first = column - column % channels
        base = self.pair_base if subtract else 0
        closed = {base + first + channel for channel in range(channels) if active >> channel & 1}
        return closed | ({self.reference_switch} if reference else set())
