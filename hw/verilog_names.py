"""Plain names for a Verilog text that a person may read."""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"\\(\S+) ")
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*")


def with_plain_names(text: str) -> str:
    r"""Replace escaped identifiers, such as ``\payload$116``, by plain ones: ``payload_2``.

    A name stands for the same thing in the whole text, because a port has the same one in the module and at its
    instances. Fields of a beat and modules within modules are joined by two underscores, as ports are.
    """
    taken = set(_PLAIN.findall(text))
    plain: dict[str, str] = {}
    counts: dict[str, int] = {}

    def rename(found: re.Match[str]) -> str:
        name = found[1]
        if name not in plain:
            joined = re.sub(r"\W", "_", re.sub(r"(\$\d+)+$", "", name).lstrip("$").replace(".", "__"))
            chosen = joined if "$" not in name else ""
            while not chosen or chosen in taken:
                counts[joined] = counts.get(joined, 1) + 1
                chosen = f"{joined}_{counts[joined]}"
            taken.add(chosen)
            plain[name] = chosen
        return plain[name]

    return _ESCAPED.sub(rename, text)
