"""`twinbar.sweep`: many trainings with other settings, from Python."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twinbar.host.experiment.sweep_fork_server import refuse_in_a_worker, start_fork_server
from twinbar.hw.errors import ConfigError


def sweep(
    vary: Mapping[str, Any],
    *,
    seeds: int | None = None,
    trials: int | None = None,
    goals: str | Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train with every combination of some settings, or search for the best ones, as ``twinbar sweep`` does.

    Runs are trained in other processes, which import the program that calls this: what it does belongs below
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    vary : mapping of str to sequence or str
        Values by dotted key: ``{"device.levels": [4, 8], "policy.threshold": "0.5:1:0.25"}``. A text is read as
        ``--vary`` reads what is behind the equals sign: ranges, and for a search ``"0.001..0.1 log"``.
    seeds : int, optional
        Seeds of each setting, from 0.
    trials : int, optional
        Settings that a search tries; by default every combination is.
    goals : str or sequence of str, optional
        Figures that a search makes better.
    workers : int, optional
        Processes; by default one per core.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train instead.
    config : str, Path or mapping, optional
        A configuration file, or its nested values; what is given beside it wins.
    settings : mapping, optional
        Values by dotted key that all runs have, such as ``{"training.epochs": 4}``.
    out : str or Path, optional
        Folder; by default one under ``runs/``. A sweep that was interrupted is taken up where its folder is given
        again.
    progress : bool
        Whether progress is shown.

    Returns
    -------
    dict
        The content of sweep.json: ``runs`` with the ``settings``, ``seed`` and ``figures`` of each, and ``points``
        with the figures over seeds. Energies are in joules, times in seconds, accuracies from 0 to 1.

    Raises
    ------
    ConfigError, TwinbarError, KeyboardInterrupt
        As `twinbar.train`.
    """
    refuse_in_a_worker()
    if scheduler is None:
        start_fork_server()
    # Loaded while that process loads PyTorch.
    from twinbar.host.experiment.python_arguments import names_of
    from twinbar.host.experiment.sweep import run_sweep
    from twinbar.host.experiment.sweep_config import SweepConfig
    from twinbar.host.experiment.training_series import train_series

    given = {
        "vary": _texts(vary),
        "seeds": seeds,
        "trials": trials,
        "goals": None if goals is None else names_of(goals),
        "workers": workers,
        "scheduler": scheduler,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    chosen = SweepConfig.of(config).merge({**changes, **(settings or {})}).with_absolute_paths()
    return train_series(chosen, out, progress, run_sweep)


def _texts(vary: Any) -> tuple[str, ...]:
    if not isinstance(vary, Mapping):
        raise ConfigError(
            f"vary is {type(vary).__name__}; it must be values by dotted key, such as {{'device.levels': [4, 8]}}"
        )
    return tuple(f"{key}={_values(key, values)}" for key, values in vary.items())


def _values(key: str, values: Any) -> str:
    if isinstance(values, str):
        return values
    try:
        listed = list(values)
    except TypeError:
        raise ConfigError(f"vary holds {values!r} for {key}; it must be a list of values, or a text") from None
    from twinbar.host.experiment.search_space import shown_value

    return ",".join(json.dumps(list(item)) if isinstance(item, list | tuple) else shown_value(item) for item in listed)
