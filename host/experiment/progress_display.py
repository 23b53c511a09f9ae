"""Progress of long work: on a terminal a bar with rate and time left, elsewhere a line per part, or nothing."""

import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from twinbar.host.report import si

Figure = int | float | None


class Progress(Protocol):
    """What a run tells about itself while it works."""

    def start(self, total: int, description: str, unit: str = "images", done: int = 0) -> None:
        """Begin a part (an epoch, an evaluation); the part before it ends.

        Parameters
        ----------
        total : int
            Amount of work.
        description : str
            What the part is called, such as ``epoch 1/3``.
        unit : str
            What is counted.
        done : int
            Work that a resumed run did before.
        """

    def advance(self, n: int, **figures: Figure) -> None:
        """Say that ``n`` more are done, and the figures that stand now (``loss``, ``accuracy``, ``writes`` ...)."""

    def message(self, text: str) -> None:
        """Tell the user a sentence."""

    def close(self) -> None:
        """End the last part."""


class SilentProgress:
    """Prints nothing, for programs that use Twinbar as a library; ``messages`` keeps the sentences."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def start(self, total: int, description: str, unit: str = "images", done: int = 0) -> None:
        """Do nothing."""

    def advance(self, n: int, **figures: Figure) -> None:
        """Do nothing."""

    def message(self, text: str) -> None:
        """Keep the sentence."""
        self.messages.append(text)

    def close(self) -> None:
        """Do nothing."""


@dataclass
class _Part:
    """Work that is going on, and the line that is left of it when it ends."""

    description: str
    unit: str
    total: int
    before: int
    began: float = field(default_factory=lambda: time.perf_counter())
    done: int = 0
    figures: dict[str, Figure] = field(default_factory=dict)

    def advance(self, n: int, figures: dict[str, Figure]) -> None:
        self.done += n
        self.figures.update(figures)

    def line(self) -> str:
        seconds = time.perf_counter() - self.began
        now = self.before + self.done
        amount = f"{now:,}" if now == self.total else f"{now:,} of {self.total:,}"
        texts = [f"{self.description}: {amount} {self.unit} in {si.duration(seconds)}"]
        if seconds > 0 and self.total > 1:
            texts.append(_rate(self.done / seconds, self.unit))
        return ", ".join([*texts, *_texts(self.figures)])


class LineProgress:
    """One line per part, when it ends, on a stream that is not a terminal.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._part: _Part | None = None

    def start(self, total: int, description: str, unit: str = "images", done: int = 0) -> None:
        """Begin a part (see `Progress.start`)."""
        self.close()
        self._part = _Part(description, unit, total, done)

    def advance(self, n: int, **figures: Figure) -> None:
        """Count (see `Progress.advance`)."""
        if self._part is not None:
            self._part.advance(n, figures)

    def message(self, text: str) -> None:
        """Print the sentence as a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Print the line of the part that ends, if there is one."""
        if self._part is not None:
            self.message(self._part.line())
            self._part = None


class BarProgress(LineProgress):
    """A bar for the part that is going on, below the lines of those that have ended, on a terminal.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            _CountColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
        )
        self._task: TaskID | None = None

    def start(self, total: int, description: str, unit: str = "images", done: int = 0) -> None:
        """Begin a part (see `Progress.start`)."""
        self._end()
        super().start(total, description, unit, done)
        self._task = self._bars.add_task(description, total=total, completed=done, unit=unit, figures="")
        self._bars.start()

    def advance(self, n: int, **figures: Figure) -> None:
        """Move the bar (see `Progress.advance`)."""
        super().advance(n, **figures)
        if self._task is not None and self._part is not None:
            self._bars.update(self._task, advance=n, figures=", ".join(_texts(self._part.figures)))

    def close(self) -> None:
        """Replace the bar by the line of its part."""
        self._end()
        self._bars.stop()

    def _end(self) -> None:
        # Bars of all parts together would not fit the screen; the terminal keeps lines, which scroll.
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._bars.refresh()
            self._task = None
        super().close()


class _CountColumn(ProgressColumn):
    """Work done and to do."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:,.0f}/{task.total or 0:,.0f} {task.fields['unit']}")


class _RateColumn(ProgressColumn):
    """Work per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else _rate(speed, task.fields["unit"]), style="progress.data.speed")


def terminal_progress() -> BarProgress | LineProgress:
    """Choose how progress is shown: bars on a terminal and in notebooks, a line per part in a file or pipe.

    A notebook shows bars where it has ``ipywidgets``, as those of Jupyter have.
    """
    console = Console(stderr=True)
    if console.is_jupyter and find_spec("ipywidgets") is not None:
        return BarProgress(console)
    return BarProgress(console) if console.is_terminal and not console.is_dumb_terminal else LineProgress(console)


_WHOLE: Final = ("writes", "updates", "pulses")


def _rate(per_second: float, unit: str) -> str:
    return f"{si.count(per_second) if per_second >= 100 else si.ratio(per_second)} {unit}/s"


def _texts(figures: dict[str, Any]) -> list[str]:
    return [f"{name.replace('_', ' ')} {_format(name, value)}" for name, value in figures.items()]


def _format(name: str, value: Figure) -> str:
    if name.endswith("accuracy"):
        return si.percent(value)
    if name.endswith("elimination"):
        return si.near_one(value)
    if isinstance(value, int) or name.endswith(_WHOLE):
        return si.count(value)
    return si.ratio(value)
