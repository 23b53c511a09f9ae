"""What a policy reads from and writes to memories of its own: accumulators, factors, the levels it believes in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MemoryTraffic:
    """Bits that were moved, and random bits that were drawn.

    Parameters
    ----------
    read, written, random : int
    """

    read: int = 0
    written: int = 0
    random: int = 0

    def __add__(self, other: "MemoryTraffic") -> "MemoryTraffic":
        return MemoryTraffic(self.read + other.read, self.written + other.written, self.random + other.random)
