"""What a tile does in time: the pins during a write, and the phases of a training step."""

import functools
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from pictures.paper import new_page
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, PURPLE, SKY, VERMILION, vertical_grid
from twinbar.hw.timing import Phase

SMALL: Final[dict[str, Any]] = {
    "data.limit": 16,
    "data.pool": 4,
    "model.hidden": (6,),
    "array.rows": 8,
    "array.columns": 16,
    "training.epochs": 1,
    "training.batch_size": 16,
    "training.lr": 0.2,
    "engine.name": "events",
    "trace.wave": True,
    "trace.timeline": True,
}
"""A step of a network of two layers, on three tiles."""
CYCLE_PS: Final = 10_000
COLORS: Final = {
    Phase.SELECT: GREY,
    Phase.SETTLE: SKY,
    Phase.CONVERT: ORANGE,
    Phase.DECIDE: INK,
    Phase.PULSE: VERMILION,
    Phase.RECOVER: PURPLE,
    Phase.STALL: "#dde2e7",
    Phase.RESPOND: GREEN,
}
LANES: Final = {
    "pins__read_enable": "read path on",
    "pins__convert": "convert",
    "pins__write_gate": "write gate",
}
Changes = list[tuple[int, int]]


@functools.cache
def _recorded() -> tuple[dict[tuple[str, str], Changes], list[dict[str, Any]]]:
    """Train, and return the signals of the write program by tile and name, and the events of the timeline."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        config = ExperimentConfig().merge(SMALL)
        with RunFolder.create(path, config) as run:
            train(config, run, SilentProgress(), resume=False)
        (wave,) = path.glob("wave-*-write.vcd")
        return _signals(wave), json.loads((path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]


def _signals(vcd: Path) -> dict[tuple[str, str], Changes]:
    """Return what changes when (cycle, value) of the signals at the top of each tile."""
    names = defaultdict(list)
    changes: dict[tuple[str, str], Changes] = defaultdict(list)
    scope: list[str] = []
    cycle = 0
    with vcd.open(encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[0] == "$scope":
                scope.append(words[2])
            elif words[0] == "$upscope":
                scope.pop()
            elif words[0] == "$var" and scope[-1].startswith("unit_"):
                names[words[3]].append((scope[-1], words[4]))
            elif line[0] == "#":
                cycle = int(line[1:]) // CYCLE_PS
            elif line[0] in "b01":
                value, name = words if line[0] == "b" else (line[0], line[1:].strip())
                for signal in names.get(name, ()):
                    changes[signal].append((cycle, int(value.removeprefix("b"), 2)))
    return changes


def write() -> Figure:
    """Draw the pins of a tile during its first write."""
    signals, _ = _recorded()
    tile = next(tile for tile, name in signals if name == "pins__write_gate" and len(signals[tile, name]) > 1)
    phases = signals[tile, "phase"]
    start = phases[1][0]
    end = next(cycle for cycle, phase in phases if phase == Phase.RESPOND) + 1
    figure = new_page(9.4, 2.6)
    axes = figure.subplots()
    for (first, phase), (last, _) in zip(phases, [*phases[1:], (end, 0)], strict=True):
        if start <= first < end:
            last = min(last, end)
            axes.barh(3, last - first, left=first - start, height=0.62, color=COLORS[Phase(phase)])
            if last - first > 3:
                name = Phase(phase).name.lower()
                axes.text(
                    (first + last) / 2 - start,
                    3,
                    name,
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    rotation=0 if last - first > 8 else 90,
                )
    for height, (name, _) in enumerate(reversed(LANES.items())):
        points = [(0, 0), *((cycle - start, value) for cycle, value in signals[tile, name] if start <= cycle < end)]
        points.append((end - start, points[-1][1]))
        axes.step(
            *zip(*((x, height - 0.28 + 0.56 * y) for x, y in points), strict=True), where="post", color=BLUE, lw=1.2
        )
    axes.set_yticks([*range(3), 3], [*reversed(LANES.values()), "phase"])
    axes.set(xlabel="clock cycles (10 ns each)", xlim=(0, end - start), ylim=(-0.6, 3.5))
    pulses = sum(value for cycle, value in signals[tile, "pins__write_gate"] if start <= cycle < end)
    axes.set_title(
        f"WRITE of one cell on the netlist: read, decide, pulse, until the level is reached ({pulses} pulses)"
    )
    vertical_grid(axes)
    return figure


def timeline() -> Figure:
    """Draw the phases of all tiles while the cells of a step are written, and the forward pass before it."""
    _, events = _recorded()
    tracks = {
        event["pid"]: event["args"]["name"]
        for event in events
        if event["ph"] == "M" and event["name"] == "process_name" and event["pid"]
    }
    phases = [event for event in events if event["ph"] == "X" and event["tid"] == 2 and event["pid"] in tracks]
    pulses = [event for event in phases if event["name"] == "pulse"]
    first, last = pulses[0]["ts"] - 13.0, min(pulses[-1]["ts"] + 2.0, pulses[0]["ts"] + 7.0)
    figure = new_page(9.4, 2.5)
    axes = figure.subplots()
    for event in phases:
        if first <= event["ts"] < last:
            color = COLORS[Phase[event["name"].upper()]]
            axes.barh(-event["pid"], event["dur"], left=event["ts"] - first, height=0.66, color=color)
    for phase, color in COLORS.items():
        axes.barh(0, 0, color=color, label=phase.name.lower())
    axes.set_yticks([-pid for pid in tracks], list(tracks.values()))
    axes.set(xlabel="time (µs)", xlim=(0, last - first), ylim=(-len(tracks) - 0.6, -0.4))
    axes.set_title("One training step: the end of the forward pass, then the cells that must change")
    axes.legend(ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False, labelcolor=MUTED)
    vertical_grid(axes)
    return figure
