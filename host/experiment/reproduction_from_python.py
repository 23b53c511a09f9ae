"""`twinbar.reproduce`: the paper's claims beside what is measured, from Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twinbar.host.experiment.python_arguments import names_of
from twinbar.host.experiment.reproduction import reproduce as reproduce_paper
from twinbar.host.experiment.reproduction_config import ReproductionConfig
from twinbar.host.experiment.training_series import train_series


def reproduce(
    data: str | None = None,
    *,
    quick: bool = False,
    networks: str | Sequence[str] | None = None,
    seeds: int | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the networks of Tan et al., as ``twinbar reproduce`` does, and write the page of the reproduction.

    Parameters
    ----------
    data : str, optional
        Name of the data set; by default MNIST.
    quick : bool
        Whether it takes minutes, of a part of the images, instead of hours.
    networks : str or sequence of str, optional
        Of ``mlp-256``, ``mlp-256-128`` and ``lenet``; by default all.
    seeds : int, optional
    config : str, Path or mapping, optional
        A configuration file, or its nested values; what is given beside it wins.
    settings : mapping, optional
        Values by dotted key, such as ``{"training.epochs": 4}``.
    out : str or Path, optional
        Folder; by default one under ``runs/``. A reproduction that was interrupted is taken up where its folder is
        given again.
    progress : bool
        Whether progress is shown.

    Returns
    -------
    dict
        The content of reproduction.json.

    Raises
    ------
    ConfigError, KeyboardInterrupt
        As `twinbar.train`.
    """
    given = {
        "data.name": data,
        "networks": None if networks is None else names_of(networks),
        "seeds": seeds,
        "quick": quick or None,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    chosen = ReproductionConfig.of(config).merge({**changes, **(settings or {})}).with_absolute_paths()
    return train_series(chosen, out, progress, reproduce_paper)
