"""Which entry of the pulse table a write takes next."""

from twinbar.emulator.crossbar.register_settings import POLARITIES
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.register_file import TableSettings
from twinbar.hw.protocol.registers import NEVER, UNCOUNTED
from twinbar.hw.protocol.vocabulary import Record


class TableWalk:
    """The entries of one write by pulse table.

    Parameters
    ----------
    settings : TableSettings
    entries : int
        Entries of a polarity.
    command : DecodedCommand

    Attributes
    ----------
    polarity : Record
        Of the pulses given last; before the first ones, of the command.
    """

    def __init__(self, settings: TableSettings, entries: int, command: DecodedCommand) -> None:
        self.polarity = POLARITIES[command.arguments.polarity]
        self._settings = settings
        self._last = entries - 1
        self._first = command.arguments.entry
        self._offset = command.arguments.entry if settings.keep else 0
        self._pulsed = False

    def begin(self) -> int:
        """Return the entry of the pulses that come before the first read."""
        self._pulsed = True
        return self._first

    def choose(self, polarity: Record, distance: int) -> int:
        """Return the entry of pulses that are chosen after a read, ``distance`` codes from the window."""
        settings = self._settings
        if self._pulsed:
            by = settings.rise if polarity is self.polarity else -settings.fall
            self._offset = min(max(self._offset + by, 0), self._last)
        self.polarity, self._pulsed = polarity, True
        if settings.compare or settings.shift == UNCOUNTED:
            return self._offset
        return min(self._offset + (distance - 1 >> settings.shift), self._last)

    def turn(self) -> int:
        """Turn to the other polarity without a read; return the entry of its pulses."""
        self._offset = max(self._offset - self._settings.fall, 0)
        self.polarity = Record.SET if self.polarity is Record.RESET else Record.RESET
        return self._offset

    def is_near(self, distance: int, pulses: int) -> bool:
        """Whether a code so far from the window is taken after so many pulses."""
        settings = self._settings
        patient = settings.patience != NEVER and pulses >= settings.patience
        return patient and not settings.compare and distance <= settings.slack
