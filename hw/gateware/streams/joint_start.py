"""Starts cascades: all members take one in the same cycle, or refuse it together."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class JointSignature(wiring.Signature):
    """What a tile and its neighbours tell one another of cascades.

    Members
    -------
    offers : Out(1)
        A cascade is at the front of the queue, and the tile could take it in this cycle.
    refuses : Out(1)
        It would refuse it.
    first, last : Out(1)
        Which member of it the tile is.
    starts : In(1)
        All members take it in this cycle.
    refused : In(1)
        One of them refuses it.
    ends_above, ends_below : Out(1)
        In the cycle before, a halt of the tile has ended the cascade that it runs with the tile above, or below.
    ended_above, ended_below : In(1)
        The same, of the tile above and below.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "offers": Out(1),
                "refuses": Out(1),
                "first": Out(1),
                "last": Out(1),
                "starts": In(1),
                "refused": In(1),
                "ends_above": Out(1),
                "ends_below": Out(1),
                "ended_above": In(1),
                "ended_below": In(1),
            }
        )


class JointStart(wiring.Component):
    """Starts a cascade when all its members offer it. Combinational.

    Beats come to all queues in one order. So two neighbours of which the lower is not the last member of what it
    offers, nor the upper the first, offer the same cascade.

    Parameters
    ----------
    tiles : int

    Members
    -------
    tiles : In(JointSignature) array
    clear : Out(tiles - 1)
        A cascade starts to which this tile and the one above it belong.
    """

    def __init__(self, tiles: int) -> None:
        self.count = tiles
        super().__init__({"tiles": In(JointSignature()).array(tiles), "clear": Out(max(tiles - 1, 1))})

    def elaborate(self, platform) -> Module:
        m = Module()
        above, refused_above = Signal(self.count), Signal(self.count)
        below, refused_below = Signal(self.count), Signal(self.count)
        for number, tile in enumerate(self.tiles):
            # A member at either end of the tiles is at the end of its cascade, too.
            upper = self.tiles[number + 1] if number + 1 < self.count else None
            lower = self.tiles[number - 1] if number else None
            all_above = tile.last if upper is None else tile.last | ~upper.first & above[number + 1]
            all_below = tile.first if lower is None else tile.first | ~lower.last & below[number - 1]
            m.d.comb += [
                above[number].eq(tile.offers & all_above),
                below[number].eq(tile.offers & all_below),
                refused_above[number].eq(tile.refuses),
                refused_below[number].eq(tile.refuses),
                tile.starts.eq(above[number] & below[number]),
                tile.refused.eq(refused_above[number] | refused_below[number]),
            ]
            if upper is not None:
                m.d.comb += [
                    refused_above[number].eq(tile.refuses | ~tile.last & refused_above[number + 1]),
                    self.clear[number].eq(tile.starts & ~tile.last),
                    tile.ended_above.eq(upper.ends_below),
                ]
            if lower is not None:
                m.d.comb += [
                    refused_below[number].eq(tile.refuses | ~tile.first & refused_below[number - 1]),
                    tile.ended_below.eq(lower.ends_above),
                ]
        return m
