"""The Siamese policy: only cells whose quantized level must change are written.

Tan et al., Enhancing in-situ updates of quantized memristor neural networks: a Siamese network learning approach,
Cognitive Neurodynamics 2024: quantize the float twin, compare, compensate the quantization error, write sparsely. The
threshold (hysteresis) follows the small-update accumulation of mixed-precision training (Nandakumar et al., Front.
Neurosci. 2020): it keeps weights at a boundary between two levels from being rewritten at every step.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from twinbar.host.update.policy import Decision, PolicySettings, UpdatePolicy, room_for
from twinbar.host.update.random_numbers import DRAW_BITS
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.programmed import ProgrammedLayer

HYSTERESIS: Final = 1.75
"""Hysteresis at the start of a training with many levels: what a residual of +-2 levels can follow."""
_LEVELS_OF_HYSTERESIS: Final = 16
"""Levels from which on the hysteresis does not depend on them."""
_LEVELS_OF_ROUNDING: Final = 8
"""Levels up to which the twin is rounded from the start."""
_PLAIN_ROUNDING: Final = 0.5
_NO_READ_BACK = np.zeros((0, 0), np.float32)
_NO_WEAR = np.zeros((2, 0, 0), np.uint32)
_WEAR_BITS: Final = 32


class SiameseSettings(PolicySettings):
    """Settings of `Siamese`.

    Parameters
    ----------
    threshold, threshold_end : float
        Hysteresis in levels at the start and the end of the training. 0.5 is plain rounding, 1 waits until the twin has
        moved a whole level.
    threshold_course : str
        How it changes in between: "linear", "cosine" (as a cosine schedule of the learning rate falls) or
        "cosine-squared". The twin moves at random by steps whose variance is as the square of the learning rate: what
        hysteresis has to hold back is gone when that has become small.
    narrow_share : float
        Layers with no more than this part of the network's weights have the hysteresis of the end from the start: their
        writes are few, whatever they wait for, and each of their weights counts.
    compensation : str
        "residual": the float twin keeps what quantization cut off. "read-back": the twin is also compared with the code
        that the closed loop read last, not with the level asked for. "none": what was cut off is forgotten.
    twin_bound : float, optional
        Levels by which the twin may run away from what the cells hold.
    rounding : str
        "nearest": a pair is brought to the nearest level. "stochastic": to one of the two nearest, with the probability
        of the distance from the other (S. Gupta et al., ICML 2015), so that the mean of what is held is the twin.
    common_levels : int
        Levels that both cells of a pair may hold at once. Then a change of the weight can be made by either of them,
        and is made by the one that has been written less often (wear-levelling within the pair). With 0 one of them is
        always at the lowest level, and the other takes every change that does not turn the sign.
    """

    threshold: float = Field(
        default=HYSTERESIS,
        ge=0,
        description=f"hysteresis at the start of the training, in level spacings; by default {HYSTERESIS:g}, with 8 "
        f"levels per cell or fewer {_PLAIN_ROUNDING:g} (plain rounding), and on a straight line from 8 to 16 levels",
    )
    threshold_end: float = Field(default=0.5, ge=0, description="hysteresis at its end")
    threshold_course: Literal["linear", "cosine", "cosine-squared"] = Field(
        default="cosine-squared",
        description="how the hysteresis changes in between: linear, cosine (as a cosine schedule of the learning rate) "
        "or cosine-squared (as its square: early)",
    )
    narrow_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="part of the network's weights up to which a layer has the hysteresis of the end from the start; "
        "by default 0 (no layer has), and 0.05 for lenet",
    )
    compensation: Literal["none", "residual", "read-back"] = Field(
        default="residual",
        description="what becomes of quantization errors: none (forgotten), residual (kept in the twin), or "
        "read-back (measured)",
    )
    twin_bound: float | None = Field(
        default=1.5, gt=0, description="level spacings by which the twin may run away from what the cells hold"
    )
    rounding: Literal["nearest", "stochastic"] = Field(
        default="nearest",
        description="how the level is chosen to which a pair is written: nearest, or stochastic (one of the two "
        "nearest, with the probability of the distance from the other)",
    )
    common_levels: int = Field(
        default=0,
        ge=0,
        le=255,
        description="levels that both cells of a pair may hold at once, so that the less worn of them takes a change; "
        "0: one of them is always at the lowest level",
    )

    @classmethod
    def defaults_for(cls, levels: int) -> dict[str, Any]:
        """Let the hysteresis shrink with the levels (see `PolicySettings.defaults_for`).

        A level spacing of few levels is large against the changes of a training: to wait for a whole one would be to
        wait too long.
        """
        if levels >= _LEVELS_OF_HYSTERESIS:
            return {}
        part = max(levels - _LEVELS_OF_ROUNDING, 0) / (_LEVELS_OF_HYSTERESIS - _LEVELS_OF_ROUNDING)
        return {"threshold": _PLAIN_ROUNDING + part * (HYSTERESIS - _PLAIN_ROUNDING)}


class Siamese(UpdatePolicy[SiameseSettings]):
    """Write a pair once the twin is ``threshold`` levels away from it."""

    settings_model = SiameseSettings
    changes_what_it_lists = True
    any_spacing = True

    def __init__(self, settings: SiameseSettings | None = None) -> None:
        super().__init__(settings)
        self._bound = math.inf if self.settings.twin_bound is None else self.settings.twin_bound
        self.keeps_read_back = self.settings.compensation == "read-back"
        self._stochastic = self.settings.rounding == "stochastic"
        self._room: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._wear: dict[str, np.ndarray] = {}
        self._decided: dict[str, int] = {}
        self._narrow: set[str] = set()
        self._seed = 0

    @property
    def twin_distance(self) -> float:
        """The hysteresis, or the bound of the twin where that is wider (see `UpdatePolicy.twin_distance`)."""
        return max(self.settings.threshold, self.settings.threshold_end, self._bound)

    def threshold_at(self, progress: float) -> float:
        """Return the hysteresis when a part of the training has passed, 0 to 1."""
        first, last = self.settings.threshold, self.settings.threshold_end
        left = 1 - progress
        if self.settings.threshold_course != "linear":
            left = 0.5 * (1 + math.cos(math.pi * progress))
        return last + (first - last) * (left * left if self.settings.threshold_course == "cosine-squared" else left)

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Refuse settings that the levels contradict, and take the seed of draws (see `UpdatePolicy.set_up`)."""
        levels = len(crossbar.levels)
        span = 2 * (levels - 1)
        widest = max(self.settings.threshold, self.settings.threshold_end)
        if widest > span:
            raise ConfigError(
                f"policy.threshold or policy.threshold_end is {widest:g} level spacings, but a pair of cells with "
                f"{levels} levels spans {span}: nothing would ever be written; 0.5 to 2 are usual"
            )
        if self.settings.common_levels >= levels:
            raise ConfigError(
                f"policy.common_levels is {self.settings.common_levels}, but cells with {levels} levels "
                f"(device.levels) are {levels - 1} above the lowest one at most; choose 0 to {levels - 1}"
            )
        if self.settings.common_levels and not crossbar.levels.even:
            raise ConfigError(
                f"policy.common_levels is {self.settings.common_levels}, by which either cell of a pair can take a "
                "change, and with device.level_spacing other than uniform the two do not take the same ones; leave one "
                "of them out"
            )
        self._seed = int(crossbar.cells.scalars[0].seed) % (1 << 64)

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Find small layers, and begin to count the writes of cells where it matters (see `UpdatePolicy.prepare`)."""
        most = self.settings.narrow_share * sum(cells.plus.size for cells in layers)
        for cells in layers:
            self._decided[cells.map.name] = 0
            if cells.plus.size <= most:
                self._narrow.add(cells.map.name)
            if self.settings.common_levels:
                self._wear[cells.map.name] = np.zeros((2, *cells.plus.shape), np.uint32)

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List the cells whose level must change (see `UpdatePolicy.decide`)."""
        ChangeRules, decide_changed = _kernels()
        settings = self.settings
        name = cells.map.name
        room = self._room.get(name)
        if room is None or len(room[0]) != 2 * weights.size:
            room = self._room[name] = room_for(weights.size)
        addresses, levels, origins = room
        read_plus = cells.read_plus if cells.read_plus is not None else _NO_READ_BACK
        read_minus = cells.read_minus if cells.read_minus is not None else _NO_READ_BACK
        threshold = settings.threshold_end if name in self._narrow else self.threshold_at(progress)
        decided = self._decided[name] = self._decided.get(name, 0) + 1
        n, changed, rounded = decide_changed(
            weights,
            cells.weight_per_level,
            cells.positions,
            ChangeRules(
                np.float32(threshold),
                np.float32(max(self._bound, threshold)),
                settings.compensation != "none",
                settings.common_levels,
                self._stochastic,
                np.uint64(self._seed),
                list(self._decided).index(name),
                decided,
            ),
            cells.plus,
            cells.minus,
            read_plus,
            read_minus,
            cells.failures,
            self._wear.get(name, _NO_WEAR),
            cells.map.input_address,
            cells.map.output_address,
            addresses,
            levels,
            origins,
        )
        if settings.common_levels:
            # Both counts of a pair are compared, and that of each cell that is written goes up.
            self.note_traffic(read=2 * rounded * _WEAR_BITS, written=n * _WEAR_BITS)
        if self._stochastic:
            self.note_traffic(random=rounded * DRAW_BITS)
        if not n:
            return Decision.nothing()
        return Decision(addresses[:n].copy(), levels[:n].copy(), origins[:n].copy(), changed)

    def state_dict(self) -> dict[str, Any]:
        """Return how often cells were written, and how many decisions were drawn for, where these matter."""
        state: dict[str, Any] = {}
        if self.settings.common_levels:
            state["wear"] = {name: wear.copy() for name, wear in self._wear.items()}
        if self._stochastic:
            state["decided"] = dict(self._decided)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.check_state(state)
        for name, wear in state.get("wear", {}).items():
            self._wear[name][:] = wear
        for name, decided in state.get("decided", {}).items():
            self._decided[name] = int(decided)


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """Import what is compiled when it is first needed, and look for it once."""
    from twinbar.host.update.kernels import ChangeRules, decide_changed

    return ChangeRules, decide_changed


POLICY: Final = Siamese
