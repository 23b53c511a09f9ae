"""Notices when a run goes wrong quietly: saturated converters, failing writes, a forward pass that leaves the twin."""

import math
from typing import Any, ClassVar, Final

from twinbar.host.experiment.callbacks import Run

CLIPPED_SHARE: Final = 0.01
"""Part of a layer's conversions that may saturate."""
FAILED_SHARE: Final = 0.05
"""Part of the writes that may use up their pulses."""
ACCURACY_GAP: Final = 0.05
"""Accuracy that the crossbar may lack against its twin."""


def programming_warning(failed: int, writes: int) -> str | None:
    """Say what to do where too many cells missed their level in the first programming; None where few did."""
    share = failed / max(writes, 1)
    if share <= FAILED_SHARE:
        return None
    return (
        f"{share:.1%} of the cells did not reach their level when they were first programmed; fewer levels, a wider "
        "window (write.tolerance) or a higher pulse limit (write.pulse_limit) would help"
    )


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
        if run.network is None:
            return
        sentence = programming_warning(figures["failed_writes"], figures["cell_writes"])
        if sentence is not None:
            self.warn(sentence)

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Look at an epoch."""
        if run.network is None:
            return
        epoch = entry["epoch"]
        for layer, share in entry["clipped_fraction"].items():
            if share > CLIPPED_SHARE:
                self.warn(
                    f"{share:.1%} of the conversions of layer {layer} saturated in epoch {epoch}; a wider ADC range "
                    "(array.range_margin, array.range_tracking) would keep its sums",
                    f"clipped {layer}",
                )
        guessing = math.log(run.classes) if run.classes else math.inf
        if entry["train_loss"] > guessing:
            self.warn(
                f"the training loss of epoch {epoch} is {entry['train_loss']:.3g}, above the {guessing:.3g} of "
                "guessing; a lower learning rate (--lr) would let the network learn",
                "loss",
            )
        writes = entry["cell_writes"]
        share = entry["failed_writes"] / max(writes, 1)
        if share > FAILED_SHARE and writes >= 100:
            self.warn(
                f"{share:.1%} of the writes of epoch {epoch} used up their pulses without reaching the level; fewer "
                "levels or a wider window (write.tolerance) would help",
                "failed",
            )
        if "test_accuracy" not in entry:
            return
        gap = entry["twin_test_accuracy"] - entry["test_accuracy"]
        if gap > ACCURACY_GAP:
            self.warn(
                f"after epoch {epoch} the crossbar classifies {gap:.1%} fewer test images than its twin: its forward "
                f"pass no longer agrees with the twin (same class for {entry['agreement']:.1%}); a lower hysteresis "
                "(policy.threshold), more levels or a finer ADC would bring them together",
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
