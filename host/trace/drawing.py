"""Timelines and waveforms of an excerpt: its programs, run again on the engine that shows most."""

import re
import shutil
from functools import partial
from pathlib import Path

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controller_engine import ControllerEngine, MakeController
from twinbar.host.trace.excerpt import Excerpt
from twinbar.host.trace.recorder import MAPPED_COLUMNS


def draw_timeline(excerpt: Excerpt, crossbar: CrossbarConfig, path: Path) -> None:
    """Write what tiles, converters and streams did, for Perfetto; `events` tells it.

    Raises
    ------
    TwinbarError
        If the file cannot be written.
    """
    from twinbar.emulator.engines.events.events_controller import EventsController
    from twinbar.emulator.engines.events.listener import Recording
    from twinbar.host.report.timeline import write_timeline

    engine = _restored(excerpt, crossbar, EventsController)
    assert isinstance(engine.controller, EventsController)
    recording = Recording()
    engine.controller.listen(recording)
    _run(excerpt, engine)
    write_timeline(path, recording, crossbar.clock_hz)


def draw_wave(excerpt: Excerpt, crossbar: CrossbarConfig, path: Path, engine: str) -> list[Path]:
    """Write the signals of the netlist, with save files for viewers beside it.

    From `pysim`, if that trains, it is one file, which begins at power-up; from `rtl` one per program, numbered. What
    an earlier drawing has left under these names is removed first, so that files of two drawings never lie together.

    Returns
    -------
    list of Path
        The waveforms.
    """
    remove_waves(path)
    if engine == "pysim":
        from twinbar.emulator.engines.rtl.pysim import PysimController

        simulated = _restored(excerpt, crossbar, partial(PysimController, wave=path))
        _run(excerpt, simulated)
        assert isinstance(simulated.controller, PysimController)
        simulated.controller.close()
        return [path]
    from twinbar.emulator.engines.rtl.rtl_controller import RtlController

    compiled = _restored(excerpt, crossbar, RtlController)
    assert isinstance(compiled.controller, RtlController)
    written = []
    for number, (tick, program) in enumerate(excerpt.programs):
        compiled.set_tick(tick)
        written.append(path.with_stem(f"{path.stem}-{number:03d}-{program.kind}"))
        compiled.controller.run(program, wave=written[-1])
    return written


def check_waves(engine: str) -> None:
    """See, before a run begins, whether its waveforms can be written.

    Raises
    ------
    ToolMissingError
        If the netlist cannot be compiled here.
    """
    if engine == "pysim":
        return
    from twinbar.emulator.engines.rtl.compiler import find_compiler
    from twinbar.emulator.engines.rtl.yosys import include_folder

    find_compiler()
    include_folder()


def remove_waves(path: Path) -> None:
    """Remove the waveforms that `draw_wave` has written for a path, with what lies beside them."""
    ours = re.compile(rf"{re.escape(path.stem)}(-\d{{3,}}-\w*)?\.(vcd|vcd\.part|gtkw|sucl|names)")
    for old in [entry for entry in path.parent.iterdir() if ours.fullmatch(entry.name)]:
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink()


def _restored(excerpt: Excerpt, crossbar: CrossbarConfig, make: MakeController) -> ControllerEngine:
    mapped = excerpt.state[MAPPED_COLUMNS]
    engine = ControllerEngine(crossbar, len(mapped), mapped, make=make)
    engine.load_state_dict(excerpt.state)
    return engine


def _run(excerpt: Excerpt, engine: ControllerEngine) -> None:
    for tick, program in excerpt.programs:
        engine.set_tick(tick)
        engine.controller.run(program)
