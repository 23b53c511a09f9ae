"""What can go wrong when the netlist is compiled or run."""

from twinbar.hw.errors import TwinbarError


class BuildError(TwinbarError):
    """The netlist could not be translated or compiled."""


class NetlistError(TwinbarError):
    """The netlist did something that no program may make it do."""
