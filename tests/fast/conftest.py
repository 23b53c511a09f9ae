"""The compiled controller and the netlist beside it, at power-up."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both_engines import CHANNELS, SMALL, Both, crossbar
from shared_netlists import PAIR

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode


@pytest.fixture(scope="session")
def compiled_controller(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let one worker compile the controller while the others wait, and then load it from Numba's cache."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    from filelock import FileLock

    with FileLock(tmp_path_factory.getbasetemp().parent / "controller.lock"):
        FastController(crossbar(SMALL), SMALL).run(Program(pack(Opcode.CLEAR)))


@pytest.fixture(params=[PAIR, CHANNELS], ids=["pair", "channels"])
def each(compiled_controller: None, request: pytest.FixtureRequest) -> Both:
    """Both engines at power-up, for controllers that differ in everything."""
    return Both(crossbar(request.param, adc_offset_codes=3.0, adc_gain_error=0.02), request.param)


@pytest.fixture
def make(compiled_controller: None) -> Callable[..., Both]:
    """Make both engines at power-up for a controller and choices of its crossbar."""

    def both(
        controller: ControllerConfig = SMALL,
        preset: str = "taox-hfox",
        mapped_columns: np.ndarray | None = None,
        **choices: Any,
    ) -> Both:
        return Both(crossbar(controller, preset, **choices), controller, mapped_columns=mapped_columns)

    return both
