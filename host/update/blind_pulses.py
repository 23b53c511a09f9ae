"""Pulses without a read, and the levels that cells are believed to be at: those programmed, plus all steps since.

Both cells of a pair can be pulsed, in both polarities. Which of them takes a change of the weight is the *pairing*:

* ``one-sided``: an increase first takes G- down, and when that is at the lowest level takes G+ up; a decrease the other
  way round. It keeps a pair as closed-loop writes leave it.
* ``set-only``: an increase takes G+ up, a decrease G- up (cells without gradual RESET, such as phase-change memory).
  Pairs that run out of range are refreshed.
* ``balanced``: as ``one-sided``, but pairs are programmed around the middle of the range, so that either cell can take
  pulses of either polarity from the beginning.
* ``fixed``: G- stays at the middle of its range for good; G+ is taken up and down.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.nominal_pulse import NominalPulse
from twinbar.host.update.pair_writes import one_sided, write_pairs

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer

Pairing = Literal["one-sided", "set-only", "balanced", "fixed"]
PLUS: Final = 0
MINUS: Final = 1
FLOAT_BITS: Final = 32
_GROUND: Final = 0.5
"""Steps of a pulse below which a cell counts as being at its lowest level."""

Rounding = Callable[[np.ndarray], np.ndarray]
"""Turns numbers of pulses into whole ones; all are 0 or more."""


def nearest(pulses: np.ndarray) -> np.ndarray:
    """Round half up."""
    return np.floor(pulses + 0.5)


@dataclass
class BlindLayer:
    """The cells of a layer as they are believed to be.

    Parameters
    ----------
    cells : ProgrammedLayer
    pulse : NominalPulse
    pairing : str
    held : float32 [2, outputs, inputs]
        Believed levels of G+ and G-, not rounded.
    """

    cells: "ProgrammedLayer"
    pulse: NominalPulse
    pairing: Pairing
    held: np.ndarray

    @classmethod
    def blank(cls, cells: "ProgrammedLayer", pulse: NominalPulse, pairing: Pairing) -> "BlindLayer":
        """Describe a layer of which nothing is known yet."""
        return cls(cells, pulse, pairing, np.zeros((2, *cells.plus.shape), np.float32))

    @property
    def steps(self) -> np.ndarray:
        """Levels by which a SET and a RESET pulse change a cell (float64 [2])."""
        return np.array(self.pulse.steps) * (self.cells.levels - 1)

    @property
    def middle(self) -> int:
        """Level of a fixed G-."""
        return (self.cells.levels - 1) // 2

    @property
    def weights(self) -> np.ndarray:
        """Weights that the believed levels stand for (float32 [outputs, inputs])."""
        return (self.held[PLUS] - self.held[MINUS]) * np.float32(self.cells.weight_per_level)

    def initial(self, weights: np.ndarray) -> Decision:
        """List all cells for the first programming, to levels by the pairing (parameters as of `every_cell`)."""
        plus, minus = one_sided(weights, self.cells)
        if self.pairing == "fixed":
            plus = np.clip(plus - minus + self.middle, 0, self.cells.levels - 1)
            minus = np.full(plus.shape, self.middle)
        elif self.pairing == "balanced":
            difference = plus - minus
            minus = self.middle - difference // 2
            plus = minus + difference
        return write_pairs(self.cells, plus, minus, np.ones(weights.shape, np.bool_))

    def believe(self, chosen: np.ndarray | None = None) -> None:
        """Take the levels that were programmed for those of the cells, of the chosen pairs or of all."""
        where = slice(None) if chosen is None else chosen
        self.held[PLUS][where] = self.cells.plus[where]
        self.held[MINUS][where] = self.cells.minus[where]

    def measure(self, levels: np.ndarray) -> None:
        """Take levels that were read (float32 [2, outputs, inputs]) for those of the cells."""
        self.held[:] = np.clip(levels, 0, self.cells.levels - 1)
        self._note_levels()

    def move(self, levels: np.ndarray, rounding: Rounding) -> tuple[PulseTrains, np.ndarray]:
        """Pulse weights so that they change by so many levels.

        Parameters
        ----------
        levels : float [outputs, inputs]
            Wanted change of G+ - G-.
        rounding : callable
            Decides the whole number of pulses.

        Returns
        -------
        trains : PulseTrains
            One for each weight that is pulsed.
        moved : float [outputs, inputs]
            Change that the pulses are believed to make, before cells come to the ends of their range.
        """
        side, polarity = self._choose(levels)
        step = self.steps[polarity]
        pulses = rounding(np.abs(levels) / step)
        pulses = np.where(levels == 0, 0, pulses)
        trains, moved = self.give(side, polarity, pulses)
        return trains, np.where(side == PLUS, moved, -moved)

    def give(self, side: np.ndarray, polarity: np.ndarray, pulses: np.ndarray) -> tuple[PulseTrains, np.ndarray]:
        """Pulse a cell of each pair.

        Parameters
        ----------
        side, polarity : int [outputs, inputs]
            Which cell (`PLUS` or `MINUS`), and `SET` or ``RESET``.
        pulses : number [outputs, inputs]
            Whole numbers. A cell gets no more than take it to the end of its range, as far as is believed.

        Returns
        -------
        trains : PulseTrains
        moved : float [outputs, inputs]
            Change of the cell's level that is believed, before it comes to the end of its range.
        """
        top = self.cells.levels - 1
        step = self.steps[polarity]
        at = np.where(side == PLUS, self.held[PLUS], self.held[MINUS])
        room = np.where(polarity == SET, top - at, at)
        pulses = np.minimum(pulses, np.ceil(room / step)).astype(np.int64)
        moved = np.where(polarity == SET, pulses, -pulses) * step
        j, i = np.nonzero(pulses)
        own = side[j, i]
        self.held[own, j, i] = np.clip(at[j, i] + moved[j, i], 0, top)
        self._note_levels(j, i)
        cells = self.cells
        address = cells.map.output_address[j] + cells.map.input_address[i] + own
        signed = np.where(polarity[j, i] == SET, pulses[j, i], -pulses[j, i])
        return PulseTrains(address, signed, len(j)), moved

    def exhausted(self, part: float) -> np.ndarray:
        """Return the pairs of which a cell is believed beyond a part of its range (bool [outputs, inputs])."""
        return np.asarray((self.held > part * (self.cells.levels - 1)).any(axis=0))

    def _choose(self, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which cell takes a change of the weight, and with which polarity (int [outputs, inputs])."""
        up = levels > 0
        if self.pairing == "fixed":
            return np.zeros(levels.shape, np.int64), np.where(up, SET, RESET)
        if self.pairing == "set-only":
            return np.where(up, PLUS, MINUS), np.full(levels.shape, SET)
        opposite = np.where(up, self.held[MINUS], self.held[PLUS])
        down = opposite > _GROUND * self.steps[RESET]
        return np.where(up ^ down, PLUS, MINUS), np.where(down, RESET, SET)

    def _note_levels(self, j: Any = slice(None), i: Any = slice(None)) -> None:
        """Let the table of levels follow what is believed."""
        self.cells.plus[j, i] = nearest(self.held[PLUS][j, i])
        self.cells.minus[j, i] = nearest(self.held[MINUS][j, i])


def refresh(layer: BlindLayer, part: float) -> tuple[Decision, np.ndarray]:
    """Rewrite pairs that run out of range: one cell to the difference, the other to the lowest level.

    Parameters
    ----------
    layer : BlindLayer
    part : float
        Part of its range beyond which a cell is exhausted.

    Returns
    -------
    decision : Decision
    lost : float32 [outputs, inputs]
        Levels that rounding takes from the weights.
    """
    chosen = layer.exhausted(part)
    difference = layer.held[PLUS] - layer.held[MINUS]
    target = nearest(difference).astype(np.int64)
    lost = np.where(chosen, difference - target, np.float32(0))
    return write_pairs(layer.cells, np.maximum(target, 0), np.maximum(-target, 0), chosen), lost


def touched_bits(trains: Sequence[PulseTrains]) -> int:
    """Bits of the believed levels that belong to the cells of some trains."""
    return FLOAT_BITS * sum(len(one) for one in trains)
