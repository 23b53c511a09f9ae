"""The version of the protocol, and the hash by which a host recognises the controller that it was configured for."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from .commands import COMMANDS

MAJOR: Final = 1
"""Changes when a host must change."""
MINOR: Final = max(command.since for command in COMMANDS.values())
"""Changes when something is added: a command says since when there is one."""


def configuration_hash(parameters: Mapping[str, object]) -> int:
    """Return 64 bits that identify a configuration and the protocol's version.

    Parameters
    ----------
    parameters : mapping
        Elaboration parameters by name; anything that JSON can hold.
    """
    text = json.dumps({"protocol": [MAJOR, MINOR], **parameters}, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
