"""Waveforms: the same program, every signal in every cycle, and save files that viewers can read."""

import numpy as np
import pytest
from rtl_samples import command, crossbar, program, set_up_all
from shared_netlists import WIDE

from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.emulator.engines.rtl.waves import signals_of
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.vocabulary import Opcode, Record
from twinbar.hw.timing import Phase

pytestmark = [pytest.mark.compiler, pytest.mark.usefixtures("quick_traces")]

PULSES = [
    command(Opcode.PULSE, 1, row=2, column=3, count=3, record=Record.SET),
    command(Opcode.READ, 1, row=2, column=3),
    command(Opcode.READ, 0, row=1, column=1),
]


def values_of(vcd, path):
    """Return the times at which a signal changes, and its values, in the cycles' clock."""
    codes, scopes = {}, []
    for line in vcd.read_text().splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            codes[".".join((*scopes, words[4]))] = words[3]
        elif words[:1] == ["$enddefinitions"]:
            break
    code, time, found = codes[path], 0, []
    for line in vcd.read_text().split("$enddefinitions $end\n")[1].splitlines():
        if line.startswith("#"):
            time = int(line[1:])
        elif line.startswith("b") and line.split()[1] == code:
            found.append((time, int(line[1:].split()[0], 2)))
        elif line[0] in "01" and line[1:] == code:
            found.append((time, int(line[0])))
    return found


def test_a_waveform_shows_what_happened_and_changes_nothing(tmp_path):
    config = crossbar(WIDE)
    traced, plain = (RtlController(config, WIDE) for _ in range(2))
    vcd = tmp_path / "pulses.vcd"
    for controller in (traced, plain):
        controller.run(set_up_all(config, WIDE.tiles, COMPLIANCE=0))
    expected, got = plain.run(program(PULSES)), traced.run(program(PULSES), wave=vcd)
    for name in ("responses", "response_cycles", "cycles", "phases", "actions", "energy"):
        assert np.array_equal(getattr(expected, name), getattr(got, name)), name
    # What follows goes on from there.
    again = program([command(Opcode.READ, 1, row=2, column=3)] * 3)
    assert traced.run(again).responses.tolist() == plain.run(again).responses.tolist()

    period = round(1e12 / config.clock_hz)
    changes = values_of(vcd, "controller.unit_1.pins__write_gate")
    opens = [time for time, value in changes if value]
    closes = [time for time, value in changes if not value and time]
    assert len(opens) == 3
    assert sum(closes) - sum(opens) == got.phases[1, Phase.PULSE] * period
    assert all(time % period == 0 for time in (*opens, *closes))


def test_a_controller_can_write_all_of_its_programs(tmp_path):
    config = crossbar(WIDE)
    vcd = tmp_path / "all.vcd"
    with RtlController(config, WIDE, wave=vcd) as controller:
        cycles = [
            controller.run(todo).cycles for todo in (set_up_all(config, WIDE.tiles), program(PULSES), program(PULSES))
        ]
        with pytest.raises(ConfigError, match="is being written; close the controller"):
            controller.run(program(PULSES), wave=tmp_path / "another.vcd")
    period = round(1e12 / config.clock_hz)
    gate = [time for time, value in values_of(vcd, "controller.unit_1.pins__write_gate") if value]
    assert len([time for time in gate if time < sum(cycles[:2]) * period]) == 3
    assert len(gate) == 6
    assert vcd.with_suffix(".gtkw").exists()


def test_save_files_name_signals_of_the_waveform(tmp_path):
    config = crossbar(WIDE)
    controller = RtlController(config, WIDE)
    vcd = tmp_path / "wave.vcd"
    controller.run(program(PULSES), wave=vcd)
    known = {signal.path for signal in signals_of(vcd)}
    lines = vcd.with_suffix(".gtkw").read_text().splitlines()
    shown = {line.split(" ")[-1].split("[")[0] for line in lines if line.startswith("+")}
    assert shown <= known
    # GTKWave takes a dot in a name for the end of a scope.
    assert not any("." in signal.name for signal in signals_of(vcd))
    # A folder that is moved takes everything along: no path of where it was is in any of its files.
    files = [line.split('"')[1] for line in lines if line.startswith(("[savefile]", "[dumpfile]"))]
    assert files == ["wave.gtkw", "wave.vcd"]
    tables = {line.split(" ")[1] for line in lines if line.startswith("^") and line != "^0"}
    assert tables
    assert all((tmp_path / table).is_file() and not table.startswith("/") for table in tables)
    assert str(tmp_path) not in vcd.with_suffix(".gtkw").read_text()
    surfer = vcd.with_suffix(".sucl").read_text().splitlines()
    added = {line.removeprefix("variable_add ") for line in surfer if line.startswith("variable_add ")}
    assert added <= known
    titles = [line.removeprefix("divider_add ") for line in surfer if line.startswith("divider_add ")]
    assert titles[:3] == ["streams", "tile 0: sequencer", "tile 0: write drive"]
    for name in ("hub.commands__valid", "unit_0.tile.control.sequencer.state", "unit_0.pins__read_enable"):
        assert f"controller.{name}" in shown & added
    for name in ("unit_1.tile.drive.write_drive.codes__bit_line", "hub.responses__payload__status"):
        assert f"controller.{name}" in shown & added
    states = (vcd.with_suffix(".names") / "state.txt").read_text().splitlines()
    assert "0 IDLE" in states


def test_a_waveform_that_cannot_be_written_is_refused(tmp_path):
    controller = RtlController(crossbar(WIDE), WIDE)
    with pytest.raises(ConfigError, match="choose a folder that exists"):
        controller.run(program(PULSES), wave=tmp_path / "missing" / "wave.vcd")
