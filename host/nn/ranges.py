"""Ranges of a layer's converters: calibrated on a first batch, and tracking what they see while training."""

from dataclasses import dataclass

from twinbar.emulator.contract.bulk_operations import MultiplyResult

GROWTH = 1.25
"""Factor by which a range grows when a conversion clipped: its true current is not known then."""
MOST_CUT = 2.0
"""How many times the range of the inputs the largest activation of a training may be, once it was seen."""
DECAY_PER_VECTOR = 2e-5
"""Part of the way that a range shrinks towards what it sees, per input vector: slowly, since peaks are rare."""


@dataclass
class ConverterRange:
    """Current of the largest code of a layer's ADC channels, and activation of its largest input code.

    Parameters
    ----------
    full_scale : float
        In read-grid units.
    input_max : float
        In units of the activation.
    """

    full_scale: float
    input_max: float = 1.0

    def track_current(self, result: MultiplyResult, codes_per_grid: float, margin: float, vectors: int) -> None:
        """Follow the largest current seen, as far as its code tells.

        Parameters
        ----------
        result : MultiplyResult
        codes_per_grid : float
            Gain with which it was converted.
        margin : float
            Head room above the largest current.
        vectors : int
            Input vectors in it.
        """
        if not result.conversions:
            return
        peak = max(abs(result.highest), abs(result.lowest)) / codes_per_grid
        if result.clipped:
            # A single clipped conversion in a thousand vectors is no reason to lose resolution in all others.
            share = result.clipped / result.conversions
            if share > 1e-4:
                self.full_scale *= GROWTH
            return
        wanted = peak * margin
        if wanted > self.full_scale:
            self.full_scale = wanted
        else:
            self.full_scale += (wanted - self.full_scale) * min(1.0, DECAY_PER_VECTOR * vectors)

    def track_input(self, largest: float, vectors: int) -> None:
        """Follow the largest activation: at once upwards by a part, slowly downwards."""
        self._move_input(largest, 0.02 if largest > self.input_max else 0.1 * DECAY_PER_VECTOR * 64, vectors)

    def track_best_input(self, best: float, vectors: int) -> None:
        """Follow the range that was best for a batch: no peak, so that it counts as much downwards as upwards."""
        self._move_input(best, 0.02, vectors)

    def _move_input(self, wanted: float, rate: float, vectors: int) -> None:
        # Gradients pass what is cut as if it were not: where much is cut, weights grow and grow without any effect.
        self.input_max = max(self.input_max, wanted / MOST_CUT)
        self.input_max += (wanted - self.input_max) * min(1.0, rate * vectors / 64)
