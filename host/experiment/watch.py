"""Notices when a run goes wrong quietly: saturated converters, failing writes, a forward pass that leaves the twin."""

import math
from typing import Any, ClassVar, Final

import numpy as np

from twinbar.host.experiment.callbacks import Run
from twinbar.host.network.programmer import Programmed
from twinbar.host.nn.crossbar_network import CrossbarNetwork

CLIPPED_SHARE: Final = 0.01
"""Part of a layer's conversions that may saturate."""
FAILED_SHARE: Final = 0.05
"""Part of the writes that may use up their pulses."""
ACCURACY_GAP: Final = 0.05
"""Accuracy that the crossbar may lack against its twin."""


ONE_WAY: Final = 0.8
"""Part of the failed cells whose pulses all went one way, from which on they are taken to have been on their way."""
NEAR_ZERO: Final = 0.6
"""Part of the weights at level zero from which on a network has too few levels in use to learn."""


def clipping_warning(layer: str, share: float, epoch: int) -> str | None:
    """Warn of a layer whose conversions saturate, or not at all."""
    if share <= CLIPPED_SHARE:
        return None
    return (
        f"{share:.1%} of the conversions of layer {layer} saturated in epoch {epoch}; a wider ADC range "
        "(array.range_margin, array.range_tracking) would keep its sums"
    )


def programming_warning(written: Programmed) -> str | None:
    """Say what to do where too many cells missed their level in the first programming; None where few did.

    A cell whose pulses all went one way was still on its way, or does not move; one that turned has its window crossed
    by its own pulses.
    """
    _, writes, failed = written.counts
    share = failed / max(writes, 1)
    if share <= FAILED_SHARE:
        return None
    result = written.result
    one_way = np.minimum(result.sets, result.resets)[~result.ok] == 0
    if len(one_way) and float(one_way.mean()) >= ONE_WAY:
        why = (
            "nearly all of them were pulsed in one direction to the end, so that they were still on their way or do "
            "not respond; a higher pulse limit (write.pulse_limit) would help those that move"
        )
    else:
        why = (
            "their pulses went to and fro over the window; fewer levels or a wider window (write.tolerance) would "
            "help, or a higher pulse limit (write.pulse_limit)"
        )
    return f"{share:.1%} of the cells did not reach their level when they were first programmed: {why}"


class Watch:
    """Collects sentences for the user; each is said once, and kept for the report (a callback)."""

    state_key: ClassVar[str] = "watch"

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._said: set[str] = set()

    def warn(self, sentence: str, topic: str | None = None) -> None:
        """Keep a sentence, unless its topic was spoken of before."""
        topic = sentence if topic is None else topic
        if topic not in self._said:
            self._said.add(topic)
            self.warnings.append(sentence)

    def on_initialized(self, run: Run, figures: dict[str, Any]) -> None:
        """Look at the first programming of all cells."""
        if run.first_programming is None:
            return
        sentence = programming_warning(run.first_programming)
        if sentence is not None:
            self.warn(sentence)

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Look at an epoch."""
        if run.network is None:
            return
        epoch = entry["epoch"]
        for layer, share in entry["clipped_fraction"].items():
            sentence = clipping_warning(layer, share, epoch)
            if sentence is not None:
                self.warn(sentence, f"clipped {layer}")
        guessing = math.log(run.classes) if run.classes else math.inf
        if entry["train_loss"] > guessing:
            zero = _near_zero(run.network)
            if zero > NEAR_ZERO:
                would_help = (
                    f"{zero:.0%} of the weights are nearer to zero than to the first level; a smaller "
                    "policy.weight_range or more levels would let the network learn"
                )
            else:
                would_help = "a lower learning rate (--lr) would let the network learn"
            self.warn(
                f"the training loss of epoch {epoch} is {entry['train_loss']:.3g}, above the {guessing:.3g} of "
                f"guessing; {would_help}",
                "loss",
            )
        writes = entry["cells_written"]
        share = entry["cells_failed"] / max(writes, 1)
        if share > FAILED_SHARE and writes >= 100:
            self.warn(
                f"{share:.1%} of the writes of epoch {epoch} used up their pulses without reaching the level; "
                f"{_why_writes_fail(entry['cells_failed'], _failing(run.network))}",
                "failed",
            )
        if "test_accuracy" not in entry:
            return
        gap = entry["twin_test_accuracy"] - entry["test_accuracy"]
        if gap > ACCURACY_GAP:
            if run.policy.gives_pulses:
                together = "its pulses are not verified; reading cells now and then would tell what they hold"
            else:
                together = "a lower hysteresis (policy.threshold), more levels or a finer ADC would bring them together"
            self.warn(
                f"after epoch {epoch} the crossbar classifies {gap:.1%} fewer test images than its twin: its forward "
                f"pass no longer agrees with the twin (same class for {entry['agreement']:.1%}); {together}",
                "agreement",
            )

    def on_report_figures(self, run: Run, report: dict[str, Any]) -> None:
        """Add the warnings."""
        report["warnings"] = self.warnings

    def state_dict(self) -> dict[str, Any]:
        """Return what was said, for a checkpoint."""
        return {"warnings": list(self.warnings), "said": sorted(self._said)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.warnings = list(state["warnings"])
        self._said = set(state["said"])


def _near_zero(network: CrossbarNetwork) -> float:
    """Return the part of the weights whose pairs hold level zero."""
    zero = sum(int(np.count_nonzero(layer.cells.plus == layer.cells.minus)) for layer in network.layers)
    return zero / max(network.weights, 1)


def _failing(network: CrossbarNetwork) -> int:
    """Count the cells whose last write has failed."""
    return sum(int(np.count_nonzero(layer.cells.failures)) for layer in network.layers)


def _why_writes_fail(failed: int, cells: int) -> str:
    """Say what failing writes are due to: the same cells again and again, or any cell now and then."""
    if cells and failed >= 2 * cells:
        return (
            f"they are those of {cells} cells that fail again and again, as cells do that do not respond; each is left "
            "alone after three failures, and its partner carries the weight"
        )
    return "fewer levels or a wider window (write.tolerance) would help"
