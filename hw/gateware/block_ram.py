"""Memories that map to block RAM without extra logic."""

from typing import Any, Final

from amaranth.lib.memory import Memory

IGNORE_COLLISIONS: Final = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2"
"""Yosys command for RTLIL made by Amaranth, to be run right after it is read: see `block_ram`.

Amaranth says of every port that it gives the old word, and Yosys emulates that in logic where a block RAM does not
(iCE40).
"""


def block_ram(*, shape: Any, depth: int, init: Any = ()) -> Memory:
    """Make a memory whose users never look at a word that they read in the cycle in which it was written.

    What such a read gives may therefore be left open, as block RAMs do that differ in it.
    """
    # For Yosys reading the exported Verilog (`help memory_dff`).
    return Memory(shape=shape, depth=depth, init=init, attrs={"no_rw_check": 1})
