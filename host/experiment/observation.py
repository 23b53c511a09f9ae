"""What a run notes of the controller's work in addition to the ledger: a trace, a timeline, waveforms."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controller_engine import MakeController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapping import mapped_columns
from twinbar.host.trace.drawing import check_waves, draw_timeline, draw_wave
from twinbar.host.trace.excerpt import Excerpt
from twinbar.host.trace.recorder import MAPPED_COLUMNS, Recorder, Sink
from twinbar.hw.errors import ConfigError
from twinbar.hw.extras import need

if TYPE_CHECKING:
    from twinbar.host.trace.trace import Trace

TRACE: Final = "commands.parquet"
TIMELINE: Final = "trace.json"
WAVE: Final = "wave.vcd"


class Observation:
    """Notes what a run's controller does, as the configuration asks (a callback).

    Parameters
    ----------
    config : ExperimentConfig
    crossbar : CrossbarConfig or None
        None where the policy trains without one.
    folder : Path
        Of the run.
    progress : Progress

    Raises
    ------
    ConfigError
        If there is no crossbar to observe, or its waveforms cannot be written.
    ToolMissingError
        If waveforms are asked for and the netlist cannot be compiled, or a trace and PyArrow is not installed.
    """

    state_key: ClassVar[str] = "observation"

    def __init__(
        self, config: ExperimentConfig, crossbar: CrossbarConfig | None, folder: Path, progress: Progress
    ) -> None:
        self._config = config
        self._folder = folder
        self._progress = progress
        self._trace: Trace | None = None
        self._excerpt: Excerpt | None = None
        self._crossbar = crossbar
        self._left = 0
        self._drawn: set[str] = set()
        asked = config.trace
        self._pictures = {name for name, wanted in {TIMELINE: asked.timeline, WAVE: asked.wave}.items() if wanted}
        if not (asked.record or self._pictures):
            return
        if crossbar is None:
            raise ConfigError("the policy float trains without a crossbar; there is nothing to record or to draw")
        if asked.wave:
            check_waves(config.engine.name)
        if asked.record:
            self._trace = _new_trace(folder / TRACE, crossbar, config.to_toml())
        if self._pictures:
            self._excerpt = Excerpt()
            self._left = asked.steps

    @property
    def sinks(self) -> list[Sink]:
        """What takes the programs of the run's controller."""
        return [sink for sink in (self._trace, self._excerpt) if sink is not None]

    def wrap(self, make: MakeController) -> MakeController:
        """Return what makes a controller whose programs come here."""

        def made(*arguments: Any, **options: Any) -> Recorder:
            inner = make(*arguments, **options)
            # A board has an emulator beside it already, and a real array has no equal.
            tells_heat = isinstance(inner, FastController) or self._config.engine.name == "board"
            accountant = inner if tells_heat else FastController(*arguments, **options)
            return Recorder(inner, accountant, self.sinks)

        return made

    def on_start(self, run: Run) -> None:
        """Take the programs from now on."""
        if self._trace is not None:
            self._trace.cut_back(0)
        self.on_saved(run)

    def on_resume(self, run: Run) -> None:
        """Take the programs from now on; the parts of the trace that the checkpoint vouches for stay."""
        self.on_saved(run)

    def on_step_begin(self, run: Run) -> None:
        """An optimizer step begins, the first programming being done.

        Until a step has pulsed a cell, the excerpt restarts with each: what is drawn shows all that there is to see.
        """
        if self._excerpt is not None and self._left:
            if self._excerpt.shows_all:
                self._excerpt.is_open = True
            else:
                self._excerpt.begin(_state(run.network))

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """An optimizer step was made."""
        if self._excerpt is None or not self._left:
            return
        if not self._excerpt.shows_all:
            self._excerpt.is_open = False  # the evaluation after an epoch is no step
            return
        self._left -= 1
        if not self._left:
            self._draw(self._excerpt)

    def on_checkpoint(self, run: Run) -> None:
        """End a part of the trace, because a checkpoint comes."""
        if self._trace is not None:
            self._trace.end()

    def on_saved(self, run: Run) -> None:
        """Begin the next part of the trace: the checkpoint is there."""
        if self._trace is not None:
            self._trace.begin(_state(run.network))

    def on_finish(self, run: Run) -> None:
        """The run is over; a run of fewer steps than a picture was to show has shown them all."""
        if self._excerpt is not None and self._left:
            if self._excerpt.programs and not self._excerpt.shows_all:
                self._progress.message("No optimizer step has pulsed a cell; the last one is drawn")
            self._left = 0
            self._draw(self._excerpt)

    def state_dict(self) -> dict[str, Any]:
        """Return what was drawn and the excerpt that is still to be drawn, for a checkpoint."""
        begun = self._excerpt if self._left else None
        return {
            "trace_parts": 0 if self._trace is None else self._trace.parts,
            "steps": self._config.trace.steps,
            "drawn": sorted(self._drawn),
            "left": self._left,
            "excerpt": None if begun is None else begun.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave: what was drawn stays, and an excerpt that was begun goes on.

        A run that is resumed with another number of steps, or with pictures that it did not have, shows them from there
        on: the steps before are gone.
        """
        if self._trace is not None:
            self._trace.cut_back(state["trace_parts"])
        asked = self._config.trace
        same = state["steps"] == asked.steps
        self._drawn = set(state["drawn"]) if same else set()
        self._left = asked.steps if self._pictures - self._drawn else 0
        if self._excerpt is None:
            return
        self._excerpt.clear()
        if same and self._left and state["left"]:
            self._left = state["left"]
            self._excerpt.load_state_dict(state["excerpt"])

    def on_array_changed(self, run: Run) -> None:
        """The array was changed from outside: an excerpt that was begun no longer shows how it came to be."""
        if self._excerpt is not None and self._left:
            self._left = self._config.trace.steps
            self._excerpt.clear()

    def _draw(self, excerpt: Excerpt) -> None:
        assert self._crossbar is not None
        excerpt.is_open = False
        count = len(excerpt.programs)
        due = self._pictures - self._drawn if count else set()
        if TIMELINE in due:
            self._progress.message(f"Drawing the timeline of {count} programs")
            draw_timeline(excerpt, self._crossbar, self._folder / TIMELINE)
        if WAVE in due:
            self._progress.message(f"Writing the waveforms of {count} programs")
            draw_wave(excerpt, self._crossbar, self._folder / WAVE, self._config.engine.name)
        self._drawn |= due
        excerpt.clear()


def _new_trace(folder: Path, crossbar: CrossbarConfig, config: str) -> "Trace":
    need("pyarrow", "record", "--record")
    # PyArrow takes a quarter of a second to import; runs that record nothing should not wait for it.
    from twinbar.host.trace.trace import Trace

    return Trace(folder, crossbar, config)


def _state(network: CrossbarNetwork | None) -> dict[str, Any]:
    assert network is not None, "there is a crossbar wherever there is something to observe"
    return {**network.session.engine.state_dict(), MAPPED_COLUMNS: mapped_columns(network.maps)}
