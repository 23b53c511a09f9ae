"""Proofs of the controller of a chip, where nothing has an initial value."""

from dataclasses import replace
from typing import Final

from .bus_proofs import CONFIG, PARTS
from .mutant import Mutant
from .proof import Proof
from .reset_proof import chip
from .tile_proofs import CHAINED, SMALL

_RESET: Final = "gateware.reset_sequencer"
_WITH_OPTIONS: Final = replace(CHAINED, pulse_entries=16, compare=True)
_STATES: Final = (
    "Whatever registers and memories held: a reset gives every register its first value in the next cycle, and every "
    "memory its first contents within the stated cycles; no command is accepted before"
)
_KEEPS: Final = Mutant(
    "registers that an FPGA's reset leaves alone keep what they held",
    _RESET,
    "signal._reset_less = False",
    "signal._reset_less |= False",
)
_LEAVES_A_WORD: Final = Mutant(
    "the last word of each memory is left out",
    _RESET,
    "here = self.address < memory.depth",
    "here = self.address < memory.depth - 1",
)
_ZEROS: Final = Mutant(
    "memories are filled with zeros", _RESET, "m.d.comb += first.eq(word)", "m.d.comb += first.eq(0)"
)
_EARLY: Final = Mutant(
    "commands are accepted while memories are written",
    _RESET,
    "self.commands.ready.eq(core.commands.ready & ~reset.clearing),",
    "self.commands.ready.eq(core.commands.ready),",
)
_LEAKS: Final = Mutant(
    "a command that waits is carried out while memories are written",
    _RESET,
    "core.commands.valid.eq(self.commands.valid & ~reset.clearing),",
    "core.commands.valid.eq(self.commands.valid),",
)
_COVER: Final = "a command waits while memories are written"

OF_CHIPS: Final = (
    Proof(
        "controller of a chip",
        f"{_STATES}, and until then mode, settings, gates and queues stay as the reset has left them.",
        lambda: chip(SMALL, stays=True),
        2,
        covers=(_COVER, "a command is accepted in the first cycle in which one can be"),
        within=262,
        mutants=(_KEEPS, _LEAVES_A_WORD, _ZEROS, _EARLY, _LEAKS),
        traced=8,
    ),
    Proof(
        "controller of a chip with all options",
        f"{_STATES}.",
        lambda: chip(_WITH_OPTIONS),
        2,
        covers=(_COVER,),
        within=6,
        mutants=(_KEEPS, _LEAVES_A_WORD),
        traced=6,
    ),
    Proof(
        "controller of a chip with a serial front end",
        f"{_STATES}.",
        lambda: chip(CONFIG, PARTS),
        2,
        covers=(_COVER,),
        within=6,
        mutants=(_KEEPS, _ZEROS),
        traced=6,
    ),
)
