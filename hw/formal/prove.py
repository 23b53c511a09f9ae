"""Runs proofs: each statement, its covers and its mutants; what was found is kept by the content of the netlist."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twinbar.hw.user_cache import user_cache

from .mutant import Mutant
from .proof import Proof
from .solver import ProofNetlist, Solver, SolverAnswer, tools_version
from .symbols import netlist_text

_FORMAT: Final = 2
_REPORT: Final = 3000
"""Characters of a solver's report that are kept."""


@dataclass(frozen=True)
class ProofFinding:
    """What was found out about one question of a proof.

    Parameters
    ----------
    passed : bool
        It is as it should be: the statement holds, the covers are reached, the mutant is refuted.
    how : str
        Of a mutant: how it was refuted.
    steps : tuple of int
        Cycles in which the covers are reached.
    promises : tuple of str
        What is asserted, in sentences; further assertions hold an induction together.
    cpu_s : float
        Processor time of the tools.
    report : str
        If it is not as it should be, what the solver says.
    """

    passed: bool
    how: str = ""
    steps: tuple[int, ...] = ()
    promises: tuple[str, ...] = ()
    cpu_s: float = 0.0
    report: str = ""


@dataclass(frozen=True)
class ProofQuestion:
    """One part of a proof, which is asked and kept by itself.

    Parameters
    ----------
    proof : Proof
    kind : str
        ``statement``, ``covers`` or ``mutant``.
    mutant : Mutant, optional
    """

    proof: Proof
    kind: str
    mutant: Mutant | None = None

    @property
    def text(self) -> str:
        """What is asked, for people."""
        return self.kind if self.mutant is None else f"mutant: {self.mutant.about}"

    def netlist(self) -> ProofNetlist:
        """Make the hardware that is asked about."""
        with self.mutant.injected() if self.mutant else nullcontext():
            made = self.proof.make()
            return made if isinstance(made, ProofNetlist) else ProofNetlist(netlist_text(made))

    def ask(self, solver: Solver) -> ProofFinding:
        """Ask the solver."""
        proof, before = self.proof, solver.cpu_s
        if self.kind == "covers":
            answer = solver.reaches(proof.within)
            passed = answer.passed and len(answer.steps) == len(proof.covers)
            return _finding(passed, answer, solver.cpu_s - before, steps=tuple(sorted(answer.steps)))
        first = solver.holds(max(proof.depth, proof.traced if self.mutant else 0))
        if self.mutant is None:
            answer = solver.follows(proof.depth) if first.passed and proof.unbounded else first
            return _finding(answer.passed, answer, solver.cpu_s, promises=solver.netlist.promises())
        if proof.equal:
            return _finding(not first.passed, first, solver.cpu_s, how="" if first.passed else "the netlists differ")
        how = "" if first.passed else f"a trace of {first.steps[-1] + 1} cycles from a reset"
        answer = first
        if first.passed and proof.unbounded and not proof.traced:
            answer = solver.follows(proof.depth)
            how = "" if answer.passed else "the induction fails"
        return _finding(not answer.passed, answer, solver.cpu_s, how=how)


def _finding(passed: bool, answer: SolverAnswer, cpu_s: float, **more: Any) -> ProofFinding:
    return ProofFinding(passed, cpu_s=round(cpu_s, 1), report="" if passed else answer.report[-_REPORT:], **more)


class _Bench:
    """A netlist and, once it is asked about, its solver."""

    def __init__(self, netlist: ProofNetlist) -> None:
        self.netlist = netlist
        self._solver: Solver | None = None

    @property
    def solver(self) -> Solver:
        if self._solver is None:
            self._solver = Solver(self.netlist)
        return self._solver

    def close(self) -> None:
        if self._solver is not None:
            self._solver.close()


def questions(proof: Proof, *, mutants: bool = True) -> Iterator[ProofQuestion]:
    """Give the questions of a proof: the statement first."""
    yield ProofQuestion(proof, "statement")
    if proof.covers:
        yield ProofQuestion(proof, "covers")
    for mutant in proof.mutants if mutants else ():
        yield ProofQuestion(proof, "mutant", mutant)


class ProofResults:
    """Findings in a folder, by what was asked: a run that was killed goes on where it was.

    Parameters
    ----------
    folder : Path, optional
        By default in the user's cache.
    fresh : bool
        Ask everything again.
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False) -> None:
        self._folder = folder or user_cache() / "proofs"
        self._fresh = fresh

    def answers(self, proof: Proof, *, mutants: bool = True) -> Iterator[tuple[ProofQuestion, ProofFinding]]:
        """Give the answer to each question of a proof: what was found before, or what is found now.

        Raises
        ------
        ToolMissingError
            If Yosys or the solver is missing.
        """
        bench: _Bench | None = None
        try:
            for question in questions(proof, mutants=mutants):
                if bench is None or question.mutant is not None:
                    if bench is not None:
                        bench.close()
                    bench = _Bench(question.netlist())
                yield question, self._answer(question, bench)
        finally:
            if bench is not None:
                bench.close()

    def _answer(self, question: ProofQuestion, bench: _Bench) -> ProofFinding:
        path = self._folder / f"{_key(question, bench.netlist)}.json"
        if not self._fresh and (found := _kept(path)) is not None:
            return found
        finding = question.ask(bench.solver)
        self._keep(path, finding)
        return finding

    def _keep(self, path: Path, finding: ProofFinding) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, encoding="utf-8") as file:
                json.dump(vars(finding), file)
            os.replace(file.name, path)
        except OSError:
            pass  # it is asked again next time


def _kept(path: Path) -> ProofFinding | None:
    """Read what was kept; None if there is nothing, or it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return ProofFinding(**{**found, "steps": tuple(found["steps"]), "promises": tuple(found["promises"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _key(question: ProofQuestion, netlist: ProofNetlist) -> str:
    proof = question.proof
    asked = [
        _FORMAT,
        question.kind,
        proof.depth,
        proof.unbounded,
        proof.traced if question.mutant else proof.within if question.kind == "covers" else 0,
        len(proof.covers) if question.kind == "covers" else 0,
        tools_version(),
    ]
    return hashlib.sha256(f"{asked}\0{netlist.content()}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ProofResult:
    """A proof with what was found about each of its questions, in their order."""

    proof: Proof
    findings: tuple[tuple[ProofQuestion, ProofFinding], ...]

    @property
    def passed(self) -> bool:
        """The statement holds, all covers are reached, all mutants refuted."""
        return all(finding.passed for _, finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return the result for a machine."""
        by_kind: dict[str, list[tuple[ProofQuestion, ProofFinding]]] = {"statement": [], "covers": [], "mutant": []}
        for question, finding in self.findings:
            by_kind[question.kind].append((question, finding))
        return {
            "states": self.proof.states,
            "engine": self.proof.engine,
            "unbounded": self.proof.unbounded,
            "depth": self.proof.depth,
            "proven": all(finding.passed for _, finding in by_kind["statement"]),
            "promises": [promise for _, finding in by_kind["statement"] for promise in finding.promises],
            "covers": list(self.proof.covers),
            "covers_reached": all(finding.passed for _, finding in by_kind["covers"]),
            "mutants": [
                {"about": question.mutant.about, "refuted": finding.passed, "how": finding.how}
                for question, finding in by_kind["mutant"]
                if question.mutant is not None
            ],
            "cpu_s": round(sum(finding.cpu_s for _, finding in self.findings), 1),
        }


def prove(
    proof: Proof,
    results: ProofResults,
    *,
    mutants: bool = True,
    tell: Callable[[ProofQuestion, ProofFinding], None] | None = None,
) -> ProofResult:
    """Ask all questions of a proof.

    Parameters
    ----------
    proof : Proof
    results : ProofResults
    mutants : bool
        Those about mutants, too.
    tell : callable, optional
        Is told of each finding.

    Raises
    ------
    ToolMissingError
        If Yosys or the solver is missing.
    """
    findings = []
    for question, finding in results.answers(proof, mutants=mutants):
        findings.append((question, finding))
        if tell is not None:
            tell(question, finding)
    return ProofResult(proof, tuple(findings))
