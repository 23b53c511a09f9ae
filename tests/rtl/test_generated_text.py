"""C++ of CXXRTL that is not as this version of Twinbar takes it to be never makes a library that counts wrong."""

import ctypes
import re
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

import twinbar.emulator
from twinbar.emulator.engines.rtl import block, netlist_library
from twinbar.emulator.engines.rtl.netlist import rtlil_text
from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.emulator.engines.rtl.storage import storage_of
from twinbar.emulator.engines.rtl.yosys import flatten, translate

pytestmark = pytest.mark.compiler

HARNESS = """
extern "C" {
twinbar_small::block *make() { return new twinbar_small::block; }
int whole(twinbar_small::block *small) { return small->whole(); }
unsigned single(twinbar_small::block *small) { return small->p_single.get<unsigned>(); }
unsigned cycle(twinbar_small::block *small, unsigned write, unsigned data) {
  small->p_write.set<unsigned>(write);
  small->p_data.set<unsigned>(data);
  small->restart();
  small->evaluate();
  const unsigned shown = small->p_shown.get<unsigned>();
  small->commit();
  return shown;
}
}
"""
FLAGS = ("-std=c++17", "-O0", "-DNDEBUG", "-fPIC", "-shared", "-w")


class Small(wiring.Component):
    """A memory that is written at a place that moves, and read there; one that is only read; and one of one word."""

    write: In(1)
    data: In(8)
    shown: Out(8)
    fixed: Out(8)
    single: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = Memory(shape=8, depth=4, init=[7])
        place = Signal(2)
        write, read = store.write_port(), store.read_port(domain="comb")
        m.d.sync += place.eq(place + self.write)
        m.d.comb += [write.en.eq(self.write), write.data.eq(self.data), write.addr.eq(place)]
        m.d.comb += [read.addr.eq(place), self.shown.eq(read.data)]
        m.submodules.table = table = Memory(shape=8, depth=4, init=[3, 1, 4, 1])
        fixed = table.read_port(domain="comb")
        m.d.comb += [fixed.addr.eq(place), self.fixed.eq(fixed.data)]
        m.submodules.word = word = Memory(shape=8, depth=1, init=[9])
        put, get = word.write_port(), word.read_port(domain="comb")
        m.d.comb += [put.en.eq(self.write), put.data.eq(self.data), self.single.eq(get.data)]
        return m


@pytest.fixture(scope="module")
def translation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return translate("small", flatten("small", rtlil_text(Small()), folder), folder, debug=False)


@pytest.fixture
def library_of(translation, monkeypatch, tmp_path):
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path)

    def make(text):
        made = block.packed("small", text, storage_of(translation.netlist), [], {})
        found = ctypes.CDLL(str(netlist_library.cached_library([text], lambda folder: PACKED + made + HARNESS, FLAGS)))
        found.make.restype = ctypes.c_void_p
        return found

    return make


PACKED = netlist_library.translator_texts()[netlist_library.TRANSLATORS.index("packed.h")]


def test_what_is_generated_today_counts_right(library_of, translation):
    library = library_of(translation.text)
    small = ctypes.c_void_p(library.make())
    assert library.whole(small) == 1
    given = [(1, 10), (0, 99), (1, 11), (1, 12), (1, 13), (0, 0), (1, 14)]
    # Places 0 to 3 in turn, which begin with 7, 0, 0 and 0; then 0 again, which has 10 now.
    assert [library.cycle(small, *pair) for pair in given] == [7, 0, 0, 0, 0, 10, 10]
    assert library.cycle(small, 0, 0) == 11
    # The memory of one word has what was written last.
    assert library.single(small) == 14


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bool p_top::eval(", "bool p_top::evaluate("),
        ("struct p_top : public module", "struct p_top : public cxxrtl::module"),
        (".next = ", ".later = "),
        ("wire<2> p_place;", "std::vector<value<2>> p_place;"),
        ("memory<8> memory_p_store", "std::vector<value<8>> memory_p_store"),
        (".update(", ".write("),
        ("p_place", "p_position"),
    ],
)
def test_another_text_is_refused_by_the_compiler(old, new, library_of, translation):
    assert old in translation.text
    with pytest.raises(BuildError, match="the C\\+\\+ compiler could not compile the netlist: "):
        library_of(translation.text.replace(old, new))


@pytest.mark.parametrize("more", ["wire<3> p_another;", "memory<4> memory_p_another { 2u };"])
def test_something_more_that_is_stored_is_noticed(more, library_of, translation):
    name = more.split()[1].rstrip(";")
    text = translation.text.replace("\twire<2> p_place;", f"\t{more}\n\twire<2> p_place;")
    text = text.replace("if (p_place.commit(", f"if ({name}.commit(observer)) changed = true;\n\t\tif (p_place.commit(")
    library = library_of(text)
    assert library.whole(ctypes.c_void_p(library.make())) == 0
    assert "stores other registers or memories than the netlist" in str(netlist_library.other_storage())


def test_one_pair_of_files_knows_how_generated_code_is_written():
    emulator = Path(twinbar.emulator.__file__).parent
    sources = [path for suffix in ("py", "h") for path in emulator.rglob(f"*.{suffix}")]
    knowing = {path.name for path in sources if re.search(r"\bp_top\b|prev_p_clk|write_queue", path.read_text())}
    assert knowing == {"block.py", "packed.h"}
