"""What the host knows of the cells of a layer: the levels they were last brought to, and which of them refuse."""

from dataclasses import dataclass

import numpy as np

from twinbar.emulator.crossbar.levels import even_positions
from twinbar.host.nn.mapping import LayerMap
from twinbar.hw.errors import ConfigError


@dataclass
class ProgrammedLayer:
    """Levels of a layer's cells, as far as the closed loop's responses tell.

    Parameters
    ----------
    map : LayerMap
    positions : float32 [levels]
        Where the levels lie, in mean spacings: from 0 to ``levels - 1``.
    weight_per_level : float
        Weight of a mean level spacing of a pair.
    plus, minus : uint8 [outputs, inputs]
        Level of the G+ and the G- cell. After a failed write this is the level nearest to the code that was read.
    read_plus, read_minus : float32 [outputs, inputs] or None
        Where the cells lie by the last read-back code, in mean level spacings; kept where a policy compensates by it.
    failures : uint8 [2, outputs, inputs]
        Failed writes in a row of the G+ and the G- cells.
    """

    map: LayerMap
    positions: np.ndarray
    weight_per_level: float
    plus: np.ndarray
    minus: np.ndarray
    read_plus: np.ndarray | None
    read_minus: np.ndarray | None
    failures: np.ndarray

    @classmethod
    def blank(
        cls,
        layer: LayerMap,
        levels: int,
        weight_per_level: float,
        *,
        keep_read_back: bool,
        positions: np.ndarray | None = None,
    ) -> "ProgrammedLayer":
        """Describe a layer whose cells are all at the lowest level, as after forming.

        ``positions`` are those of evenly spaced levels by default.
        """
        shape = (layer.outputs, layer.inputs)
        return cls(
            map=layer,
            positions=np.array(even_positions(levels) if positions is None else positions, np.float32),
            weight_per_level=weight_per_level,
            plus=np.zeros(shape, np.uint8),
            minus=np.zeros(shape, np.uint8),
            read_plus=np.zeros(shape, np.float32) if keep_read_back else None,
            read_minus=np.zeros(shape, np.float32) if keep_read_back else None,
            failures=np.zeros((2, *shape), np.uint8),
        )

    @property
    def levels(self) -> int:
        """Levels per cell."""
        return len(self.positions)

    @property
    def weights(self) -> np.ndarray:
        """The quantized weights that the cells stand for (float32 [outputs, inputs])."""
        difference = self.positions[self.plus] - self.positions[self.minus]
        return np.asarray(difference * np.float32(self.weight_per_level))

    def targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Addresses (int64) and levels (int16) of all cells of the layer."""
        plus = (self.map.output_address[:, None] + self.map.input_address[None, :]).ravel()
        addresses = np.concatenate([plus, plus + 1])
        return addresses, np.concatenate([self.plus.ravel(), self.minus.ravel()]).astype(np.int16)

    def state_dict(self) -> dict[str, np.ndarray | None]:
        """Return what training changes."""
        return {
            "plus": self.plus.copy(),
            "minus": self.minus.copy(),
            "read_plus": None if self.read_plus is None else self.read_plus.copy(),
            "read_minus": None if self.read_minus is None else self.read_minus.copy(),
            "failures": self.failures.copy(),
        }

    def load_state_dict(self, state: dict[str, np.ndarray | None]) -> None:
        """Restore what `state_dict` gave."""
        for name, array in state.items():
            mine = getattr(self, name)
            if (mine is None) != (array is None):
                raise ValueError(f"the checkpoint's {name} does not fit this policy")
            if mine is not None and array is not None:
                if mine.shape != array.shape:
                    raise ConfigError(f"the {name} of the checkpoint is {array.shape}; this layer needs {mine.shape}")
                mine[:] = array
