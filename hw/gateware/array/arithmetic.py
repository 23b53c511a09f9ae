"""Routines of the microprogram: division and square root. ``t`` holds nothing for longer than a routine."""

from typing import Final

from .assembler import Assembler, Routine
from .instructions import NOT, Condition

QUOTIENT_BITS: Final = 25
ROOT_BITS: Final = 25
"""Of a square root; what it is taken of is below 2**50."""
DIVISION_REGISTERS: Final = ("dividend", "divisor", "quotient", "left")
"""What divisions and roots go through; they hold nothing when the result is taken."""


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
        self.divide = self._write_divide() if divides else None
        self.root = self._write_root() if takes_roots else None

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
        """Return the ``root`` of a ``square``, rounded down; the square is used up."""
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
