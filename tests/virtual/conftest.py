import pytest

from twinbar.emulator.rtl.build import find_compiler
from twinbar.emulator.rtl.yosys import include_folder
from twinbar.hw.errors import ToolMissingError


def pytest_collection_modifyitems(items):
    """Skip, with the reason, what needs a compiled core or models where they cannot be compiled."""
    try:
        find_compiler()
        include_folder()
    except ToolMissingError as missing:
        for item in items:
            if item.path.parent.name == "virtual":
                item.add_marker(pytest.mark.skip(reason=str(missing)))
