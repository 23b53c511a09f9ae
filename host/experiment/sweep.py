"""Many trainings of one configuration with other values for some keys: a grid of them, or a search.

Each run has a folder of its own and is trained by a worker; what is finished is kept, and what was interrupted goes on
from its checkpoint.
"""

import csv
import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from twinbar.host.experiment.environment import describe_environment
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import RunFolder, json_text
from twinbar.host.experiment.search_space import Axis, SearchRange, shown_value
from twinbar.host.experiment.sweep_config import SWEEP, Settings, SweepConfig
from twinbar.host.experiment.sweep_figures import FIGURES, points_of
from twinbar.host.experiment.sweep_search import ROUND, Search
from twinbar.host.experiment.sweep_workers import SweepJob, SweepOutcome, Workers, workers
from twinbar.hw.errors import ConfigError, TwinbarError
from twinbar.hw.reading import reading

TABLE: Final = "sweep.csv"
MOST_RESOLVED: Final = 100
"""Crossbars that are put together before anything is trained, to find names and values that do not exist."""
WRITTEN_EVERY_S: Final = 10.0
"""Files of a sweep are written again at most so often while it goes on; what is lost by then is read from the runs."""

Entry = dict[str, Any]
"""A run: its name, settings, seed, figures or why there are none, and the time it took."""


class Sweep:
    """A sweep and its state.

    Parameters
    ----------
    config : SweepConfig
    folder : RunFolder
        Takes ``sweep.json``, ``sweep.csv`` and a folder for each run.
    progress : Progress
    """

    def __init__(self, config: SweepConfig, folder: RunFolder, progress: Progress) -> None:
        self._config = config
        self._folder = folder
        self._progress = progress
        self._space = config.space()
        self._kept = _kept(folder)
        self._runs: list[Entry] = []
        self._written = 0.0
        self._settings = config.trials or len(config.grid())

    def run(self) -> dict[str, Any]:
        """Train what is not trained yet.

        Returns
        -------
        dict
            The content of sweep.json.

        Raises
        ------
        ConfigError
            If settings cannot be used, or the scheduler does not answer.
        TwinbarError
            If the scheduler is gone, or no run came to an end.
        """
        config = self._config
        if not config.trials:
            settings = config.grid()
            self._check(settings)
            self._resolve(_corners(self._space))
        else:
            self._check(_corners(self._space))
            self._resolve(_corners(self._space, ends=1))
            search = Search(self._space, config.goals, config.engine.seed)
        total = self._settings * config.seeds
        try:
            with workers(config.workers, config.engine.threads, config.scheduler) as pool:
                self._progress.start(total, "sweep", "runs")
                if not config.trials:
                    self._train(settings, pool)
                else:
                    self._search(search, pool)
        finally:
            if any(entry["figures"] for entry in self._runs):
                self._write()
        if not any(entry["figures"] for entry in self._runs):
            first = self._runs[0]["failed"]
            raise TwinbarError(f"none of the {len(self._runs)} runs came to an end; the first says: {first}")
        return self._result()

    def _check(self, settings: Iterable[Settings]) -> None:
        """Refuse settings that cannot be used before anything is trained."""
        for chosen in settings:
            self._config.for_run(chosen, 0)

    def _resolve(self, settings: Iterable[Settings]) -> None:
        """Look for the files and names that settings give, and put the crossbars of the first of them together."""
        # Meanwhile the workers load PyTorch.
        from twinbar.emulator.ledger.energy_table import load_energy_table
        from twinbar.host.experiment.resolved_crossbar import build_crossbar
        from twinbar.host.update.known_policies import POLICIES

        seen: set[str] = set()
        for chosen in settings:
            run = self._config.for_run(chosen, 0)
            parts = (run.device, run.array, run.timing, run.write, run.policy.name, run.engine.energy_table)
            if repr(parts) in seen or len(seen) >= MOST_RESOLVED or not POLICIES.load(run.policy.name).on_crossbar:
                continue
            seen.add(repr(parts))
            try:
                build_crossbar(run)
                load_energy_table(run.engine.energy_table)
            except ConfigError as error:
                raise self._config.refused(chosen, error) from None

    def _search(self, search: Search, pool: Workers) -> None:
        left = self._config.trials
        while left:
            proposed = search.ask(min(ROUND, left))
            self._check(settings for _, settings in proposed)
            entries = self._train([settings for _, settings in proposed], pool)
            for number, (trial, _) in enumerate(proposed):
                of_seeds = entries[number * self._config.seeds : (number + 1) * self._config.seeds]
                (point,) = points_of(of_seeds)
                search.tell(trial, point["figures"] if len(point["runs"]) == len(of_seeds) else {})
            self._check_goals()
            left -= len(proposed)

    def _check_goals(self) -> None:
        """End a search that learns nothing: none of the runs that came to an end has one of the goals."""
        found = {name for entry in self._runs for name in entry["figures"] or ()}
        missing = [name for name in self._config.goals if found and name not in found]
        if missing:
            raise TwinbarError(
                f"goals holds {missing[0]}, which no run has; they have "
                f"{', '.join(name for name in FIGURES if name in found)}: start another search with one of these"
            )

    def _train(self, settings: Sequence[Settings], pool: Workers) -> list[Entry]:
        """Train each of the settings with every seed; those that were finished before are taken from their entries."""
        entries, jobs = [], {}
        for chosen in settings:
            for seed in range(self._config.seeds):
                entry = self._entry(len(self._runs), chosen, seed)
                self._runs.append(entry)
                entries.append(entry)
                if entry["figures"] is None:
                    run = self._config.for_run(chosen, seed).with_absolute_paths()
                    job = SweepJob(entry["run"], str((self._folder.path / entry["run"]).absolute()), run.to_toml())
                    jobs[job.name] = (job, entry)
                else:
                    self._progress.advance(1)
        for job, outcome in pool.train([job for job, _ in jobs.values()]):
            self._take(jobs[job.name][1], outcome)
        return entries

    def _entry(self, number: int, settings: Settings, seed: int) -> Entry:
        entry: Entry = {
            "run": f"{number + 1:04d}",
            "settings": dict(settings),
            "seed": seed,
            "figures": None,
            "failed": None,
            "host_seconds": None,
            "warnings": [],
        }
        kept = self._kept.get(entry["run"])
        # As JSON has them: tuples are lists there.
        same = kept is not None and all(kept[key] == json.loads(json_text(entry[key])) for key in ("settings", "seed"))
        if same and kept is not None and kept["figures"]:
            entry |= {key: kept[key] for key in ("figures", "host_seconds", "warnings")}
        return entry

    def _take(self, entry: Entry, outcome: SweepOutcome) -> None:
        entry["figures"], entry["failed"] = outcome.figures, outcome.failed
        entry["host_seconds"], entry["warnings"] = outcome.host_seconds, list(outcome.warnings)
        if outcome.failed is not None:
            self._progress.message(f"run {entry['run']} failed: {outcome.failed}")
        self._progress.advance(1)
        if time.monotonic() - self._written > WRITTEN_EVERY_S:
            self._write()

    def _result(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "config": self._config.to_json(),
            "environment": describe_environment(self._config.engine.threads or 1),
            "space": [_described(axis) for axis in self._space],
            "planned": self._settings * self._config.seeds,
            "runs": self._runs,
            "points": points_of(self._runs),
            "warnings": [
                f"{entry['run']}: {sentence}"
                for entry in self._runs
                for sentence in [*entry["warnings"], *([entry["failed"]] if entry["failed"] else [])]
            ],
        }

    def _write(self) -> None:
        self._folder.write(SWEEP, json_text(self._result()).encode())
        self._folder.write(TABLE, sweep_csv(self._runs).encode())
        self._written = time.monotonic()


def run_sweep(config: SweepConfig, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Train the runs of a sweep that are not trained yet; parameters, result and errors as of `Sweep`."""
    return Sweep(config, folder, progress).run()


def sweep_csv(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of runs: their settings, seeds and figures, numbers in SI units, fractions from 0 to 1."""
    keys = list(dict.fromkeys(key for run in runs for key in run["settings"]))
    names = [name for name in FIGURES if any(name in (run["figures"] or {}) for run in runs)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *keys, "seed", *names, "host_seconds", "failed"])
    for run in runs:
        figures = run["figures"] or {}
        settings = [shown_value(run["settings"].get(key, "")) for key in keys]
        values = [figures.get(name, "") for name in names]
        writer.writerow([run["run"], *settings, run["seed"], *values, run["host_seconds"] or "", run["failed"] or ""])
    return text.getvalue()


def _corners(space: Sequence[Axis | SearchRange], ends: int = 2) -> Iterable[Settings]:
    """Give settings that have every value of every axis, and both ends of every range (or one), at least once."""
    found = {axis.key: axis.values if isinstance(axis, Axis) else (axis.low, axis.high)[:ends] for axis in space}
    first = {key: values[0] for key, values in found.items()}
    return [{**first, key: value} for key, values in found.items() for value in values] or [{}]


def _described(axis: Axis | SearchRange) -> dict[str, Any]:
    if isinstance(axis, Axis):
        return {"key": axis.key, "values": list(axis.values)}
    return {"key": axis.key, "low": axis.low, "high": axis.high, "log": axis.log}


def _kept(folder: RunFolder) -> dict[str, Entry]:
    """Return the runs that an interrupted sweep has finished, by name."""
    path = folder.path / SWEEP
    if not path.exists():
        return {}
    with reading(path, "what `twinbar sweep` writes", "remove it, and resume: the runs are read from their folders"):
        found = {str(entry["run"]): dict(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["runs"]}
        for entry in found.values():
            if not {"settings", "seed", "figures", "host_seconds", "warnings"} <= set(entry):
                raise ConfigError(f"{path} is damaged: run {entry['run']} lacks a key; remove it, and resume")
            if not _has_figures(entry):
                raise ConfigError(f"{path} is damaged: run {entry['run']} has no figures; remove it, and resume")
    return found


def _has_figures(entry: Entry) -> bool:
    """Whether a run that is finished has what tables and searches read."""
    if entry["figures"] is None:
        return True
    numbers = [*entry["figures"].values(), entry["host_seconds"]] if isinstance(entry["figures"], dict) else ["none"]
    named = isinstance(entry["warnings"], list) and all(isinstance(sentence, str) for sentence in entry["warnings"])
    return named and all(isinstance(number, int | float) for number in numbers)
