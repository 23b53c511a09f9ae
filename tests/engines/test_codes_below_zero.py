"""Offsets below zero end where the converter of the front end does, on every engine that knows it."""

from dataclasses import replace

import numpy as np
import pytest

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.verify.assemblies import SEPARATE, TEACHING, WALKING
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode

COLUMNS = 16
FOOT = 1 << 8 >> 4
"""Codes below zero that a direct front end's converter has: a sixteenth of its range."""


def crossbar(parts: SerialParts | None) -> CrossbarConfig:
    clock_hz = 100e6
    return build_config(
        load_preset("ideal"),
        Geometry(rows=4, columns=COLUMNS, adc_bits=8, input_bits=2, dac_inputs=False, subtract_pairs=False),
        levels=4,
        tolerance=0.5,
        seed=4,
        clock_hz=clock_hz,
        cycles={"select": 2, "settle_read": 1, "settle_drive": 2, "settle_multiply": 1, "convert": 1, "recover": 1}
        | {"samples": 1},
        adc_offset_codes=FOOT,
        parts=None if parts is None else replace(parts, clock_hz=clock_hz),
    )


def run(name: str, parts: SerialParts | None) -> tuple[list[int], list[int]]:
    """Give the calibrated offset of every column, and its raw code once more, read with all cells as they are made."""
    config = crossbar(parts)
    engine = controller_maker(name)(config, config.geometry.controller(1))
    engine.run(Program(beats.configure(config, 1)))
    every = np.arange(COLUMNS)
    offsets = engine.run(Program(pack(Opcode.CALIBRATE, 0, column=every))).responses
    raw = engine.run(Program(pack(Opcode.CONVERT, 0, row=0, column=every))).responses
    return (
        unpack_results(Opcode.CALIBRATE, offsets)["code"].tolist(),
        unpack_results(Opcode.CONVERT, raw)["code"].tolist(),
    )


def test_offsets_are_cut_off_where_the_converter_ends() -> None:
    bipolar, direct = run("fast", WALKING)[0], run("fast", None)[0]
    # Columns beyond either end, so that each of the lines below says something.
    assert min(bipolar) < -FOOT < 0 < max(bipolar)
    assert any(-FOOT < offset < 0 for offset in bipolar)
    assert direct == np.maximum(bipolar, -FOOT).tolist()
    for unipolar in (SEPARATE, TEACHING):
        assert run("fast", unipolar)[0] == np.maximum(bipolar, 0).tolist()


@pytest.mark.parametrize("parts", [SEPARATE, WALKING], ids=["unipolar", "bipolar"])
@pytest.mark.parametrize("name", ["events", pytest.param("rtl", marks=pytest.mark.compiler), "pysim"])
def test_engines_cut_off_the_same(name: str, parts: SerialParts) -> None:
    assert run(name, parts) == run("fast", parts)


@pytest.mark.parametrize("name", ["events", pytest.param("rtl", marks=pytest.mark.compiler), "pysim"])
def test_engines_cut_off_the_same_at_a_direct_front_end(name: str) -> None:
    assert run(name, None) == run("fast", None)
