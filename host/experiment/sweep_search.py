"""The settings that a search tries: Optuna's tree-structured Parzen estimator, asked round by round.

A round is asked for before any of it is trained, and told when all of it is: what is tried depends on the seed alone,
not on how many workers there are and which of them is the fastest, and a search that was interrupted tries the same.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from twinbar.host.experiment.search_space import Axis, SearchRange
from twinbar.host.experiment.sweep_figures import FIGURES
from twinbar.hw.errors import ToolMissingError

ROUND: Final = 8
"""Settings that are tried together."""


class Search:
    """Proposes settings, and learns from what came of them.

    Parameters
    ----------
    space : sequence of Axis or SearchRange
    goals : sequence of str
        Figures that it makes better; of several, it looks for the settings that none beats at all of them.
    seed : int

    Raises
    ------
    ToolMissingError
        If Optuna is not installed.
    """

    def __init__(self, space: Sequence[Axis | SearchRange], goals: Sequence[str], seed: int) -> None:
        if find_spec("optuna") is None:
            raise ToolMissingError('a search needs Optuna; install it with: pip install "twinbar[search]"')
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._failed = optuna.trial.TrialState.FAIL
        self._choices = {axis.key: axis.values for axis in space if isinstance(axis, Axis)}
        self._ranges = [axis for axis in space if isinstance(axis, SearchRange)]
        self._goals = goals
        directions = ["maximize" if FIGURES[name].more_is_better else "minimize" for name in goals]
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._study: Any = optuna.create_study(directions=directions, sampler=sampler)  # type: ignore[arg-type]

    def ask(self, count: int) -> list[tuple[Any, dict[str, Any]]]:
        """Propose settings.

        Returns
        -------
        list of (trial, settings)
            The trial is what `tell` takes.
        """
        return [self._propose(self._study.ask()) for _ in range(count)]

    def _propose(self, trial: Any) -> tuple[Any, dict[str, Any]]:
        settings: dict[str, Any] = {}
        for key, values in self._choices.items():
            # Optuna knows values of plain types only; a list of layer widths is none.
            settings[key] = values[trial.suggest_categorical(key, list(range(len(values))))]
        for found in self._ranges:
            suggest = trial.suggest_int if found.integer else trial.suggest_float
            settings[found.key] = suggest(found.key, found.low, found.high, log=found.log)
        return trial, settings

    def tell(self, trial: Any, figures: Mapping[str, Mapping[str, Any]]) -> None:
        """Say what came of a proposal: its figures over the seeds; without a goal among them, it has failed."""
        values = [figures[name]["mean"] if name in figures else None for name in self._goals]
        if None in values:
            self._study.tell(trial, state=self._failed)
        else:
            self._study.tell(trial, values)
