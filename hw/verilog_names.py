"""Plain names for a Verilog text that a person may read."""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"\\(\S+) ")
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*")


def plain_names(text: str) -> dict[str, str]:
    r"""Return a plain name for every escaped identifier of a text, such as ``\payload$116``: ``payload_2``.

    Fields of a beat and modules within modules are joined by two underscores, as ports are.
    """
    taken = set(_PLAIN.findall(text))
    plain: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name in dict.fromkeys(_ESCAPED.findall(text)):
        joined = re.sub(r"\W", "_", re.sub(r"(\$\d+)+$", "", name).lstrip("$").replace(".", "__"))
        chosen = joined if "$" not in name else ""
        while not chosen or chosen in taken:
            counts[joined] = counts.get(joined, 1) + 1
            chosen = f"{joined}_{counts[joined]}"
        taken.add(chosen)
        plain[name] = chosen
    return plain


def with_plain_names(text: str) -> str:
    """Replace escaped identifiers by plain ones.

    A name stands for the same thing in the whole text, because a port has the same one in the module and at its
    instances.
    """
    names = plain_names(text)
    return _ESCAPED.sub(lambda found: names[found[1]], text)
