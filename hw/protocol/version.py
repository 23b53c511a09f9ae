"""The version of the protocol, and the hash by which a host recognises the controller that it was configured for."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from .commands import COMMANDS
from .registers import REGISTERS

MAJOR: Final = 1
"""Changes when a host must change."""
MINOR: Final = max(*(command.since for command in COMMANDS.values()), *(register.since for register in REGISTERS))
"""Changes when something is added: a command or register says since when there is one."""
_HASHED_MINOR: Final = 1
"""Minor version that hashes name: what was added later is optional, and is hashed as a parameter where it is built."""


def configuration_hash(parameters: Mapping[str, object]) -> int:
    """Return 64 bits that identify a configuration and the protocol's version.

    Parameters
    ----------
    parameters : mapping
        Elaboration parameters by name; anything that JSON can hold. Options that are left out have their defaults.
    """
    text = json.dumps({"protocol": [MAJOR, _HASHED_MINOR], **parameters}, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
