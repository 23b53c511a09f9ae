"""Bitstreams from the tools themselves: there is room, the clock is reached, and what comes out is for that FPGA."""

import json
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from twinbar.boards import bitstream, bitstream_build
from twinbar.boards.known_boards import find
from twinbar.boards.toolchain import family_of
from twinbar.boards.wiring import find_wiring
from twinbar.hw.gateware.controller_config import ControllerConfig

SMALL = {"rows": 8, "columns": 8, "adc_channels": 1}
"""Little to be placed. The front end, the link and the clock are those of every other size."""
BOARDS = [
    ("icebreaker", SMALL),
    ("ulx3s-12f", SMALL),
    # Its pins are for one size.
    ("ice40-hx8k-b-evn", {}),
]
"""Boards of every family, with what is smaller than their wirings say."""

SYNCHRONIZATION = {
    "bin": b"\x7e\xaa\x99\x7e",
    "bit": b"\xff\xff\xbd\xb3",
    # Bits as characters: A5C3, then the command 06 with the IDCODE 1100481B of a GW1N-9C.
    "fs": b"1010010111000011\n" + f"{0x06000000_1100481B:064b}\n".encode(),
}
"""What a configuration begins with: of an iCE40 and an ECP5 by Lattice FPGA-TN-02001 and FPGA-TN-02039, of a GW1N as
Apycula's packer writes it."""


@pytest.fixture
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bitstream_build, bitstream):
        monkeypatch.setattr(module, "bitstream_folder", lambda: tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.usefixtures("_empty_cache")
@pytest.mark.parametrize(("name", "sizes"), BOARDS)
def test_a_board_is_built_and_meets_its_timing(
    twinbar: Callable[..., Any], name: str, sizes: dict[str, int], tmp_path: Path
) -> None:
    board = find(name)
    device = board.make_platform().device
    family = family_of(device)
    try:
        versions = {tool: f"{package} {metadata.version(package)}" for tool, package in family.tools.items()}
    except metadata.PackageNotFoundError as error:
        extra = "gowin" if "Apycula" in family.tools.values() else "boards"
        # Continuous integration has the tools of all families but this.
        if os.environ.get("CI") and extra == "boards":
            raise
        pytest.skip(f"{error}; pip install 'twinbar[{extra}]'")
    options = [word for key, value in sizes.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    outcome = twinbar("board", "build", name, *options, "--json", "--out", str(tmp_path / "out"))
    assert outcome.status == 0, outcome.err
    result = json.loads(outcome.out)
    assert not result["cached"]
    assert max(clock["wanted_hz"] for clock in result["clocks"].values()) == pytest.approx(board.clock_hz, rel=1e-3)
    assert all(clock["achieved_hz"] >= clock["wanted_hz"] for clock in result["clocks"].values())
    assert all(0 < used <= available for used, available in result["used"].values())
    geometry = find_wiring(board.wiring).geometry.model_dump() | sizes
    assert result["configuration"] == f"{ControllerConfig(**geometry).hash:016x}"
    assert (result["tools"], result["seed"]) == (versions, 1)
    assert result["git"]
    content = (tmp_path / "out" / f"twinbar.{family.extension}").read_bytes()
    assert SYNCHRONIZATION[family.extension] in content
    assert family.extension != "bit" or device.encode() in content
