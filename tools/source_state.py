"""Which state of the source a stored result is of: a digest of what programs mean, comments and docstrings left out."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
GATEWARE: Final = ("hw/gateware", "hw/protocol", "hw/timing.py", "hw/actions.py", "hw/link", "hw/parts")
"""What the netlist of a controller is made from."""
ENGINES: Final = (
    *("emulator/contract", "emulator/crossbar", "emulator/devices", "emulator/pins"),
    *("emulator/engines/program", "emulator/engines/rtl"),
)
"""What computes the same without the netlist."""
_TEXTS: Final = (".h", ".cpp", ".toml")


def source_state(parts: Iterable[str], root: Path = ROOT) -> str:
    """Return a digest of files and folders (of their Python, C++ and TOML), by paths from the root."""
    digest = hashlib.sha256()
    for part in sorted(parts):
        path = root / part
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        if not files:
            raise FileNotFoundError(f"{part} is not in the source; name a file or folder that is")
        for file in files:
            if file.suffix == ".py":
                meaning = _meaning(file.read_text(encoding="utf-8"))
            elif file.suffix in _TEXTS:
                meaning = file.read_text(encoding="utf-8")
            else:
                continue
            digest.update(f"{file.relative_to(root).as_posix()}\0{meaning}\0".encode())
    return digest.hexdigest()[:16]


def _meaning(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Docstrings, and those of fields and constants.
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
