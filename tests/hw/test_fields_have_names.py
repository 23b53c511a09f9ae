"""Outside of ``hw/protocol``, no field of a beat or register is found by a number: looks for shifts, masks and slices.

A shift or mask by a number, or by a name that stands for one, is a finding unless it takes a single bit at a place that
has a name. What is no field of the protocol is listed here, with the reason.
"""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("hw", "emulator", "host", "boards", "benchmarks", "tools")
WORDS = ("address", "head_address", "value", "head_value", "body", "head", "beat", "window", "command", "response")
"""Names of signals that hold words of the protocol: their slices are looked at, too."""

ALLOWED = (
    ("hw/parts/*", "*", "frames of converter chips, as their datasheets give them"),
    ("hw/gateware/*array/*", "*", "words and microcode of the emulated array"),
    ("emulator/devices/*", "*", "fixed-point physics"),
    ("emulator/engines/bulk/*", "*", "fixed-point physics, sets of tiles as bits, halves of a pair"),
    ("hw/export/bench/*", "*", "a bench that has no declarations at hand"),
    ("hw/cocotb/*", "*", "likewise: it is copied to where Twinbar is not installed"),
    ("hw/formal/spi_properties.py", "* << 1", "a shift register"),
    ("hw/formal/i2c_proof.py", "* << 1", "a shift register"),
    ("hw/link/frames.py", "*", "the link's own frames (docs/link.md)"),
    ("hw/link/front_end_number.py", "*_SERIAL - 1*", "bits of a hash"),
    ("hw/link/check_word.py", "*", "the link's own check word"),
    ("hw/link/command_codec.py", "*HALF_BITS*", "halves of a beat, which the link sends apart"),
    ("hw/link/command_codec.py", "*8 * place*", "bytes of a word"),
    ("hw/link/command_codec.py", "tag & *KIND", "the link's own tags"),
    ("hw/link/responses.py", "*", "the link's own records, and bits of a byte"),
    ("hw/link/board_model.py", "self._length >> 3", "bytes of so many bits"),
    ("hw/gateware/link/*", "* >> 6", "the link's own tags"),
    ("hw/gateware/link/*", "unpacker.address[[]*]", "an address in the link's buffer"),
    ("hw/gateware/*drive.py", "field >> 1", "registers lie in two memories, by their lowest address bit"),
    ("hw/gateware/drive/drive.py", "*.address >> 1", "registers lie in two memories, by their lowest address bit"),
    ("hw/gateware/drive/*.py", "*.address[[]*]", "registers lie in two memories, by their lowest address bit"),
    ("hw/gateware/*readback.py", "address[[]0]", "registers lie in two memories, by their lowest address bit"),
    ("hw/gateware/*gain_trims.py", "bit >> 1", "the next bit of a successive approximation"),
    ("hw/gateware/*serial_front_end.py", "multiplies << 1", "two flags of the front end"),
    ("hw/gateware/*spi_transceiver.py", "* << 1", "a shift register"),
    ("hw/gateware/*i2c_transceiver.py", "* << 1", "a shift register"),
    ("emulator/contract/activation_codes.py", "* >> 1", "half of the last place, for rounding"),
    ("emulator/engines/events/calibration.py", "bit >>= 1", "the next bit of a successive approximation"),
    ("emulator/engines/program/*cell*.py", "*[aA][vV][eE][rR][aA][gG][eE]* >> 1", "rounding half up"),
    ("emulator/engines/program/*cell*.py", "*[bB][iI][tT]* >>= 1", "the next bit of a successive approximation"),
    ("emulator/engines/program/program_transfer.py", "* >> 1", "rounding half up"),
    ("emulator/engines/events/activation_buffer.py", "* >> 1", "rounding half up"),
    ("hw/gateware/control/requantizer.py", "* 1", "rounding half up"),
    ("emulator/engines/rtl/pysim_bench.py", "*", "signals that the bench joins to one, to look at them at once"),
    ("emulator/verify/shrink.py", "value >> 1", "half of a number"),
    ("host/data/idx.py", "magic & 0xFF", "files of the format IDX"),
    ("host/transport/faulty_line.py", "place *", "bits of a byte"),
    ("host/transport/*.py", "*session* & 15", "sessions of the link count modulo 16"),
)


def _constants(tree: ast.Module) -> set[str]:
    """Return the names that a module binds to numbers."""
    found = set()
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and _is_number(getattr(node, "value", None), frozenset()):
            found.add(target.id)
    return found


def _is_number(node: ast.AST | None, names: frozenset[str] | set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand, names)
    return isinstance(node, ast.BinOp) and _is_number(node.left, names) and _is_number(node.right, names)


def _is_named_bit(node: ast.BinOp, names: set[str]) -> bool:
    """Whether it is a single bit at a place that is not a number."""
    for one, other in ((node.left, node.right), (node.right, node.left)):
        is_one = isinstance(one, ast.Constant) and one.value == 1
        if is_one and isinstance(other, ast.BinOp) and isinstance(other.op, ast.RShift):
            return not _is_number(other.right, names)
    return False


def _holds_a_word(node: ast.AST) -> bool:
    return getattr(node, "attr", getattr(node, "id", "")) in WORDS


def findings(text: str, *, slices: bool = False) -> Iterator[str]:
    """Return what takes bits of a word by number; with ``slices``, slices of signals, too."""
    tree = ast.parse(text)
    names = _constants(tree)
    for node in ast.walk(tree):
        found = False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift | ast.LShift | ast.BitAnd):
            left, right = _is_number(node.left, names), _is_number(node.right, names)
            found = right and not left
            if isinstance(node.op, ast.BitAnd):
                found = left != right and not _is_named_bit(node, names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.RShift | ast.LShift | ast.BitAnd):
            found = _is_number(node.value, names)
        elif slices and isinstance(node, ast.Subscript) and _holds_a_word(node.value):
            ends = (node.slice.lower, node.slice.upper) if isinstance(node.slice, ast.Slice) else (node.slice,)
            found = any(_is_number(end, names) for end in ends)
        elif slices and isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 3:
            found = set(node.value) == set("01-") or set(node.value) in ({"0", "-"}, {"1", "-"})
        if found:
            yield " ".join((ast.get_source_segment(text, node) or "").split())


def _files() -> Iterator[Path]:
    for folder in PRODUCT:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if path.parent != ROOT / "hw" / "protocol")


def test_no_field_is_found_by_number_outside_of_the_protocol() -> None:
    unknown = []
    used = set()
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        for found in findings(path.read_text(), slices=name.startswith("hw/gateware/")):
            entry = next((each for each in ALLOWED if fnmatch(name, each[0]) and fnmatch(found, each[1])), None)
            used.add(entry)
            if entry is None:
                unknown.append(f"{name}: {found}")
    assert unknown == []
    assert [entry for entry in ALLOWED if entry not in used] == []


@pytest.mark.parametrize(
    "text",
    [
        "blanking = compliance & 0xFFFF",
        "action = compliance >> 16",
        "ACTION = 16\naction = compliance >> ACTION",
        "MASK = (1 << 10) - 1\ncolumn = body & MASK",
        "value = low | high << 16",
        "opcode = 31 & beat",
        "gain = body >> 21 & 1",
        "flags >>= 3",
        "pair = address[10]",
        "counter = self.address[7:]",
        "index = head.head_address[:8]",
        "pattern = '0001--------'",
    ],
)
def test_a_field_that_is_found_by_number_is_noticed(text: str) -> None:
    assert list(findings(text, slices=True))


@pytest.mark.parametrize(
    "text",
    [
        "column = CELL['column'].of(body)",
        "size = 1 << bits",
        "LARGEST = (1 << 28) - 1",
        "bit = planes >> plane & 1",
        "pair = address[PAIR_BIT]",
        "first = rows[0]",
    ],
)
def test_other_arithmetic_is_not(text: str) -> None:
    assert not list(findings(text, slices=True))
