import importlib.util

import pytest

from twinbar.hw.errors import ToolMissingError


def pytest_collection_modifyitems(items):
    """Skip, with the reason, where the netlist cannot be compiled."""
    if importlib.util.find_spec("amaranth") is None:
        reason = "Amaranth is not installed"
    else:
        from twinbar.emulator.rtl.build import find_compiler
        from twinbar.emulator.rtl.netlist import include_folder

        try:
            find_compiler()
            include_folder()
            return
        except ToolMissingError as missing:
            reason = str(missing)
    for item in items:
        if item.path.parent.name == "rtl":
            item.add_marker(pytest.mark.skip(reason=reason))
