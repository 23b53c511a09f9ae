"""Runs the anchors: what was published beside what Twinbar comes to."""

from collections.abc import Mapping
from typing import Any

from twinbar.host.experiment.progress_display import Progress
from twinbar.host.validation.anchor import Anchor, AnchorTable
from twinbar.host.validation.measures import MEASURES
from twinbar.hw.errors import ConfigError


def validate(table: AnchorTable, progress: Progress, *, only: str = "", trainings: bool = True) -> dict[str, Any]:
    """Measure what the anchors of a table are held against.

    Parameters
    ----------
    table : AnchorTable
    progress : Progress
    only : str
        Text that the names of anchors, or their sources, must contain.
    trainings : bool
        Whether those are run for which a network is trained, on MNIST.

    Returns
    -------
    dict
        ``anchors``, a list with what is known of each, ``measured`` (None where it was not run, and ``why_not`` says
        why), ``deviation`` and ``agrees``; ``counted``, ``agreeing`` and ``share`` of those that are not circular.

    Raises
    ------
    ConfigError
        If no anchor has the text.
    """
    wanted = only.lower()
    chosen = [one for one in table.anchor if wanted in one.name.lower() or wanted in one.source.lower()]
    if not chosen:
        raise ConfigError(f"no anchor and no source has {only!r} in its name; twinbar validate without --only has all")
    rows = [_run(one, table.sources, progress, trainings) for one in chosen]
    counted = [row for row in rows if row["measured"] is not None and not row["circular"]]
    agreeing = sum(row["agrees"] for row in counted)
    return {
        "schema": 1,
        "anchors": rows,
        "sources": len({one.source for one in chosen if not one.circular}),
        "counted": len(counted),
        "agreeing": agreeing,
        "share": agreeing / len(counted) if counted else None,
    }


def _run(anchor: Anchor, sources: Mapping[str, str], progress: Progress, trainings: bool) -> dict[str, Any]:
    progress.message(anchor.name)
    row = anchor.model_dump() | {"source": sources[anchor.source], "measured": None, "deviation": None, "agrees": None}
    if anchor.trains and not trainings:
        return row | {"why_not": "trainings were left out"}
    try:
        measured = MEASURES[anchor.measure](**anchor.arguments)
    except ConfigError as error:
        if not anchor.trains:
            raise
        return row | {"why_not": str(error)}
    return row | {
        "measured": measured,
        "deviation": measured / anchor.value - 1,
        "agrees": anchor.agrees(measured),
    }
