"""How memories are made, and what synthesis may assume of them."""

from typing import Final

BLOCK_RAM: Final = {"ram_style": "block"}
"""Attributes, read by Yosys, of a memory that belongs in block RAM however small it is."""

NO_COLLISIONS: Final = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:TRANSPARENCY_MASK=1'0 %i"
"""Yosys command, run on the RTLIL before synthesis: what a port gives that reads an address while it is written does
not matter.

No result of the controller depends on it: queues and registers never do it, counters carry the new value past the
memory, and the level that a write lands on is read again before it is used. Without the command, synthesis for block
RAMs that leave such a read undefined (iCE40) adds two flip-flops and a multiplexer to every bit of every port. Ports
that must give the new word are transparent, and are left alone.
"""
