from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from recorded_access import LEVELS, STEP

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.mapping import map_layers
from twinbar.host.update.programmed import ProgrammedLayer


@pytest.fixture
def layer() -> Callable[..., ProgrammedLayer]:
    """Make a layer whose pairs hold given levels (G+ - G-, one-sided), evenly spaced unless positions are given."""

    def make(held: Any, *, keep_read_back: bool = False, positions: Any = None, name: str = "layer") -> ProgrammedLayer:
        held = np.atleast_2d(np.asarray(held))
        (place,) = map_layers([(name, *held.shape)], ArrayConfig(rows=4, columns=6), "interleaved")
        levels = LEVELS if positions is None else len(positions)
        cells = ProgrammedLayer.blank(place, levels, STEP, keep_read_back=keep_read_back, positions=positions)
        cells.plus[:] = np.maximum(held, 0)
        cells.minus[:] = np.maximum(-held, 0)
        if cells.read_plus is not None and cells.read_minus is not None:
            cells.read_plus[:], cells.read_minus[:] = cells.positions[cells.plus], cells.positions[cells.minus]
        return cells

    return make
