"""What the controller did, as a timeline for Perfetto (https://ui.perfetto.dev) or Chrome's ``about:tracing``.

The format is Google's Trace Event Format (docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU):
complete events (``X``) with a beginning and a duration, counters (``C``), and metadata (``M``), times in microseconds.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from twinbar.emulator.engines.events.listener import Recording
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Phase

Event = dict[str, Any]

STREAMS: Final = 0
"""Process number of the two streams; that of a tile is its number and 1."""
_COMMANDS, _PHASES, _FIRST_CHANNEL = 1, 2, 3
_COMMAND_STREAM, _RESPONSE_STREAM = 1, 2


def timeline_events(recording: Recording, clock_hz: float) -> list[Event]:
    """Return the events of a timeline.

    Every tile is a process with a track for its commands, one for its phases (those but IDLE), and one per ADC channel.
    The streams are a process with a track for the command beats, from presentation to acceptance, one for the response
    beats, and a counter for each queue.

    Parameters
    ----------
    recording : Recording
        What a `twinbar.emulator.engines.events.EventsController` told its listener.
    clock_hz : float

    Raises
    ------
    ConfigError
        If the clock is not positive.
    """
    if not clock_hz > 0:
        raise ConfigError(f"the clock of a timeline is {clock_hz} Hz; it must be above 0")
    us = 1e6 / clock_hz

    def span(process: int, track: int, name: str, start: int, end: int, **details: Any) -> Event:
        times = {"ts": start * us, "dur": (end - start) * us}
        cycles = {"first cycle": start, "cycles": end - start}
        return {"ph": "X", "pid": process, "tid": track, "name": name, **times, "args": {**cycles, **details}}

    events = [*_tracks(recording)]
    events += [
        span(command.tile + 1, _COMMANDS, command.name, command.start, command.end, status=command.status)
        for command in recording.commands
    ]
    events += [
        span(phase.tile + 1, _PHASES, phase.phase.name.lower(), phase.start, phase.end)
        for phase in recording.phases
        if phase.phase is not Phase.IDLE
    ]
    events += [
        span(conversion.tile + 1, _FIRST_CHANNEL + conversion.channel, "convert", conversion.start, conversion.end)
        for conversion in recording.conversions
    ]
    for track, beats in ((_COMMAND_STREAM, recording.command_beats), (_RESPONSE_STREAM, recording.response_beats)):
        events += [span(STREAMS, track, beat.name, beat.start, beat.end, tile=beat.tile) for beat in beats]
    # A beat accepted and one taken in the same cycle are told one after the other; the later one knows of both.
    depths = {(depth.tile, depth.cycle): depth.beats for depth in recording.depths}
    events += [
        {"ph": "C", "pid": STREAMS, "name": _queue_name(tile), "ts": cycle * us, "args": {"beats": beats}}
        for (tile, cycle), beats in depths.items()
    ]
    return events


def write_timeline(path: Path, recording: Recording, clock_hz: float) -> None:
    """Write a timeline as a JSON file that Perfetto opens (arguments as in `timeline_events`)."""
    trace = {"displayTimeUnit": "ns", "traceEvents": timeline_events(recording, clock_hz)}
    path.write_text(json.dumps(trace, separators=(",", ":")), encoding="utf-8")


def _queue_name(tile: int) -> str:
    return "queue of responses" if tile < 0 else f"queue of tile {tile}"


def _tracks(recording: Recording) -> Iterable[Event]:
    """Name the processes and their tracks, in the order in which they are to be shown."""
    yield from _process(STREAMS, "streams", {_COMMAND_STREAM: "command stream", _RESPONSE_STREAM: "response stream"})
    tiles = {phase.tile for phase in recording.phases} | {command.tile for command in recording.commands}
    for tile in sorted(tiles):
        channels = sorted({span.channel for span in recording.conversions if span.tile == tile})
        tracks = {_COMMANDS: "commands", _PHASES: "phases"}
        tracks |= {_FIRST_CHANNEL + channel: f"ADC channel {channel}" for channel in channels}
        yield from _process(tile + 1, f"tile {tile}", tracks)


def _process(process: int, name: str, tracks: dict[int, str]) -> Iterable[Event]:
    yield {"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}}
    yield {"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": process}}
    for track, title in tracks.items():
        yield {"ph": "M", "pid": process, "tid": track, "name": "thread_name", "args": {"name": title}}
        yield {"ph": "M", "pid": process, "tid": track, "name": "thread_sort_index", "args": {"sort_index": track}}
