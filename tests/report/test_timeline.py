"""Timelines for Perfetto: the schema of the file, and that it tells what happened."""

import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from crossbar_choices import crossbar_of

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.engines.events import EventsController, Recording
from twinbar.host.report.timeline import STREAMS, timeline_events, write_timeline
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Mode, Opcode
from twinbar.hw.timing import PHASES, Phase

CLOCK_HZ = 50e6
SHAPE = {"rows": 4, "columns": 4, "adc_channels": 2, "adc_bits": 6, "input_bits": 2}


@pytest.fixture(scope="module")
def recorded() -> tuple[Recording, ProgramResult]:
    config = crossbar_of("ideal", **SHAPE, levels=4, tolerance=0.4, clock_hz=CLOCK_HZ)
    engine = EventsController(config, ControllerConfig(tiles=2, **SHAPE))
    recording = Recording()
    engine.listen(recording)
    beats = []
    for tile in (0, 1):
        beats.append(pack(Opcode.ARM, tile, mode=Mode.READ))
        beats.append(pack(Opcode.LOAD, tile, bits=0x1B, clear=1))
        beats.append(pack(Opcode.MULTIPLY, tile, outputs=4))
        beats.append(pack(Opcode.READ, tile, row=[0, 1, 9], column=[1, 2, 0]))
    return recording, engine.run(Program(np.concatenate(beats), ready=np.array([False, True])))


def test_the_file_has_the_trace_event_format(recorded: tuple[Recording, ProgramResult], tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    write_timeline(path, recorded[0], CLOCK_HZ)
    trace = json.loads(path.read_text(encoding="utf-8"))
    assert trace["displayTimeUnit"] == "ns"
    needed = {
        "X": {"pid", "tid", "name", "ts", "dur", "args"},
        "C": {"pid", "name", "ts", "args"},
        "M": {"pid", "name"},
    }
    for event in trace["traceEvents"]:
        assert needed[event["ph"]] <= set(event)
        if event["ph"] == "X":
            assert event["dur"] > 0
            assert event["ts"] >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, int) and value >= 0 for value in event["args"].values())
        if event["ph"] == "M":
            assert event["name"] in {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


def test_every_track_has_a_name_and_no_overlaps(recorded: tuple[Recording, ProgramResult]) -> None:
    events = timeline_events(recorded[0], CLOCK_HZ)
    named = {(event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"}
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append((event["args"]["first cycle"], event["args"]["cycles"]))
    assert set(tracks) <= set(named)
    assert [named[key] for key in sorted(tracks)] == [
        *("command stream", "response stream"),
        *("commands", "phases", "ADC channel 0", "ADC channel 1") * 2,
    ]
    for spans in tracks.values():
        spans.sort()
        for (start, cycles), (after, _) in itertools.pairwise(spans):
            assert start + cycles <= after


def test_it_tells_what_the_result_counts(recorded: tuple[Recording, ProgramResult]) -> None:
    recording, result = recorded
    events = timeline_events(recording, CLOCK_HZ)
    counted = np.zeros_like(result.phases)
    for event in events:
        if event["ph"] == "X" and event["pid"] != STREAMS and event["name"] in PHASES and event["tid"] == 2:
            counted[event["pid"] - 1, PHASES.index(event["name"])] += event["args"]["cycles"]
            assert event["dur"] == pytest.approx(event["args"]["cycles"] * 1e6 / CLOCK_HZ)
    np.testing.assert_array_equal(counted[:, Phase.IDLE + 1 :], result.phases[:, Phase.IDLE + 1 :])
    accepted = [event for event in events if event["ph"] == "X" and (event["pid"], event["tid"]) == (STREAMS, 1)]
    ends = [event["args"]["first cycle"] + event["args"]["cycles"] - 1 for event in accepted]
    assert ends == result.accepted.tolist()
    taken = [event for event in events if event["ph"] == "X" and (event["pid"], event["tid"]) == (STREAMS, 2)]
    assert [event["args"]["first cycle"] for event in taken] == result.response_cycles.tolist()
    refused = [event["args"]["status"] for event in events if event["ph"] == "X" and "status" in event["args"]]
    assert refused.count("BAD_ADDRESS") == 2
    assert {event["name"] for event in events if event["ph"] == "C"} == {
        *("queue of tile 0", "queue of tile 1", "queue of responses")
    }


def test_a_clock_must_tick(recorded: tuple[Recording, ProgramResult]) -> None:
    with pytest.raises(ConfigError, match="must be above 0"):
        timeline_events(recorded[0], 0.0)
