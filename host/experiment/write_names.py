"""Write algorithms by short names, such as ``distance+first``: what comparisons of them list."""

from typing import Any, Final, get_args

from twinbar.emulator.sections.write_section import AlgorithmName, WriteConfig
from twinbar.hw.errors import ConfigError

ALGORITHMS: Final[tuple[str, ...]] = get_args(AlgorithmName)
PATIENCE: Final = 3
"""Pulses of the extra ``patience``, where ``write.patience`` says nothing else."""
EXTRAS: Final = ("first", "patience", "compare", "read-back")
"""What can follow a name of an algorithm, each behind a plus sign."""


def write_named(name: str, write: WriteConfig) -> WriteConfig:
    """Return the section ``[write]`` with an algorithm of a short name.

    Parameters
    ----------
    name : str
        An algorithm, and `EXTRAS` behind it: ``strong+first+compare``.
    write : WriteConfig
        Where the rest comes from.

    Raises
    ------
    ConfigError
        If there is no such algorithm, or it does not go with the rest.
    """
    algorithm, *extras = name.split("+")
    if algorithm not in ALGORITHMS:
        raise ConfigError(f"writes holds {name!r}; it must begin with one of {', '.join(ALGORITHMS)}")
    wrong = [extra for extra in extras if extra not in EXTRAS]
    if wrong or len(set(extras)) < len(extras):
        raise ConfigError(
            f"writes holds {name!r}; behind {algorithm} may come {', '.join(f'+{extra}' for extra in EXTRAS)}, each "
            "once"
        )
    changes: dict[str, Any] = {
        "algorithm": algorithm,
        "first": "first" in extras,
        "patience": (write.patience or PATIENCE) if "patience" in extras else None,
        "verify": "compare" if "compare" in extras else "convert",
        "read_back": "read-back" in extras,
    }
    return WriteConfig(**(write.model_dump() | changes))
