"""The generated parts of the verification report: what was proven, covered, caught, sent, compared; on which state."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from source_state import ROOT, SOURCES, source_state

from twinbar.hw.formal.proof_catalogue import PROOFS

FIGURES: Final = ROOT / "docs" / "figures"
NOT_RUN: Final = "**Not run.** No figures are stored.\n"


def stored(name: str) -> dict[str, Any] | None:
    """Return stored figures, None if there are none; those of a command that nobody stamped have no state."""
    path = FIGURES / f"{name}.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if "found" in found else {"state": "", "found": found}


def state_of(name: str, found: dict[str, Any]) -> str:
    """Say of which state of the source figures are."""
    if not found["state"]:
        return "For which state of the source these figures hold was **not recorded**."
    if found["state"] == source_state(SOURCES[name]):
        return "These figures are of **this state** of the source."
    return "These figures are of an **earlier state** of the source; they may not hold for this one."


def proofs() -> str:
    """Tabulate the proofs with engine, depth, covers and mutants."""
    found = stored("proofs")
    if found is None:
        return f"{NOT_RUN}\nStated and not run: {len(PROOFS)} proofs.\n"
    by_name = found["found"]["proofs"]
    rows, missing = [], [name for name in PROOFS if name not in by_name]
    for name, each in by_name.items():
        if name not in PROOFS:
            continue
        refuted = sum(mutant["refuted"] for mutant in each["mutants"])
        # How deep an induction goes, or a bounded proof, is in the name of its engine; an equivalence has no depth.
        bounded = each["engine"].startswith("the first")
        covers = (
            f"{len(each['covers'])} {'reached' if each['covers_reached'] else 'NOT REACHED'}" if each["covers"] else "-"
        )
        proven = "yes" if each["proven"] else "**no**"
        rows.append(
            (
                f"`{name}`",
                each["states"],
                each["engine"],
                "these cycles" if bounded else "for all time",
                proven,
                covers,
                f"{refuted} of {len(each['mutants'])}",
            )
        )
    lines = [f"{len(rows)} of {len(PROOFS)} proofs were run. {state_of('proofs', found)}"]
    if missing:
        lines.append(f"Not run: {', '.join(f'`{name}`' for name in missing)}.")
    heads = ("proof", "states", "engine", "reach", "proven", "covers", "mutants refuted")
    return "\n".join([*lines, "", table(heads, rows)])


def coverage() -> str:
    """Say which bins the bench has hit."""
    found = stored("coverage")
    if found is None:
        return NOT_RUN
    each = found["found"]
    return (
        f"{each['hit']:,} of {each['bins']:,} bins were hit by {each['programs']:,} programs of {each['commands']:,} "
        f"commands in {each['cycles']:,} cycles on {each['simulator'].title()}; {each['responses']:,} responses, their "
        f"cycles, {each['pulses']:,} pulses and the cells were those of the engine `fast`, and no rule was broken. "
        f"{state_of('coverage', found)}\n\nRules of every cycle: {', '.join(f'`{name}`' for name in each['rules'])}.\n"
    )


def mutants() -> str:
    """Count deliberate faults by what catches them."""
    found = stored("mutants")
    if found is None:
        return NOT_RUN
    entries = list(found["found"].values())
    rows = []
    for kind, chosen in (
        ("a proof", [each for each in entries if each["caught_by"].startswith("prove ")]),
        ("a narrow test", [each for each in entries if not each["caught_by"].startswith("prove ")]),
    ):
        caught = sum(each["caught"] for each in chosen)
        rows.append((kind, len(chosen), caught, len({each["file"] for each in chosen})))
    escaped = [f"`{each['new']}` in `{each['file']}`" for each in entries if not each["caught"]]
    lines = [state_of("mutants", found), "", table(("to be caught by", "applied", "caught", "files"), rows)]
    return "\n".join([*lines, *(["", f"Not caught: {'; '.join(escaped)}."] if escaped else []), ""])


def frames() -> str:
    """Count the frames that were sent."""
    found = stored("frames")
    if found is None:
        return NOT_RUN
    about = {
        "bits": "into an armed board, bit by bit",
        "words": "into an armed board, behind its UART",
        "host": "into the decoder of a host at work",
    }
    rows = []
    for target, wanted in found["wanted"].items():
        each = found["found"].get(target, {"frames": 0, "kinds": {}})
        forged = sum(each["kinds"].get(kind, 0) for kind in ("forged", "any payload"))
        checked = f"{each.get('pulses', each.get('programs', 0)):,} {'programs' if target == 'host' else 'pulses'}"
        rows.append(
            (about[target], f"{wanted:,}", f"{each['frames']:,}", f"{forged:,}", checked if each["frames"] else "-")
        )
    heads = ("frames", "asked for", "sent", "of these forged", "compared meanwhile")
    kinds = sorted({kind for each in found["found"].values() for kind in each["kinds"]})
    return f"{state_of('frames', found)}\n\n{table(heads, rows)}\nKinds: {', '.join(kinds)}.\n"


def equality() -> str:
    """Say how much the engines were compared."""
    found = stored("equality")
    if found is None:
        return NOT_RUN
    each = found["found"]
    lines = [state_of("equality", found), "", *_flat(each)]
    return "\n".join(lines) + "\n"


def _flat(found: dict[str, Any]) -> Iterator[str]:
    """List plain figures, and counts by name in one line each."""
    for key, value in found.items():
        name = key.replace("_", " ")
        if isinstance(value, dict):
            if all(isinstance(count, int) for count in value.values()):
                yield f"* {name}: {', '.join(f'`{what}` {count:,}' for what, count in value.items())}"
            else:
                yield from _flat(value)
        elif isinstance(value, list):
            yield f"* {name}: {', '.join(f'`{each}`' for each in value) or 'none'}"
        else:
            yield (
                f"* {name}: {value:,}"
                if isinstance(value, int) and not isinstance(value, bool)
                else f"* {name}: {value}"
            )


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a Markdown table."""

    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    heads = tuple(heads)
    return "\n".join([line(heads), line("---" for _ in heads), *map(line, rows)]) + "\n"


PARTS: Final = {f"verification-{part.__name__}": part for part in (proofs, coverage, mutants, frames, equality)}
"""Makers of the generated parts of the page."""
