"""Simulates the analog front end (``boards/analog``) and writes its table: `python tools/simulate_front_end.py [FILE]`.

Run it after a change of the circuits; a test holds the table to them. It needs ngspice (`apt-get install ngspice`).
"""

import sys
from pathlib import Path
from typing import Final

import tomli_w

from twinbar.boards.analog.front_end_measurement import measure
from twinbar.hw.errors import ToolMissingError

TABLE: Final = Path(__file__).resolve().parent.parent / "boards" / "analog" / "front_end.toml"
HEAD: Final = "# Written by tools/simulate_front_end.py from the circuits beside it. Simulated: none has been built.\n"


def main(file: Path) -> int:
    """Write the table; gives the exit status."""
    try:
        found = measure()
    except ToolMissingError as missing:
        print(f"Error: {missing}", file=sys.stderr)
        return missing.exit_status
    file.write_text(HEAD + tomli_w.dumps(found.model_dump()), encoding="utf-8")
    print(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE))
