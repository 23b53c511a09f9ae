"""What all pages are made of: templates, the plots in them and beside them, tables of settings."""

import json
import re
from collections.abc import Collection
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from twinbar.host.report.plot_data import plot_data, tile_data, values_csv
from twinbar.host.report.print_width import print_files
from twinbar.host.report.style import Plot, drawing, inline_svg, lay_out, pdf, png, svg

INDEX: Final = "index.html"
PLOTS: Final = "plots"
EXTRA_FORMATS: Final = {"png": png, "pdf": pdf}
"""Formats in which plots are drawn on request, beside widths such as ``89mm``; the page embeds them as SVG."""


def resource(name: str) -> str:
    """Return the text of a file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


_BEFORE_UNIT = re.compile(r"(?<=[\d∞]) (?=%|÷|[yzafpnµmkMGTPEZY]?[JsSWVA]?\b)")


def _unbroken(text: str) -> str:
    """Keep numbers and their units on one line."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment


def flat_settings(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """List nested settings as (dotted name, value)."""
    listed = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            listed += flat_settings(value, name + ".")
        else:
            listed.append((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return listed


def draw_files(
    plots: list[Plot], path: Path, formats: Collection[str]
) -> tuple[dict[str, dict[str, Any]], list[tuple[str, bytes]]]:
    """Draw plots: what the template needs by name, and the files.

    Plots that the folder holds in a further format are drawn in it again, so that all files show the same data.
    """
    shown, files = {}, []
    for plot in chain.from_iterable((each, *each.views) for each in plots):
        with drawing():
            lay_out(plot.figure)
            values = plot_data(plot.figure)
            tiles = tile_data(plot.figure, plot.tiles)
        document = svg(plot)
        element = inline_svg(document, plot.name, f"{plot.title}. {plot.caption}")
        shown[plot.name] = {
            "title": plot.title,
            "caption": plot.caption,
            "wide": plot.wide,
            "svg": Markup(element),
            "values": values,
            "tiles": tiles,
            "views": [view.name for view in plot.views],
        }
        files.append((f"{plot.name}.svg", document.encode("utf-8")))
        if values:
            files.append((f"{plot.name}.csv", values_csv(values).encode("utf-8")))
        for suffix, draw in EXTRA_FORMATS.items():
            name = f"{plot.name}.{suffix}"
            if suffix in formats or (path / PLOTS / name).exists():
                files.append((name, draw(plot)))
        files += print_files(plot, formats, path / PLOTS)
    return shown, files


def render(template: str, **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        Name of its file; those of all pages build on ``base.html.j2``.
    **values
        What the template shows; the style and the version of Twinbar are there already.
    """
    try:
        installed = version("twinbar")
    except PackageNotFoundError:
        installed = "(not installed)"
    shown = values.get("plots", {})
    plots = {name: {"axes": plot["values"], "tiles": plot["tiles"]} for name, plot in shown.items()}
    page = (
        _environment()
        .get_template(template)
        .render(
            style=Markup(resource("page.css")),
            script=Markup(resource("page.js")),
            plot_values=Markup(json.dumps(plots, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
            contents=_CONTENTS,
            version=installed,
            **values,
        )
    )
    return with_contents(page)


_CONTENTS: Final = Markup("<!-- contents -->")
_HEADING: Final = re.compile(r"<h2>(.*?)</h2>")


def with_contents(page: str) -> str:
    """Give the sections of a page places to go to, and list them at its top; fewer than three need no list."""
    titles = _HEADING.findall(page)
    places = {
        title: re.sub(r"[^a-z0-9]+", "-", re.sub(r"<.*?>|&\w+;", "", title).lower()).strip("-") for title in titles
    }
    page = _HEADING.sub(lambda heading: f'<h2 id="{places[heading[1]]}">{heading[1]}</h2>', page)
    links = "".join(f'<li><a href="#{places[title]}">{title}</a></li>' for title in titles)
    listed = f'<nav class="contents" aria-label="Contents"><ul>{links}</ul></nav>' if len(titles) >= 3 else ""
    return page.replace(_CONTENTS, listed, 1)
