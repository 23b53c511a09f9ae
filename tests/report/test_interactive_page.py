"""What the page does beyond standing there: values under the cursor, series to choose, a list of contents; offline."""

import base64
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.host.report.page_parts import draw_files, with_contents
from twinbar.host.report.plot_data import plot_data, values_csv
from twinbar.host.report.style import Plot, drawing, lay_out, new_figure

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def run_page(built_run: Path) -> str:
    return (built_run / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def run_report(built_run: Path) -> dict[str, Any]:
    return json.loads((built_run / "report.json").read_text(encoding="utf-8"))


def values_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="plot-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_values_have_their_places() -> None:
    with drawing():
        figure = new_figure()
        ax = figure.add_subplot()
        ax.plot([0, 1, 4], [1.0, 10.0, 100.0], label="writes", color="#0072b2")
        ax.axvline(2)
        ax.fill_between([0, 4], [1, 1], [2, 2], color="#0072b2")
        ax.set(xlim=(0, 4), ylim=(1, 100), yscale="log", xlabel="Step", ylabel="Cells\nwritten")
        lay_out(figure)
        (axes,) = plot_data(figure)
    (line,) = axes["lines"]
    left, top, right, bottom = axes["box"]
    assert (axes["x"], axes["y"], line["label"]) == ("Step", "Cells written", "writes")
    # A quarter of the way along, half of the way up: the axis is logarithmic.
    assert line["points"][0] == pytest.approx([left, bottom, 0, 1], abs=1e-4)
    assert line["points"][1] == pytest.approx([left + (right - left) / 4, (top + bottom) / 2, 1, 10], abs=1e-4)
    assert line["points"][2] == pytest.approx([right, top, 4, 100], abs=1e-4)
    assert ax.collections[0].get_gid() == f"{line['id']}-band-0"


def test_bars_and_histograms() -> None:
    with drawing():
        figure = new_figure()
        above, below = figure.subplots(2)
        above.barh(["siamese", "float"], [2.0, 4.0], label="energy")
        above.set_xlim(0, 4)
        below.stairs(np.array([3, 1]), np.array([0.0, 1.0, 2.0]), label="cells")
        lay_out(figure)
        bars, histogram = plot_data(figure)
    assert [(bar["label"], bar["value"]) for bar in bars["bars"]] == [("siamese, energy", 2.0), ("float, energy", 4.0)]
    first, second = (bar["box"] for bar in bars["bars"])
    assert second[2] - second[0] == pytest.approx(2 * (first[2] - first[0]), abs=1e-4)
    assert [point[2:] for point in histogram["lines"][0]["points"]] == [[0.5, 3.0], [1.5, 1.0]]


def test_long_lines_are_thinned_and_gaps_left_out() -> None:
    with drawing():
        figure = new_figure()
        values = np.arange(5000.0)
        values[::2] = np.nan
        figure.add_subplot().plot(values, label="loss")
        lay_out(figure)
        points = plot_data(figure)[0]["lines"][0]["points"]
    assert 500 < len(points) <= 1000
    json.loads(json.dumps(points, allow_nan=False))


def test_series_are_found_in_the_drawing(tmp_path: Path) -> None:
    with drawing():
        figure = new_figure()
        figure.add_subplot().plot([1, 2], [3, 5], label="loss")
    shown, _ = draw_files([Plot("loss", "Loss", "Falls.", figure)], tmp_path, ())
    assert f'id="loss-{shown["loss"]["values"][0]["lines"][0]["id"]}"' in shown["loss"]["svg"]


def test_values_as_a_table() -> None:
    line = {"label": "loss, mean", "points": [[0.1, 0.2, 1.0, "97.5 %"], [0.3, 0.4, 2.0, 3.0]]}
    bars = [{"label": "siamese", "value": 2.5}]
    assert values_csv([{"x": "Step", "y": "Loss", "lines": [line], "bars": bars}]).splitlines() == [
        "axes,series,x,y",
        'Loss against Step,"loss, mean",1.0,97.5 %',
        'Loss against Step,"loss, mean",2.0,3.0',
        "Loss against Step,,siamese,2.5",
    ]


def test_cells_under_the_cursor(run_page: str, built_run: Path) -> None:
    cells = values_of(run_page)["wear-map"]["tiles"]
    words = np.frombuffer(zlib.decompress(base64.b64decode(cells["values"])), "<u2")
    with np.load(built_run / "arrays.npz") as arrays:
        index = list(arrays["tile_names"]).index(cells["tiles"][1]["name"])
        pulses, mapped = arrays["pulses"][index], arrays["mapped"][index]
    first, second = cells["tiles"][:2]
    shown = words[first["rows"] * first["columns"] :][: pulses.size].reshape(pulses.shape)
    assert (shown[mapped] == pulses[mapped]).all()
    assert (shown[~mapped] == 65535).all()
    left, top, right, bottom = second["box"]
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1


def test_contents() -> None:
    page = with_contents("<!-- contents --><h2>One &amp; all</h2><h2>Two</h2><h2>Three</h2>")
    assert page.startswith('<nav class="contents" aria-label="Contents"><ul><li><a href="#one-all">One &amp; all</a>')
    assert '<h2 id="one-all">One &amp; all</h2>' in page
    assert with_contents("<!-- contents --><h2>One</h2>") == '<h2 id="one">One</h2>'


def test_the_page_needs_nothing_from_elsewhere(run_page: str) -> None:
    addresses = set(re.findall(r"https?://[^\"' )<]+", run_page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", run_page)
    assert not re.search(r"\b(fetch|XMLHttpRequest|import)\b *\(", run_page)


def test_values_of_the_page(run_page: str, run_report: dict[str, Any]) -> None:
    (axes,) = values_of(run_page)["accuracy"]["axes"]
    told = [point[3] for point in axes["lines"][0]["points"]]
    assert told == [f"{100 * epoch['test_accuracy']:g} %" for epoch in run_report["epochs"]]
    assert [f'href="#{name}"' in run_page for name in ("energy", "cells", "epochs")] == [True] * 3


ACT = """
<script>
(() => {
  const figure = document.querySelector('figure[data-plot="accuracy"]');
  const svg = figure.querySelector("svg"), box = svg.getBoundingClientRect();
  const axes = JSON.parse(document.getElementById("plot-data").textContent).accuracy.axes[0];
  const at = (event, choices) => svg.dispatchEvent(new event[0](event[1], { cancelable: true, ...choices }));
  const clientX = box.left + (axes.lines[0].points.at(-1)[0] - 0.001) * box.width;
  at([PointerEvent, "pointermove"], { clientX, clientY: box.top + (axes.box[1] + 0.1) * box.height });
  const tip = document.querySelector(".tip");
  const told = tip.hidden ? "hidden" : tip.textContent;
  const map = document.querySelector('figure[data-plot="wear-map"] svg'), frame = map.getBoundingClientRect();
  const tile = JSON.parse(document.getElementById("plot-data").textContent)["wear-map"].tiles.tiles[1];
  const middle = (from, to, count, place) => from + (to - from) * (place + 0.5) / count;
  const over = () => {
    const frame = map.getBoundingClientRect();
    map.dispatchEvent(new PointerEvent("pointermove", {
      clientX: frame.left + middle(tile.box[0], tile.box[2], tile.columns, 3) * frame.width,
      clientY: frame.top + middle(tile.box[1], tile.box[3], tile.rows, 2) * frame.height }));
  };
  figure.querySelector(".choices button").click();
  const gone = svg.querySelector(`#accuracy-${axes.lines[0].id}`).style.display;
  figure.querySelector("button.enlarge").click();
  const before = svg.getAttribute("viewBox");
  at([WheelEvent, "wheel"], { deltaY: -1, clientX: innerWidth / 2, clientY: innerHeight / 2 });
  const zoomed = svg.getAttribute("viewBox").split(" ")[2] / before.split(" ")[2];
  document.querySelector("dialog").close();
  over();
  setTimeout(() => {
    const cell = tip.textContent;
    const done = document.createElement("pre");
    done.id = "seen";
    const back = figure.contains(svg) && svg.getAttribute("viewBox") === before;
    done.textContent = JSON.stringify({ told, gone, zoomed, back, cell });
    document.body.append(done);
  }, 500);
})();
</script>
"""


def seen_in_browser(content: str, folder: Path) -> Any:
    """Open a page; gives what its script has noted."""
    page = folder / "page.html"
    page.write_text(content, encoding="utf-8")
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout)
    assert found is not None, done.stderr[-2000:]
    return json.loads(found[1])


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium (apt-get install chromium)")
def test_a_browser_shows_values_hides_series_and_zooms(
    run_page: str, run_report: dict[str, Any], built_run: Path, tmp_path: Path
) -> None:
    seen = seen_in_browser(run_page.replace("</body>", ACT + "</body>"), tmp_path)
    accuracy = f"{100 * run_report['epochs'][-1]['test_accuracy']:g} %"
    assert seen["told"].startswith(f"Epoch {len(run_report['epochs'])}")
    assert f"crossbar {accuracy}" in seen["told"]
    assert seen["gone"] == "none"
    assert seen["zoomed"] == pytest.approx(0.8)
    assert seen["back"] is True
    name = values_of(run_page)["wear-map"]["tiles"]["tiles"][1]["name"]
    with np.load(built_run / "arrays.npz") as arrays:
        pulses = arrays["pulses"][list(arrays["tile_names"]).index(name)][2, 3]
    assert seen["cell"] == f"{name}row 2, column 3{pulses:,}"


CHOOSE = """<script>
const select = document.querySelector(".views select");
const shown = () =>
  [...document.querySelectorAll(".views figure")].filter((each) => !each.hidden).map((each) => each.dataset.plot);
const seen = [shown()];
for (const option of select.options) {
  select.value = option.value;
  select.dispatchEvent(new Event("change"));
  seen.push(shown());
}
document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
</script>"""


def test_the_conductances_of_each_layer_are_drawings_of_their_own(run_page: str, built_run: Path) -> None:
    with np.load(built_run / "arrays.npz") as arrays:
        tiles, mapped = arrays["tile_names"].tolist(), arrays["mapped"]
    layers = dict.fromkeys(name.split(" ")[0] for name in tiles)
    assert len(layers) == 2
    values = values_of(run_page)
    for place, name in enumerate(layers):
        view = re.findall(r'<option value="(conductance-[^"]+)">Conductances of ([^<]+)</option>', run_page)[place]
        assert name in view[1]
        (axes,) = (each for each in values[view[0]]["axes"] if each["lines"])
        counts = [str(point[3]).replace(",", "") for line in axes["lines"] for point in line["points"]]
        assert sum(map(float, counts)) == mapped[[tile.startswith(f"{name} ") for tile in tiles]].sum()
        assert {line["colour"] for line in axes["lines"]} <= {"var(--plot-blue)", "#d55e00", "#8a939b"}
        assert (built_run / "plots" / f"{view[0]}.csv").is_file()
    # They are not listed among the further plots.
    assert "Further plots" not in run_page


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium (apt-get install chromium)")
def test_a_browser_shows_the_layer_that_is_chosen(run_page: str, tmp_path: Path) -> None:
    names = ["conductance", *re.findall(r'<option value="(conductance-[^"]+)">', run_page)]
    assert len(names) == 3
    assert seen_in_browser(run_page.replace("</body>", CHOOSE + "</body>"), tmp_path) == [
        ["conductance"],
        *([name] for name in names),
    ]
