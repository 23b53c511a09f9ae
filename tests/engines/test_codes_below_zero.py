"""Offsets below zero end where the converter of the front end does, on every engine that knows it."""

from dataclasses import replace

import numpy as np
import pytest
from crossbar_choices import crossbar_of, shape_of

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.verify.assemblies import SEPARATE, TEACHING, WALKING
from twinbar.emulator.verify.elaborations import ELABORATIONS, SERIAL
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode

SEED = 4
DEVIATION = 16
"""Of the offsets, in codes."""


def crossbar(controller: ControllerConfig, parts: SerialParts | None, clock_hz: float) -> CrossbarConfig:
    return crossbar_of(
        "ideal",
        **shape_of(controller),
        inputs="planes",
        pairs="separate",
        levels=4,
        seed=SEED,
        clock_hz=clock_hz,
        select=2,
        settle_read=1,
        settle_drive=2,
        settle_multiply=1,
        convert=1,
        recover=1,
        adc_offset_codes=DEVIATION,
        parts=None if parts is None else replace(parts, clock_hz=clock_hz),
    )


def foot(controller: ControllerConfig) -> int:
    """Return the codes below zero that a direct front end's converter has: a sixteenth of its range."""
    return (1 << controller.adc_bits) // 16


def run(
    name: str, controller: ControllerConfig, parts: SerialParts | None, clock_hz: float = 100e6
) -> tuple[list[int], list[int]]:
    """Give the calibrated offset of every column, and its raw code once more, read with all cells as they are made."""
    config = crossbar(controller, parts, clock_hz)
    engine = controller_maker(name)(config, controller)
    engine.run(Program(beats.configure(config, controller.tiles)))
    tile, column = np.divmod(np.arange(controller.tiles * controller.columns), controller.columns)
    offsets = engine.run(Program(pack(Opcode.CALIBRATE, tile, column=column))).responses
    raw = engine.run(Program(pack(Opcode.CONVERT, tile, row=0, column=column))).responses
    return (
        unpack_results(Opcode.CALIBRATE, offsets)["code"].tolist(),
        unpack_results(Opcode.CONVERT, raw)["code"].tolist(),
    )


def test_offsets_are_cut_off_where_the_converter_ends() -> None:
    controller = ControllerConfig(rows=4, columns=16, adc_bits=8, input_bits=2)
    bipolar, direct = run("fast", controller, WALKING)[0], run("fast", controller, None)[0]
    # Columns beyond either end, so that each of the lines below says something.
    assert min(bipolar) < -16 < 0 < max(bipolar)
    assert any(-16 < offset < 0 for offset in bipolar)
    assert direct == np.maximum(bipolar, -16).tolist()
    for unipolar in (SEPARATE, TEACHING):
        assert run("fast", controller, unipolar)[0] == np.maximum(bipolar, 0).tolist()


COMPARED = {"unipolar": SERIAL["teaching"], "bipolar": SERIAL["walking"], "direct": ELABORATIONS["queues"]}
"""Controllers on which engines are compared anyway, so that their netlists are compiled once."""


@pytest.mark.parametrize("end", COMPARED)
@pytest.mark.parametrize(
    "name", ["events", pytest.param("rtl", marks=pytest.mark.compiler), pytest.param("pysim", marks=pytest.mark.slow)]
)
def test_engines_cut_off_the_same(name: str, end: str) -> None:
    controller, parts = COMPARED[end].controller, COMPARED[end].parts
    clock_hz = COMPARED[end].config.clock_hz
    expected = run("fast", controller, parts, clock_hz)
    assert run(name, controller, parts, clock_hz) == expected
    least, most = min(expected[0]), max(expected[0])
    assert most > 0
    if end == "bipolar":
        # Beyond where a direct front end's converter would end.
        assert least < -foot(controller)
    else:
        assert least == {"unipolar": 0, "direct": -foot(controller)}[end]
