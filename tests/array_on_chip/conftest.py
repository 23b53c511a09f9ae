import pytest

from twinbar.emulator.rtl.build import find_compiler
from twinbar.emulator.rtl.yosys import include_folder
from twinbar.hw.errors import ToolMissingError


def pytest_collection_modifyitems(items):
    """Skip, with the reason, what needs a compiled netlist where it cannot be compiled."""
    try:
        find_compiler()
        include_folder()
    except ToolMissingError as missing:
        for item in items:
            if item.path.name == "test_emulated_array.py":
                item.add_marker(pytest.mark.skip(reason=str(missing)))
