"""What a netlist remembers from one cycle to the next, and what it is told: registers, memories and inputs."""

import hashlib
import re
from dataclasses import dataclass

from twinbar.emulator.engines.rtl.rtlil import signal_names, wire_of

_REGISTERS = re.compile(r"\$(s?dff|ad?ff|al?dff|dffsr|dlatch|sr|ff)")
"""Beginnings of the types of cells whose output ``Q`` is stored."""
_CLOCKING = ("\\clk", "\\rst")


@dataclass(frozen=True)
class Storage:
    """Registers, memories and inputs of a flattened module, by their names in RTLIL.

    Parameters
    ----------
    registers, inputs : dict of str to int
        Widths. Clock and reset are not among the inputs.
    outputs : dict of str to int
    memories : dict of str to tuple of int
        Widths and depths.
    written : int
        How many of the memories are written: CXXRTL commits nothing to others.
    """

    registers: dict[str, int]
    inputs: dict[str, int]
    outputs: dict[str, int]
    memories: dict[str, tuple[int, int]]
    written: int

    @property
    def layout(self) -> str:
        """C++ number that stands for what is stored, and for the inputs."""
        content = repr([sorted(found.items()) for found in (self.registers, self.memories, self.inputs)])
        return f"0x{hashlib.sha256(content.encode()).hexdigest()[:16]}u"


def storage_of(text: str) -> Storage:
    """Read the storage of a flattened module from its text."""
    widths: dict[str, int] = {}
    ports: dict[str, str] = {}
    memories: dict[str, tuple[int, int]] = {}
    stored: dict[str, None] = {}
    written: set[str] = set()
    kind, clocked = "", False
    for line in text.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "wire":
            name, width, options = wire_of(rest)
            widths[name] = width
            for option in {"input", "output"} & set(options):
                ports[name] = option
        elif keyword == "memory":
            *options, name = rest.split()
            width, size = (int(options[options.index(option) + 1]) for option in ("width", "size"))
            memories[name] = (width, size)
        elif keyword == "cell":
            kind, clocked = rest.split()[0], False
        elif keyword == "parameter":
            if kind == "$memwr_v2" and rest.startswith("\\MEMID "):
                written.add(rest)
            clocked |= kind == "$memrd_v2" and rest == "\\CLK_ENABLE 1"
        elif keyword == "connect" and kind:
            port, value = rest.split(None, 1)
            # A memory that is read at a clock edge keeps what was read.
            if (port == "\\Q" and _REGISTERS.match(kind)) or (port == "\\DATA" and clocked):
                stored |= dict.fromkeys(signal_names(value))
        elif keyword == "end":
            kind = ""

    def ports_of(option: str) -> dict[str, int]:
        return {name: widths[name] for name in ports if ports[name] == option and name not in _CLOCKING}

    registers = {name: widths[name] for name in stored}
    return Storage(registers, ports_of("input"), ports_of("output"), memories, len(written))
