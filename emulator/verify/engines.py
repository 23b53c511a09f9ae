"""The engines that run programs, by name; each is imported only when it is asked for."""

import importlib
from collections.abc import Callable
from typing import Final

import numpy as np

from twinbar.emulator.program import Controller
from twinbar.emulator.verify.elaborations import find_elaboration
from twinbar.emulator.verify.session import Session
from twinbar.hw.errors import ConfigError

Engine = Callable[[Session], Controller]
"""Makes the controller of a session, at power-up."""

ENGINES: Final = {
    "fast": ("twinbar.emulator.fast.controller", "FastController"),
    "events": ("twinbar.emulator.events.controller", "EventsController"),
    "rtl": ("twinbar.emulator.rtl.controller", "RtlController"),
    "pysim": ("twinbar.emulator.rtl.pysim", "PysimController"),
}
"""Module and class of every simulated engine, the quickest one first."""


def engine_of(name: str) -> Engine:
    """Give an engine by its name.

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    if name not in ENGINES:
        raise ConfigError(f"there is no engine {name!r} to compare; choose from {', '.join(ENGINES)}")
    module, attribute = ENGINES[name]
    kind = getattr(importlib.import_module(module), attribute)

    def make(session: Session) -> Controller:
        elaboration = find_elaboration(session.elaboration)
        mapped, faults = session.mapped_columns, session.faults
        controller: Controller = kind(
            elaboration.config,
            elaboration.controller,
            mapped_columns=None if mapped is None else np.array(mapped, np.int64),
            faults=None if faults is None else np.array(faults, np.uint8),
        )
        return controller

    return make
