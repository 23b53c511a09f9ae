"""The simulated controllers by the names of their engines; each is imported only when it is asked for."""

from importlib import import_module
from typing import Final

from twinbar.emulator.engines.controller_engine import MakeController
from twinbar.hw.errors import ConfigError

CONTROLLERS: Final = {
    "fast": ("twinbar.emulator.engines.program.fast_controller", "FastController"),
    "events": ("twinbar.emulator.engines.events.events_controller", "EventsController"),
    "rtl": ("twinbar.emulator.engines.rtl.rtl_controller", "RtlController"),
    "pysim": ("twinbar.emulator.engines.rtl.pysim", "PysimController"),
}
"""Module and class of each, the quickest one first. For training, `fast` goes through programs only if someone watches
them, or the front end is of serial parts."""


def controller_maker(name: str) -> MakeController:
    """Return what makes the controller of an engine.

    Raises
    ------
    ConfigError
        If there is no engine of that name.
    """
    if name not in CONTROLLERS:
        raise ConfigError(f"there is no engine {name!r} that runs programs; choose one of {', '.join(CONTROLLERS)}")
    module, controller = CONTROLLERS[name]
    make: MakeController = getattr(import_module(module), controller)
    return make
