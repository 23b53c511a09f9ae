"""Identity of the protocol: what a host compares before it trusts a controller."""

from enum import IntEnum
from typing import Final

MAGIC: Final = 0x5457494E
"""``TWIN`` in ASCII: the answer that only a Twinbar controller gives."""

VERSION: Final = 1
"""Raised whenever a beat, an opcode, a register or a fault changes its meaning."""


class IdentityWord(IntEnum):
    """Words of the identity, asked for one by one with ``IDENTIFY``."""

    MAGIC = 0
    VERSION = 1
    TILES = 2
    GEOMETRY = 3
    """Rows in bits 0 to 15, columns in bits 16 to 31."""
    CONVERTERS = 4
    """ADC bits in bits 0 to 7, ADC channels in bits 8 to 23, input bits in bits 24 to 27, then one bit each for DAC
    inputs, subtracted pairs and skipped empty planes."""
    CONFIGURATION_HASH = 5
    """First 32 bits of the SHA-256 of the elaboration parameters."""
