"""The simulated controllers by the names of their engines; each is imported only when it is asked for."""

from importlib import import_module
from typing import Final

from twinbar.emulator.controller_engine import MakeController
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.assembly import SerialParts

CONTROLLERS: Final = {
    "fast": ("twinbar.emulator.fast.controller", "FastController"),
    "events": ("twinbar.emulator.events.controller", "EventsController"),
    "rtl": ("twinbar.emulator.rtl.controller", "RtlController"),
    "pysim": ("twinbar.emulator.rtl.pysim", "PysimController"),
}
"""Module and class of each, the quickest one first. For training, `fast` goes through programs only if someone watches
them, or the front end is of serial parts."""


def controller_maker(name: str) -> MakeController:
    """Give what makes the controller of an engine.

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


def refusal(name: str, parts: SerialParts | None) -> str | None:
    """Give why an engine does not take a front end, in its own words; None if it takes it.

    Parameters
    ----------
    name : str
    parts : SerialParts or None
        None: the front end is direct.

    Raises
    ------
    ConfigError
        If there is no engine of that name.
    """
    # Most engines take every front end, and say nothing.
    refuses = getattr(controller_maker(name), "refuses", None)
    reason: str | None = None if refuses is None else refuses(parts)
    return reason
