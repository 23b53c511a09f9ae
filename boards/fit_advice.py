"""Why a design does not fit an FPGA, and what makes it smaller."""

import re
from typing import Final

CELL_NAMES: Final = {
    "ICESTORM_LC": "logic cells",
    "ICESTORM_RAM": "block RAMs",
    "ICESTORM_DSP": "multipliers",
    "ICESTORM_SPRAM": "large RAMs",
    "SB_IO": "I/O cells",
    "TRELLIS_COMB": "look-up tables",
    "TRELLIS_FF": "flip-flops",
    "DP16KD": "block RAMs",
    "MULT18X18D": "multipliers",
    "TRELLIS_IO": "I/O cells",
    "LUT4": "look-up tables",
    "DFF": "flip-flops",
    "BSRAM": "block RAMs",
}
"""What nextpnr's names of cells mean."""

_TOO_LARGE: Final = ("no BELs remaining", "utilisation limit")
"""What nextpnr says when nothing is left of some kind of cell, or too little to find places."""
_UTILISATION: Final = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)

_MEMORY: Final = (
    "command_depth or response_depth in [geometry] of the wiring (queues of 2 take no block RAM), the buffers of the "
    "link (--link-buffer), or --rows, --columns and --input-bits"
)
_LOGIC: Final = "--adc-channels, --rows, --columns, --adc-bits, --dac-bits or --input-bits"
_PINS: Final = "--adc-channels, --dac-bits or --adc-bits, or choose a serial front end"
_EMULATED: Final = "--rows, --columns or the levels of the device (--set device.levels=N)"


def does_not_fit(reason: str) -> bool:
    """Whether nextpnr's error says that the FPGA is too small."""
    return any(words in reason for words in _TOO_LARGE)


def explain(reason: str, log: str = "", *, emulated: bool = False) -> str:
    """Say what there is too little of, and what to make smaller.

    Parameters
    ----------
    reason : str
        nextpnr's error.
    log : str
        What it noted before; it may hold a table of what the design takes.
    emulated : bool
        Whether the design holds an emulated array, whose size counts for more than all else.
    """
    used = {kind: (int(count), int(there)) for kind, count, there in _UTILISATION.findall(log) if kind in CELL_NAMES}
    over = {kind: pair for kind, pair in used.items() if pair[0] > pair[1]}
    named = next((kind for kind in CELL_NAMES if f"'{kind}'" in reason), None)
    if over:
        takes = " and ".join(f"{count:,} of {there:,} {CELL_NAMES[kind]}" for kind, (count, there) in over.items())
        lack = f"it takes {takes}"
    else:
        lack = (
            f"it takes more {CELL_NAMES[named]} than there are" if named else "too little is left to place and route it"
        )
    remedy = _EMULATED if emulated else _remedy({CELL_NAMES[kind] for kind in over or filter(None, [named])})
    return f"{lack}; make it smaller with {remedy}"


def _remedy(kinds: set[str]) -> str:
    if "block RAMs" in kinds:
        return _MEMORY
    return _PINS if "I/O cells" in kinds else _LOGIC
