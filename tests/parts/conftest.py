"""The bench of the controller lies with its own tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "hw"))
