"""The C++ of the models, to be compiled with what drives their pins."""

from importlib import resources
from typing import Final

_MODELS: Final = ("tables.h", "device.h", "parts.h")


def model_text() -> str:
    """Give the C++ of the models of single parts."""
    return "\n".join(_file(name) for name in _MODELS)


def front_end_text() -> str:
    """Give the C++ of all parts of a front end at its buses; it comes after `model_text` and ``rtl/blocks.h``."""
    return _file("front_end.h")


def _file(name: str) -> str:
    return (resources.files("twinbar.emulator.pins") / name).read_text()
