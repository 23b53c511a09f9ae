"""The stand-ins for boards lie with the tests of the link."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "link"))
