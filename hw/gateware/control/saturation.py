"""Numbers that are kept within fewer bits."""

from amaranth.hdl import Cat, Mux, Value


def saturated(number: Value, bits: int) -> Value:
    """Return a signed value in a number of bits: the nearest one that they hold."""
    if len(number) <= bits:
        return number
    sign, beyond = number[-1], number[bits - 1 : -1]
    fits = Mux(sign, beyond.all(), ~beyond.any())
    return Mux(fits, number[:bits], Cat((~sign).replicate(bits - 1), sign)).as_signed()
