"""Attributes of a package pin: its I/O standard, and the resistor that the FPGA connects to it."""

from amaranth.build import Attrs

from twinbar.boards.wiring import Pull
from twinbar.hw.errors import ConfigError


def io_attributes(device: str, pin: str, pull: Pull | None = None) -> Attrs:
    """Return the attributes of a pin of 3.3 V.

    Sources: Lattice FPGA-TN-02032 (ECP5 sysI/O: PULLMODE is UP, DOWN or NONE), and the cell SB_IO of the iCE40, which
    has a pull-up only (PULLUP in Yosys); Gowin SUG935 (PULL_MODE is UP, DOWN or NONE). Amaranth passes them on to
    nextpnr.

    Parameters
    ----------
    device : str
        Name of the FPGA.
    pin : str
        What the sentence of an error calls it.
    pull : {"up", "down", "none"}, optional
        Of an input; an output has none.

    Raises
    ------
    ConfigError
        If the FPGA has no such resistor.
    """
    if device.startswith("GW1N"):
        return Attrs(IO_TYPE="LVCMOS33") if pull is None else Attrs(IO_TYPE="LVCMOS33", PULL_MODE=pull.upper())
    if device.startswith("LFE5"):
        return Attrs(IO_TYPE="LVCMOS33") if pull is None else Attrs(IO_TYPE="LVCMOS33", PULLMODE=pull.upper())
    if pull == "down":
        raise ConfigError(
            f"{pin} would be pulled down, and the pins of an {device} have pull-ups only; wire it active high, or give "
            'it pull = "none" and a resistor of 4.7 kOhm to the level that stops on the board of the array'
        )
    return Attrs(IO_STANDARD="SB_LVCMOS", PULLUP=1) if pull == "up" else Attrs(IO_STANDARD="SB_LVCMOS")
