"""Boards whose array is emulated on the chip: the run that such a board is built for, and its core."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.emulated import room_of
from twinbar.emulator.crossbar.chip_array import chip_model
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.array.emulated_array import EmulatedArray
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.link.link_config import LinkConfig

DEFAULT_PRESET = "chip"


def emulated_run(board: BoardDefinition, file: Path | None, changes: Mapping[str, Any]) -> ExperimentConfig:
    """Return the run for which a board emulates an array: what is to be given to ``twinbar train`` as well.

    Parameters
    ----------
    board : BoardDefinition
        The clock is what it has with an emulated array, and the durations are at least those that the array takes.
    file : Path, optional
        A configuration; without one, the preset `DEFAULT_PRESET` and the geometry that fits the board.
    changes : mapping
        Values by dotted key, which win.

    Raises
    ------
    ConfigError
        If the configuration cannot be used, or no emulated array fits the board.
    """
    room = room_of(board)
    if file is None:
        run = ExperimentConfig().merge(
            {"device.preset": DEFAULT_PRESET, "array.rows": room.rows, "array.columns": room.columns}
        )
    else:
        run = ExperimentConfig.from_toml(file)
    return run.merge({**changes, "timing.clock_hz": float(room.clock_hz), "array.front_end": "emulated"})


def emulated_core(
    board: BoardDefinition,
    run: ExperimentConfig,
    *,
    baud: int | None = None,
    buffer_bytes: int | None = None,
    linger_s: float | None = None,
    tiles: int = 1,
) -> CoreConfig:
    """Return the core of a board that emulates the arrays of a run.

    Its cells are those of the engines, with the preset and seed of the run. Queues are as deep as fits the board. The
    link is as `twinbar.boards.core_of_board.core_of` has it.

    Raises
    ------
    ConfigError
        If the array on the chip cannot compute the device, or is too large for it.
    """
    from twinbar.host.experiment.resolved_crossbar import build_crossbar

    room = room_of(board)
    if run.timing.clock_hz != room.clock_hz:
        raise ConfigError(
            f"timing.clock_hz is {run.timing.clock_hz:g}; the clock of {board.name} has {room.clock_hz} Hz with an "
            "emulated array"
        )
    crossbar = build_crossbar(run)
    controller = replace(
        run.array.controller(tiles), command_depth=room.command_depth, response_depth=room.response_depth
    )
    usual = LinkConfig(room.clock_hz, room.baud, receive_bytes=room.receive_bytes, transmit_bytes=room.transmit_bytes)
    link = usual.with_choices(baud, buffer_bytes, linger_s)
    return CoreConfig(controller, link, array=EmulatedArray(chip_model(crossbar)))
