"""All proofs, by their names."""

from collections.abc import Sequence
from typing import Final

from twinbar.hw.errors import ConfigError

from .bus_proofs import OF_BUSES
from .export_proofs import OF_EXPORT
from .line_proofs import OF_LINES
from .part_proofs import OF_COUNTS, OF_RECORDS, OF_STREAMS
from .proof import Proof
from .reader_proofs import OF_READERS
from .reset_proofs import OF_CHIPS
from .tile_proofs import OF_TILES

PROOFS: Final = {
    proof.name: proof
    for proof in (
        *OF_TILES,
        *OF_RECORDS,
        *OF_COUNTS,
        *OF_STREAMS,
        *OF_LINES,
        *OF_BUSES,
        *OF_READERS,
        *OF_CHIPS,
        *OF_EXPORT,
    )
}


def chosen(names: Sequence[str]) -> list[Proof]:
    """Return the proofs with these names; all of them, if there are none.

    Raises
    ------
    ConfigError
        If there is no such proof.
    """
    for name in names:
        if name not in PROOFS:
            raise ConfigError(f"there is no proof {name!r}; `twinbar prove --list` names them")
    return [PROOFS[name] for name in names] if names else list(PROOFS.values())
