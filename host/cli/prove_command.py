"""``twinbar prove``: what is proven about the controller, with the faults that the proofs refute."""

from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

NOT_PROVEN: Final = 1
"""Exit status when a statement does not hold, a cover is not reached, or a mutant is not refuted."""


def prove(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", show_default=False)] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the proofs and what they state.")] = False,
    mutants: Annotated[bool, typer.Option(help="Also refute the mutants.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prove again what was proven before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Prove the properties of the controller: all of them, or those that you name.

    Each proof has covers (situations that it reaches) and mutants (faults that it refutes). Results are kept in the
    user's cache, by the content of the netlist: a run that was killed continues, and nothing is proven twice. The exit
    status is 1 if a proof, a cover or a mutant fails.
    """
    from twinbar.host.experiment.run_folder import json_text
    from twinbar.hw.formal.proof_catalogue import chosen
    from twinbar.hw.formal.prove import ProofFinding, ProofQuestion, ProofResults
    from twinbar.hw.formal.prove import prove as run
    from twinbar.hw.formal.solver import tools_version

    proofs, console = chosen(names or []), Console()
    if list_them:
        if as_json:
            listed = {proof.name: {"states": proof.states, "engine": proof.engine} for proof in proofs}
            typer.echo(json_text({"schema": 1, "proofs": listed}), nl=False)
        else:
            table = Table("Proof", "States", "By", header_style="bold")
            for proof in proofs:
                table.add_row(escape(proof.name), escape(proof.states), proof.engine)
            console.print(table)
        return

    errors = Console(stderr=True)

    def tell(question: ProofQuestion, finding: ProofFinding) -> None:
        verdict = "as it should be" if finding.passed else "NOT AS IT SHOULD BE"
        said = escape(f"{question.proof.name}: {question.text}: {verdict} ({finding.cpu_s:.1f} s)")
        errors.print(said, highlight=False, soft_wrap=True)
        if finding.report:
            errors.print(escape(finding.report), highlight=False, soft_wrap=True)

    version = tools_version()
    results = ProofResults(fresh=fresh)
    found = [run(proof, results, mutants=mutants, tell=tell) for proof in proofs]
    if as_json:
        by_name: dict[str, Any] = {result.proof.name: result.as_json() for result in found}
        typer.echo(json_text({"schema": 1, "tools": version, "proofs": by_name}), nl=False)
    else:
        table = Table("Proof", "By", "Proven", "Covers", "Mutants refuted", "CPU (s)", header_style="bold")
        for result in found:
            row = result.as_json()
            refuted = sum(mutant["refuted"] for mutant in row["mutants"])
            covers = f"{len(row['covers'])} reached" if row["covers_reached"] else "NOT REACHED"
            table.add_row(
                escape(result.proof.name),
                row["engine"],
                "yes" if row["proven"] else "NO",
                covers if row["covers"] else "",
                f"{refuted} of {len(row['mutants'])}",
                f"{row['cpu_s']:.1f}",
            )
        console.print(table)
    if not all(result.passed for result in found):
        raise typer.Exit(NOT_PROVEN)
