"""How memories are made."""

from typing import Final

BLOCK_RAM: Final = {"ram_style": "block", "no_rw_check": 1}
"""Attributes, read by Yosys, of a memory in block RAM of which no address is read while it is written.

Without the second, synthesis surrounds each read port with logic that returns the old word.
"""
