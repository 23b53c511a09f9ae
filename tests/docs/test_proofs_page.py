"""The page of the proofs shows a run of the proofs that there are."""

import json
from pathlib import Path

from twinbar.hw.formal.proof_catalogue import PROOFS


def test_the_stored_run_is_of_these_proofs(root: Path) -> None:
    found = json.loads((root / "docs" / "figures" / "proofs.json").read_text())["proofs"]
    stored = {
        name: (proof["states"], proof["engine"], proof["covers"], [mutant["about"] for mutant in proof["mutants"]])
        for name, proof in found.items()
    }
    assert stored == {
        name: (proof.states, proof.engine, list(proof.covers), [mutant.about for mutant in proof.mutants])
        for name, proof in PROOFS.items()
    }, "run: twinbar prove --json > docs/figures/proofs.json, then make docs"


def test_everything_in_it_is_as_it_should_be(root: Path) -> None:
    for proof in json.loads((root / "docs" / "figures" / "proofs.json").read_text())["proofs"].values():
        assert proof["proven"]
        assert proof["covers_reached"]
        assert all(mutant["refuted"] and mutant["how"] for mutant in proof["mutants"])
