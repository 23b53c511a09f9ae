"""The Siamese policy: only cells whose quantized level must change are written.

Tan et al., Enhancing in-situ updates of quantized memristor neural networks: a Siamese network learning approach,
Cognitive Neurodynamics 2024: quantize the float twin, compare, compensate the quantization error, write sparsely. The
threshold (hysteresis) follows the small-update accumulation of mixed-precision training (Nandakumar et al., Front.
Neurosci. 2020): it keeps weights at a boundary between two levels from being rewritten at every step.
"""

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from twinbar.host.update.policy import Decision, PolicySettings, UpdatePolicy, room_for

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer

_LEVELS_OF_HYSTERESIS: Final = 16
"""Levels from which on the hysteresis is a whole level at the start of the training."""
_PLAIN_ROUNDING: Final = 0.5
_NO_READ_BACK = np.zeros((0, 0), np.float32)


class SiameseSettings(PolicySettings):
    """Settings of `Siamese`.

    Parameters
    ----------
    threshold, threshold_end : float
        Hysteresis in levels at the start and the end of the training; it changes linearly in between. 0.5 is plain
        rounding, 1 waits until the twin has moved a whole level.
    compensation : str
        "residual": the float twin keeps what quantization cut off. "read-back": the twin is also compared with the code
        that the closed loop read last, not with the level asked for. "none": what was cut off is forgotten.
    twin_bound : float, optional
        Levels by which the twin may run away from what the cells hold.
    """

    threshold: float = Field(
        default=1.0,
        ge=0,
        description="hysteresis at the start of the training, in level spacings; by default 1, and with fewer than 16 "
        "levels per cell a sixteenth of their number, at least 0.5",
    )
    threshold_end: float = Field(default=0.5, ge=0, description="hysteresis at its end; it changes linearly in between")
    compensation: Literal["none", "residual", "read-back"] = Field(
        default="residual",
        description="what becomes of quantization errors: none (forgotten), residual (kept in the twin), or "
        "read-back (measured)",
    )
    twin_bound: float | None = Field(
        default=1.5, gt=0, description="level spacings by which the twin may run away from what the cells hold"
    )

    @classmethod
    def defaults_for(cls, levels: int) -> dict[str, Any]:
        """Let the hysteresis shrink with the levels (see `PolicySettings.defaults_for`).

        A level spacing of few levels is large against the changes of a training: to wait for a whole one would be to
        wait too long.
        """
        return {"threshold": min(max(levels / _LEVELS_OF_HYSTERESIS, _PLAIN_ROUNDING), 1.0)}


class Siamese(UpdatePolicy[SiameseSettings]):
    """Write a pair once the twin is ``threshold`` levels away from it."""

    settings_model = SiameseSettings
    changes_what_it_lists = True

    def __init__(self, settings: SiameseSettings | None = None) -> None:
        super().__init__(settings)
        self._bound = math.inf if self.settings.twin_bound is None else self.settings.twin_bound
        self.keeps_read_back = self.settings.compensation == "read-back"
        self._room: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    @property
    def twin_distance(self) -> float:
        """The hysteresis, or the bound of the twin where that is wider (see `UpdatePolicy.twin_distance`)."""
        return max(self.settings.threshold, self.settings.threshold_end, self._bound)

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List the cells whose level must change (see `UpdatePolicy.decide`)."""
        from twinbar.host.update.kernels import decide_changed

        settings = self.settings
        room = self._room.get(cells.map.name)
        if room is None or len(room[0]) != 2 * weights.size:
            room = self._room[cells.map.name] = room_for(weights.size)
        addresses, levels, origins = room
        read_plus = cells.read_plus if cells.read_plus is not None else _NO_READ_BACK
        read_minus = cells.read_minus if cells.read_minus is not None else _NO_READ_BACK
        threshold = settings.threshold + (settings.threshold_end - settings.threshold) * progress
        n, changed = decide_changed(
            weights,
            cells.weight_per_level,
            cells.levels,
            np.float32(threshold),
            np.float32(max(self._bound, threshold)),
            settings.compensation != "none",
            cells.plus,
            cells.minus,
            read_plus,
            read_minus,
            cells.failures,
            cells.map.input_address,
            cells.map.output_address,
            addresses,
            levels,
            origins,
        )
        if not n:
            return Decision.nothing()
        return Decision(addresses[:n].copy(), levels[:n].copy(), origins[:n].copy(), changed)


POLICY: Final = Siamese
