"""The page of a reproduction, in Markdown, and its plots as SVG and PNG."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from twinbar.host.experiment.reproduction_config import REPRODUCTION
from twinbar.host.experiment.reproduction_figures import SAVINGS
from twinbar.host.report import reproduction_plots, si
from twinbar.host.report.files import write_bytes, write_text
from twinbar.host.report.markdown import markdown_table
from twinbar.host.report.reproduction_tables import (
    CLAIM_COLUMNS,
    COST_COLUMNS,
    EPOCH_COLUMNS,
    claim_rows,
    cost_rows,
    epoch_rows,
    heading,
    network_sentences,
    saving_rows,
)
from twinbar.host.report.style import Plot, png, svg
from twinbar.hw.errors import ConfigError

PAGE: Final = "reproduction.md"
_PAPER: Final = (
    "Tan et al., Enhancing in-situ updates of quantized memristor neural networks: a Siamese network learning "
    "approach, Cognitive Neurodynamics (2024)"
)


def build_reproduction(folder: Path) -> Path:
    """Draw the plots of a reproduction, and write its page.

    Parameters
    ----------
    folder : Path
        Holds ``reproduction.json``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError
        If the data are damaged, or a file cannot be written.
    """
    source = folder / REPRODUCTION
    try:
        result = json.loads(source.read_text(encoding="utf-8"))
        plots = reproduction_plots.draw(result["networks"])
        page = "\n".join(_lines(result, {plot.name: plot for plot in plots})) + "\n"
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{source} is damaged: {type(error).__name__}: {error}; resume the reproduction, which writes it again"
        ) from None
    for plot in plots:
        write_text(folder / "plots" / f"{plot.name}.svg", svg(plot))
        write_bytes(folder / "plots" / f"{plot.name}.png", png(plot))
    write_text(folder / PAGE, page)
    return folder / PAGE


def _lines(result: Mapping[str, Any], plots: Mapping[str, Plot]) -> Iterator[str]:
    yield "# The paper reproduced"
    yield ""
    yield f"{_PAPER}: what its abstract claims, and what Twinbar measures."
    yield ""
    yield f"{heading(result)}."
    yield ""
    if result["config"]["data"]["limit"]:
        yield (
            "This is a part of the images. The first steps of a training update most, so that a whole epoch eliminates "
            "and saves more than is shown here; the full run decides."
        )
        yield ""
    yield from _claims(result)
    for name, figures in result["networks"].items():
        yield from ("", f"## {name}", "")
        yield from network_sentences(figures)
        yield ""
        yield from markdown_table(EPOCH_COLUMNS, epoch_rows(figures))
        yield from _shown(plots.get(f"convergence-{name}"))
    yield from _shown(plots.get("elimination"))
    yield from ("", "## What is saved in epoch 1", "")
    yield from markdown_table(("Network", "Against", *SAVINGS.values()), saving_rows(result))
    for name in ("energy", "delay", "pulses-and-reads"):
        yield from _shown(plots.get(name))
    yield from ("", "## What epoch 1 takes", "", "Means over seeds; epoch 1 of a schedule of all epochs.", "")
    yield from markdown_table(COST_COLUMNS, cost_rows(result))
    yield from ("", "## The trainings", "")
    took = result["host_seconds"]
    yield (
        f"{len(took)} of {result['parts']} trainings are finished; they took {si.duration(sum(took.values()))} on "
        f"{result['environment']['cores']} cores, the longest {si.duration(max(took.values()))}."
    )
    if result["warnings"]:
        yield from ("", "## Warnings", "")
        yield from (f"* {sentence}" for sentence in result["warnings"])


def _claims(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Claims"
    yield ""
    yield (
        "Intervals are 95 %, over seeds. A claim holds where the whole interval exceeds 98 %. The abstract does not "
        "say what the basic closed-loop update is, nor what energy and delay include: every reading is examined."
    )
    yield ""
    yield from markdown_table(CLAIM_COLUMNS, claim_rows(result))


def _shown(plot: Plot | None) -> Iterator[str]:
    if plot is not None:
        yield from ("", f"![{plot.caption}](plots/{plot.name}.svg)", "", f"*{plot.caption}*")
