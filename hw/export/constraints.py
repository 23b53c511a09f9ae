"""Timing constraints of a top module, in the SDC that synthesizers and place-and-route tools read."""

from collections.abc import Iterable
from typing import Final

from twinbar.hw.verilog import ModulePort

_ASYNCHRONOUS: Final = ("stop", "compliance", "fault", "rx")
"""Inputs that the core synchronises itself, by the last part of their names."""
_CLOCKS: Final = ("clk", "aclk", "clk_i")


def clock_of(ports: Iterable[ModulePort]) -> str:
    """Return the name of the clock among the ports of a top module."""
    return next(port.name for port in ports if port.name in _CLOCKS)


def constraints(ports: Iterable[ModulePort], clock_hz: int) -> str:
    """Return the constraints.

    Parameters
    ----------
    ports : iterable of ModulePort
    clock_hz : int
    """
    listed = list(ports)
    waived = [port.name for port in listed if port.direction == "input" and _is_asynchronous(port)]
    gates = [port.name for port in listed if port.direction == "output" and _last(port) == "write_gate"]
    lines = [
        f"create_clock -name core -period {1e9 / clock_hz:.3f} [get_ports {clock_of(listed)}]",
        "",
        "# Asynchronous: two registers in the core take them over.",
        *(f"set_false_path -from [get_ports {name}]" for name in waived),
        "",
        "# The pulses. They are registers: keep them next to their pins, and pull the pins to the level that is safe.",
        *(f"# set_output_delay -clock core 0 [get_ports {name}]" for name in gates),
    ]
    return "\n".join(lines) + "\n"


def _is_asynchronous(port: ModulePort) -> bool:
    # DACs that answer are on I2C, whose line is synchronised too; ADCs answer in time.
    return _last(port) in _ASYNCHRONOUS or port.name.endswith("__dac__inputs")


def _last(port: ModulePort) -> str:
    return port.name.rpartition("__")[2]
