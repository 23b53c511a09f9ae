"""Output in any encoding: a character that a stream's encoding lacks is written as the ASCII that comes closest."""

import codecs
import sys
import unicodedata
from typing import Final, TextIO

_HANDLER: Final = "twinbar.closest_ascii"
_ASCII: Final = "twinbar_ascii"
"""ASCII under a name of its own: Click takes a stream in plain ASCII for a mistake, and writes UTF-8 to it."""
_CLOSEST: Final = {
    "µ": "u",
    "μ": "u",
    "Ω": "Ohm",
    "•": "*",
    "░": ".",
    "×": "x",
    "⁄": "/",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "–": "-",
    "—": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}


def closest_ascii(character: str) -> str:
    """Return the ASCII that stands for a character; a question mark where nothing comes close."""
    if character in _CLOSEST:
        return _CLOSEST[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return "+" if " AND " in name else "-" if name.endswith("HORIZONTAL") else "|"
    if name.endswith((" BLOCK", " SHADE")):
        return "#"
    parts = unicodedata.normalize("NFKD", character)
    return "".join(part if part.isascii() else _CLOSEST.get(part, "") for part in parts) or "?"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(closest_ascii, error.object[error.start : error.end])), error.end


def _find_codec(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    plain = codecs.lookup("ascii")
    return codecs.CodecInfo(
        name=_ASCII,
        encode=plain.encode,
        decode=plain.decode,
        incrementalencoder=plain.incrementalencoder,
        incrementaldecoder=plain.incrementaldecoder,
        streamreader=plain.streamreader,
        streamwriter=plain.streamwriter,
    )


codecs.register(_find_codec)
codecs.register_error(_HANDLER, _replace)


def make_printable(*streams: TextIO | None) -> None:
    """Let text streams write every character; by default standard output and standard error.

    A stream that cannot be told so (one that a test has put in its place, or none) is left as it is.
    """
    for stream in streams or (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if stream is not None and reconfigure is not None:
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            reconfigure(encoding=_ASCII if is_ascii else None, errors=_HANDLER)
