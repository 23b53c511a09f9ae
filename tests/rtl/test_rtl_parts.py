"""The compiled netlist with serial parts at its pins: what goes wrong there ends a program, and waveforms show it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.array import make_state
from twinbar.emulator.engines.rtl.netlist_errors import NetlistError
from twinbar.emulator.engines.rtl.netlist_library import compiled
from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.emulator.engines.rtl.simulation import Simulation
from twinbar.emulator.engines.rtl.waves import signals_of
from twinbar.emulator.pins.array_abi import arrays_of, record_of
from twinbar.emulator.verify.beat_fields import beat
from twinbar.emulator.verify.elaborations import SERIAL
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.switch import OpenPin
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record

OCTAL = SERIAL["octal"]
PULSES = [
    beat(Opcode.PULSE, row=2, column=3, record=Record.SET.value, count=2),
    beat(Opcode.READ, row=2, column=3),
    beat(Opcode.PULSE, row=1, column=0, record=Record.RESET.value, count=1),
    beat(Opcode.READ, row=1, column=0),
]


def set_up() -> Program:
    def write(name: str, value: int) -> int:
        return beat(Opcode.WRITE_REGISTER, address=BY_NAME[name].address, value=value)

    settings = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "RECOVER": 2}
    beats = [write(name, value) for name, value in settings.items()]
    for number, record in enumerate(RECORDS):
        codes = triple(0, 600, 900) if record is Record.RESET else triple(600 + 20 * number, 0, 900)
        values = {"CODES": codes, "STOP": codes, "HIGH": triple(1023, 1023, 1023), "WIDTH": 3 | 255 << WIDTH_BITS}
        beats += [write(f"{record.name}_{field}", value) for field, value in values.items()]
    return program([*beats, beat(Opcode.ARM, mode=Mode.WRITE.value)])


def program(beats: list[int]) -> Program:
    return Program(np.array(beats, np.uint64))


def run_with_models_of(parts: SerialParts) -> ProgramResult:
    """Run pulses on the gateware for OCTAL, with models of these parts at its pins."""
    config, controller = OCTAL.config, OCTAL.controller
    state = make_state(config, controller.tiles, controller.adc_channels)
    record = record_of(state)
    arrays = arrays_of(state, record, sample_and_hold=config.array.sample_and_hold)
    simulation = Simulation(compiled(controller, config.parts, composed=False), arrays, controller, parts)
    simulation.run(set_up(), skips=True)
    return simulation.run(program(PULSES), skips=True)


def built() -> SerialParts:
    """Return the parts that OCTAL's gateware is built for."""
    parts = OCTAL.config.parts
    assert parts is not None
    return parts


def test_a_limit_that_the_bus_breaks_ends_the_program() -> None:
    assert run_with_models_of(built()).cycles
    with pytest.raises(NetlistError, match=r"in cycle \d+ of a program: tile 0, AD5628 0: high_ns: 1 ns, the part"):
        run_with_models_of(replace(built(), clock_hz=1e9))


def test_a_pulse_at_other_codes_than_the_tile_asked_for_ends_the_program() -> None:
    first, second, *others = built().outputs
    crossed = (replace(first, channel=second.channel), replace(second, channel=first.channel), *others)
    with pytest.raises(NetlistError, match=r"AD5628 0: the write gate was open with \d+ instead of \d+ at an output"):
        run_with_models_of(replace(built(), outputs=crossed))


def test_a_pulse_through_other_switches_ends_the_program() -> None:
    # The gateware loads switches while the pin that opens them is active; these ones take nothing then.
    with pytest.raises(NetlistError, match="the write gate was open for a cell that the switches do not connect"):
        run_with_models_of(replace(built(), switch=replace(built().switch, open_pin=OpenPin.RESET)))


# Waveforms are written alike with and without parts (test_rtl_waves).
@pytest.mark.slow
@pytest.mark.usefixtures("quick_traces")
def test_a_waveform_goes_on_where_the_parts_were(tmp_path: Path) -> None:
    traced, plain = (RtlController(OCTAL.config, OCTAL.controller) for _ in range(2))
    vcd = tmp_path / "parts.vcd"
    for controller in (traced, plain):
        controller.run(set_up())
    results = [(plain.run(program(PULSES)), traced.run(program(PULSES), wave=vcd))]
    # What follows goes on from there: outputs hold their codes, and the ADCs are past their first conversions.
    results.append((plain.run(program(PULSES[::-1])), traced.run(program(PULSES[::-1]))))
    for expected, got in results:
        for name in ("responses", "response_cycles", "cycles", "phases", "actions", "energy"):
            assert np.array_equal(getattr(expected, name), getattr(got, name)), name
    names = {signal.path for signal in signals_of(vcd)}
    assert {"controller.tiles__0__dac__clock", "controller.tiles__0__adc__inputs"} <= names
    assert "tiles__0__dac__clock" in vcd.with_suffix(".gtkw").read_text()
