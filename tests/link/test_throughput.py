"""How much of the line is used, and how little tiles wait for it, through a USB adapter with a latency of 1 ms."""

import numpy as np
import pytest
from beats import MNIST, sparse_writes
from paced import PacedController
from simulated_line import SimulatedLine

from twinbar.host.transport.link import Link
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.link_config import LinkConfig


@pytest.mark.parametrize(("baud", "buffer"), [(1_000_000, 2048), (3_000_000, 4096), (12_000_000, 16384)])
def test_the_line_is_full_when_it_is_the_bottleneck(baud: int, buffer: int) -> None:
    board = LinkConfig(clock_hz=48_000_000, baud=baud, receive_bytes=buffer, transmit_bytes=buffer)
    controller = PacedController(MNIST, write_s=20e-6)
    line = SimulatedLine(BoardModel(MNIST, board, controller), baud)
    link = Link(line)
    rng = np.random.default_rng(0)
    beats = np.concatenate([sparse_writes(rng, 400) for _ in range(60)])
    start, received = line.now, line.to_host.bytes
    link.run(beats)
    # The way back is the longer one: responses are longer than writes.
    share = (line.to_host.bytes - received) * 10 / baud / (line.now - start)
    print(f"{baud} baud: {share:.1%} of the line")
    assert share >= 0.9


def test_bytes_per_response() -> None:
    controller = PacedController(MNIST, write_s=20e-6)
    line = SimulatedLine(BoardModel(MNIST, LinkConfig(), controller))
    link = Link(line)
    rng = np.random.default_rng(1)
    sent, received, steps = line.to_board.bytes, line.to_host.bytes, 40
    for _ in range(steps):
        link.run(sparse_writes(rng, 400))
    sent, received = line.to_board.bytes - sent, line.to_host.bytes - received
    print(f"per write {sent / steps / 400:.3f} bytes to the board, {received / steps / 400:.3f} to the host")
    assert sent / steps / 400 <= 2.25
    assert received / steps / 400 <= 3


@pytest.mark.parametrize(("tiles", "write_s"), [(1, 50e-6), (4, 100e-6)])
def test_tiles_do_not_wait_for_a_line_that_is_fast_enough(tiles: int, write_s: float) -> None:
    config = ControllerConfig(tiles=tiles)
    controller = PacedController(config, write_s)
    line = SimulatedLine(BoardModel(config, LinkConfig(), controller))
    link = Link(line)
    rng = np.random.default_rng(2)
    for _ in range(3):
        beats = sparse_writes(rng, 800 * tiles, config)
        link.run(beats[rounds(beats)])
        controller.new_program()
    share = controller.waited_s / (controller.waited_s + controller.worked_s)
    print(f"{tiles} tiles: {share:.2%} of their time waiting")
    assert share < 0.02


def rounds(beats: np.ndarray, size: int = 8) -> np.ndarray:
    """Order of a program that gives each tile a few cells in turn, so that no full queue holds up the others."""
    tile = beats >> np.uint64(5) & np.uint64(0xFF)
    first = np.searchsorted(tile, tile)
    return np.lexsort((tile, (np.arange(len(beats)) - first) // size))
