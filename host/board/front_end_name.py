"""What the front end of a board is called, and the key of a run for it."""

from typing import TYPE_CHECKING

from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring, wiring_names
from twinbar.hw.errors import ConfigError
from twinbar.hw.link.front_end_number import DIRECT, EMULATED, front_end_number
from twinbar.hw.link.hello import Hello

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig


def front_end_of(config: "CrossbarConfig") -> int:
    """Return the number of the front end that a configuration is for (`twinbar.hw.link.front_end_number`)."""
    return front_end_number(config.parts, emulated=config.on_chip)


def values_of(front_end: int, clock_hz: float) -> list[str]:
    """Return the values of ``array.front_end`` that stand for a front end; none: of a wiring that is not known here.

    Parameters
    ----------
    front_end : int
        See `twinbar.hw.link.front_end_number`.
    clock_hz : float
        Clock of the controller. Of wirings with the same parts, those for boards of this clock are given, if there are.
    """
    if front_end in (DIRECT, EMULATED):
        return ["direct" if front_end == DIRECT else "emulated"]
    same = [name for name in wiring_names() if _number(name, clock_hz) == front_end]
    clocked = [name for name in same if any(find(board).clock_hz == clock_hz for board in find_wiring(name).boards)]
    return clocked or same


def _number(wiring: str, clock_hz: float) -> int | None:
    try:
        return front_end_number(find_wiring(wiring).serial_parts(clock_hz))
    except ConfigError:  # parts that this clock cannot serve
        return None


def described(front_end: int, clock_hz: float) -> str:
    """Say what a front end is."""
    if front_end in (DIRECT, EMULATED):
        return "the array at its pins (direct)" if front_end == DIRECT else "its array on the chip (emulated)"
    values = values_of(front_end, clock_hz)
    return (
        f"the serial parts of {' or '.join(values)}" if values else "serial parts of a wiring file that is unknown here"
    )


def option_for(hello: Hello) -> str:
    """Return the option that makes a run one for the front end of a board."""
    values = values_of(hello.front_end, hello.clock_hz)
    return f"--set array.front_end={values[0] if values else 'the wiring file of the board'}"
