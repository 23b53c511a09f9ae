"""An instance of a top module with all of its ports, to be copied."""

from collections.abc import Sequence

from twinbar.hw.verilog import ModulePort


def instantiation(name: str, ports: Sequence[ModulePort]) -> str:
    """Return the instance; every port is connected to a wire of its own name.

    Parameters
    ----------
    name : str
        Of the module.
    ports : sequence of ModulePort
    """
    width = max(len(port.name) for port in ports)
    lines = [f"{name} {name}_0 ("]
    for place, port in enumerate(ports):
        connection = f".{port.name}{' ' * (width - len(port.name))} ({port.name})"
        comma = "," if place < len(ports) - 1 else ""
        bits = "" if port.bits == 1 else f" [{port.bits - 1}:0]"
        lines.append(f"    {connection}{comma}  // {port.direction}{bits}{', signed' if port.signed else ''}")
    return "\n".join([*lines, ");"]) + "\n"
