"""The closed-loop update with targets as fine as the level table allows, instead of levels."""

from typing import ClassVar, Final

from twinbar.emulator.crossbar.levels import Targets
from twinbar.host.update.policies.closed_loop import ClosedLoop


class ClosedLoopAnalog(ClosedLoop):
    """Write every cell of every layer to its analog value at every step."""

    # 256 targets are as fine as the level table allows; the window is a quarter of a level where a level's is half.
    targets: ClassVar[Targets] = Targets(levels=256, tolerance=0.5)


POLICY: Final = ClosedLoopAnalog
