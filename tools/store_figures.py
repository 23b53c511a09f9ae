"""Stores what a command found for the verification report: ``COMMAND | python tools/store_figures.py NAME``.

NAME is ``proofs`` (of ``twinbar prove --json``), ``coverage`` (of ``run_bench.py --json`` in ``examples/own_bench``),
``mutants`` (``build/mutation.json``) or ``equality`` (of ``twinbar verify --json``). The state of the source is stored
with it.
"""

import json
import sys

from source_state import ROOT, SOURCES, source_state


def main() -> int:
    """Store the JSON object on standard input."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in SOURCES:
        print(
            f"Error: {name or 'nothing'} is no name of stored figures; give one of {', '.join(SOURCES)}",
            file=sys.stderr,
        )
        return 2
    try:
        found = json.load(sys.stdin)
    except ValueError as error:
        print(f"Error: what came in is not JSON ({error}); give what the command prints with --json", file=sys.stderr)
        return 2
    stored = {"state": source_state(SOURCES[name]), "found": found}
    (ROOT / "docs" / "figures" / f"{name}.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
