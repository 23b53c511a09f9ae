"""What a training leaves: its report, the figures of its epochs, its plots."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from twinbar.host.report.metrics import flatten_epoch
from twinbar.hw.errors import ConfigError


class FinishedRun:
    """A run folder, to look at from Python.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def report(self) -> dict[str, Any]:
        """The content of report.json."""
        content: dict[str, Any] = json.loads((self.path / "report.json").read_text(encoding="utf-8"))
        return content

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One flat dict for each epoch, with the columns of metrics.csv; a DataFrame takes it as it is."""
        return [flatten_epoch(epoch) for epoch in self.report["epochs"]]

    def plot(self, name: str) -> "Drawing":
        """Return a plot of the page.

        Parameters
        ----------
        name : str
            Such as "accuracy"; "energy" is that of the whole run.

        Raises
        ------
        ConfigError
            If the page has no such plot.
        """
        plots = sorted(path.stem for path in (self.path / "plots").glob("*.svg"))
        found = next((plot for plot in (name, f"{name}-run") if plot in plots), None)
        if found is None:
            raise ConfigError(f"the page has no plot {name!r}; it has {', '.join(plots)}")
        return Drawing((self.path / "plots" / f"{found}.svg").read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        last = self.report["epochs"][-1] if self.report["epochs"] else {}
        shown = [f"{key} {last[key]:.4g}" for key in ("test_accuracy", "test_metric") if last.get(key) is not None]
        return f"FinishedRun({', '.join([str(self.path), *shown])})"

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        rows = [
            ("folder", str(self.path)),
            ("policy", str(self.report.get("policy"))),
            ("device", str(self.report.get("device"))),
        ]
        for key, value in (self.report["epochs"][-1] if self.report["epochs"] else {}).items():
            if isinstance(value, float | int):
                rows.append((key.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:.4g}"))
        cells = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in rows)
        return f"<table>{cells}</table>"


class Drawing:
    """A plot, as SVG; a notebook shows it.

    Parameters
    ----------
    svg : str
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the SVG to a file.

        Raises
        ------
        ConfigError
            If the file exists.
        """
        target = Path(path)
        if target.exists():
            raise ConfigError(f"{target} exists; give another name")
        target.write_text(self.svg, encoding="utf-8")
