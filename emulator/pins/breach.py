"""What the compiled models find wrong at the pins of parts and of an array: each is declared here, for C++ too."""

from enum import IntEnum

_TIME = "{limit}: {found:g} ns, the part needs {needed:g} ns"


class Breach(IntEnum):
    """Something that a board must not do to its parts or its array.

    Attributes
    ----------
    limit : str
        The limit of the datasheet, as the models of hw/parts name it; empty where it is something else.
    sentence : str
        What is said of it, with what was ``found`` and what the part ``needed``.
    """

    _value_: int
    limit: str
    sentence: str

    def __new__(cls, limit: str, sentence: str = _TIME) -> "Breach":
        """Number the members in turn."""
        breach = int.__new__(cls, len(cls.__members__))
        breach._value_ = int(breach)
        breach.limit, breach.sentence = limit, sentence
        return breach

    DATA_HOLD = "data_hold_ns"
    SELECT_HIGH = "select_high_ns"
    SELECT_PERIOD = "select_period_ns"
    LOW = "low_ns"
    HIGH = "high_ns"
    DUTY = "duty"
    PERIOD = "period_ns"
    LONGEST_PERIOD = "longest_period_ns"
    SELECT_SETUP = "select_setup_ns"
    DATA_SETUP = "data_setup_ns"
    SELECT_HOLD = "select_hold_ns"
    OPEN_TIME = "open_ns"
    ACQUISITION = "acquisition"
    CONVERSION = "conversion"
    FRAME_LENGTH = "", "a frame of {found:.0f} bits, the part takes {needed:.0f}"
    UNKNOWN_WORD = "", "the word {word:#x}, which nothing here sends, reached the part"
    SHORT_CHAIN = "", "{found:.0f} bits for {needed:.0f} switches"
    GATE_ON_MOVING_OUTPUT = "", "the write gate opened while an output of a DAC was still on its way to its code"
    GATE_ON_MOVING_SWITCHES = "", "the write gate opened before the switches had settled"
    GATE_WITHOUT_ONE_CELL = "", "the write gate opened, and not one cell was connected"
    GATE_AND_READ_PATH = "", "the write gate was open with the read path connected"
    CHANGE_UNDER_OPEN_GATE = "", "an output of a DAC or a switch changed while the write gate was open"
    SAMPLE_ON_MOVING_OUTPUT = "", "a conversion began while an output of a DAC was still on its way to its code"
    SAMPLE_ON_MOVING_SWITCHES = "", "a conversion began before the switches had settled"
    TWO_COLUMNS_PER_CHANNEL = "", "the switches {found:.0f} and {needed:.0f} connected two columns to one channel"
    DIRECT_PINS = "", "the direct pins did what would harm an array: {outcome}"
    OTHER_SWITCH = "", "the write gate was open for a cell that the switches do not connect"
    OTHER_CODE = "", "the write gate was open with {found:.0f} instead of {needed:.0f} at an output of a DAC"
