"""The engines that are compared, by name."""

from collections.abc import Callable
from typing import Final

import numpy as np

from twinbar.emulator.contract.program import ProgramController
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.verify.elaborations import find_elaboration
from twinbar.emulator.verify.session import Session

MakeSessionController = Callable[[Session], ProgramController]
"""Makes the controller of a session, at power-up."""

MAY_OMIT: Final = {"rtl": frozenset({"front_end"}), "pysim": frozenset({"front_end"})}
"""What `ProgramController.cells` need not give, by engine: models of parts at the pins of a netlist do not tell what
they remember. Everything else must be there, on every engine."""


def engine_of(name: str) -> MakeSessionController:
    """Return an engine by its name.

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    make_controller = controller_maker(name)

    def make(session: Session) -> ProgramController:
        elaboration = find_elaboration(session.elaboration)
        mapped, faults = session.mapped_columns, session.faults
        return make_controller(
            elaboration.config,
            elaboration.controller,
            mapped_columns=None if mapped is None else np.array(mapped, np.int64),
            faults=None if faults is None else np.array(faults, np.uint8),
        )

    return make
