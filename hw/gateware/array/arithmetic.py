"""Routines of the microprogram: draws, deviates, division and square root, as the emulator's physics has them.

Registers by name: ``key`` and ``event`` are what a draw is made of (``event`` is ``purpose << 48 | count``), ``hash``
its bits, ``z`` a deviate. ``t`` holds nothing for longer than a routine.
"""

from typing import Final

from .assembler import Assembler, Routine
from .instructions import NOT, Condition
from .model import GAUSS_BINS

GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""splitmix64."""
_SHIFTS: Final = (30, 27, 31)
QUOTIENT_BITS: Final = 25
ROOT_BITS: Final = 25
"""Of a square root; what it is taken of is below 2**50."""


class Arithmetic:
    """Writes the routines, and offers them.

    Parameters
    ----------
    asm : Assembler
    divides, takes_roots : bool
        Whether the program needs them.
    """

    def __init__(self, asm: Assembler, *, divides: bool, takes_roots: bool) -> None:
        self._asm = asm
        self._made: list[Routine] = []
        self.mix = self._write_mix()
        self.draw = self._write_draw()
        self.gauss = self._write_gauss()
        self.divide = self._write_divide() if divides else None
        self.root = self._write_root() if takes_roots else None

    def _write_mix(self) -> Routine:
        """Finalize ``hash``."""
        asm = self._asm
        bits, t = asm.register("hash"), asm.register("t")
        with asm.routine(self._made):
            for places, factor in zip(_SHIFTS, _MIX, strict=False):
                asm.shift(t, bits, places, logical=True)
                asm.xor(t, t, bits)
                asm.multiply(bits, t, asm.constant(factor))
            asm.shift(t, bits, _SHIFTS[-1], logical=True)
            asm.xor(bits, bits, t)
        return self._made[-1]

    def _write_draw(self) -> Routine:
        """Draw ``hash`` for the ``event`` of a ``key``."""
        asm = self._asm
        bits = asm.register("hash")
        with asm.routine(self._made):
            asm.multiply(bits, asm.register("event"), asm.constant(GOLDEN))
            asm.add(bits, bits, asm.register("key"))
            asm.call(self.mix)
        return self._made[-1]

    def _write_gauss(self) -> Routine:
        """Turn ``hash`` into a deviate ``z``. The lower half of the quantiles is the upper half's mirror image."""
        asm = self._asm
        bits, t, z = asm.register("hash"), asm.register("t"), asm.register("z")

        def mirrored() -> None:
            asm.set(t, -1)
            asm.xor(t, t, bits)
            asm.load_word(z, t)
            asm.subtract(z, asm.constant(0), z)

        with asm.routine(self._made):
            asm.shift(bits, bits, 64 - (GAUSS_BINS.bit_length() - 1), logical=True)
            asm.set(t, -GAUSS_BINS // 2)
            asm.add(bits, bits, t)
            asm.either(Condition.NEGATIVE, mirrored, lambda: asm.load_word(z, bits))
        return self._made[-1]

    def _write_divide(self) -> Routine:
        """Divide ``dividend`` by ``divisor / 2**(QUOTIENT_BITS - 1)``: gives ``quotient``; both others are used up."""
        asm = self._asm
        dividend, divisor, quotient = (asm.register(name) for name in ("dividend", "divisor", "quotient"))
        t, left = asm.register("t"), asm.register("left")
        with asm.routine(self._made):
            asm.set(left, QUOTIENT_BITS)
            asm.set(quotient, 0)
            with asm.repeat(QUOTIENT_BITS, Condition.ZERO):
                asm.add(quotient, quotient, quotient)
                asm.subtract(t, dividend, divisor)
                with asm.when(Condition.NEGATIVE ^ NOT):
                    asm.copy(dividend, t)
                    asm.add(quotient, quotient, asm.constant(1))
                asm.shift(divisor, divisor, 1)
                asm.subtract(left, left, asm.constant(1))
        return self._made[-1]

    def _write_root(self) -> Routine:
        """Give the ``root`` of a ``square``, rounded down; the square is used up."""
        asm = self._asm
        square, root, bit = asm.register("dividend"), asm.register("quotient"), asm.register("divisor")
        t = asm.register("t")
        with asm.routine(self._made):
            asm.set(root, 0)
            asm.set(bit, 1 << 2 * (ROOT_BITS - 1))
            with asm.repeat(ROOT_BITS, Condition.ZERO):
                asm.add(t, root, bit)
                asm.shift(root, root, 1)
                asm.subtract(t, square, t)
                with asm.when(Condition.NEGATIVE ^ NOT):
                    asm.copy(square, t)
                    asm.add(root, root, bit)
                asm.shift(bit, bit, 2)
        return self._made[-1]
