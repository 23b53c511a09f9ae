"""A policy's decision on the cells themselves: what is written, and what is left alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from twinbar.emulator.contract.bulk_operations import WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.pulse_table import PulseEntries, PulseTable, TableRules
from twinbar.emulator.devices.layout import FAULT_STUCK_HIGH
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.host.network.programmer import initialize, program
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.host.update.policies.closed_loop import ClosedLoop
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings


@pytest.fixture
def network(make_crossbar: Callable[..., CrossbarConfig]) -> CrossbarNetwork:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, 4))
    config = make_crossbar("ideal", variation=False, adc_noise_codes=0.0)
    network = put_on_crossbar(module, config, lambda kind, activity: None, weight_range=2.0)
    assert program(network, ClosedLoop(), 0.0).result.ok.all()
    for layer in network.layers:
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(layer.matmul.cells.weights))
    return network


def in_levels(layer: MappedLayer) -> np.ndarray:
    """What the pairs hold, as far as the host knows."""
    return layer.matmul.cells.plus.astype(int) - layer.matmul.cells.minus


def siamese(threshold: float = 0.75) -> Siamese:
    return Siamese(SiameseSettings(threshold=threshold, threshold_end=threshold, twin_bound=None))


def test_cells_that_need_no_change_get_no_pulse_and_no_read(network: CrossbarNetwork) -> None:
    engine = network.session.engine
    before = engine.pulse_counts().copy()
    nothing = program(network, siamese(), 0.0)
    assert len(nothing.result.codes) == 0
    assert nothing.result.activity.cycles == 0
    first, second = network.layers
    with torch.no_grad():
        first.weight[2, 3] += first.matmul.cells.weight_per_level
        second.weight[1, 5] -= 2 * second.matmul.cells.weight_per_level
    held = [in_levels(first)[2, 3], in_levels(second)[1, 5]]
    written = program(network, siamese(), 0.0)
    assert written.weight_updates == 2
    assert written.result.ok.all()
    changed = np.flatnonzero(engine.pulse_counts() != before)
    places = []
    for layer, (j, i) in ((first, (2, 3)), (second, (1, 5))):
        plus = int(layer.matmul.map.output_address[j] + layer.matmul.map.input_address[i])
        places += [plus, plus + 1]
    assert set(changed.tolist()) <= set(places)
    assert len(written.result.codes) >= len(changed) >= 2
    assert [in_levels(first)[2, 3], in_levels(second)[1, 5]] == [held[0] + 1, held[1] - 2]


def test_closed_loop_reads_every_cell_at_every_step(network: CrossbarNetwork) -> None:
    result = program(network, ClosedLoop(), 0.0).result
    assert len(result.codes) == 2 * network.weights
    assert result.sets.sum() + result.resets.sum() == 0


def test_read_backs_reach_the_cells_that_they_belong_to(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    torch.manual_seed(0)
    config = make_crossbar("taox-hfox", levels=16)
    network = put_on_crossbar(
        nn.Linear(20, 9), config, lambda kind, activity: None, keep_read_back=True, weight_range=2.0
    )
    program(network, ClosedLoop(), 0.0)
    (layer,) = network.layers
    cells = layer.matmul.cells
    conductance = network.session.engine.conductances_s().ravel() / config.cells.g_max_s
    g_min = config.cells.g_min_s / config.cells.g_max_s
    plus = layer.matmul.map.output_address[:, None] + layer.matmul.map.input_address[None, :]
    for read, addresses in ((cells.read_plus, plus), (cells.read_minus, plus + 1)):
        held = (conductance[addresses] - g_min) / (1 - g_min) * 15
        # Three percent of read noise is half a level at the top.
        assert np.abs(read - held).max() < 2.5
        assert np.corrcoef(read.ravel(), held.ravel())[0, 1] > 0.99


def test_a_stuck_cell_is_carried_by_its_partner(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    torch.manual_seed(0)

    def with_stuck_cell(config: CrossbarConfig, tiles: int, mapped: np.ndarray) -> FastEngine:
        faults = np.zeros((tiles, config.array.cells), np.uint8)
        faults[0, 0] = FAULT_STUCK_HIGH  # G+ of weight [0, 0]
        return FastEngine(config, tiles, mapped, faults)

    config = make_crossbar("ideal", limit=255)
    network = put_on_crossbar(
        nn.Linear(4, 3), config, lambda kind, activity: None, weight_range=2.0, make_engine=with_stuck_cell
    )
    program(network, ClosedLoop(), 0.0)
    (layer,) = network.layers
    cells = layer.matmul.cells
    wanted = 2 * cells.weight_per_level
    for _ in range(6):
        with torch.no_grad():
            layer.weight[0, 0] = wanted
        program(network, siamese(), 0.0)
    assert int(cells.plus[0, 0]) == 7
    assert int(cells.minus[0, 0]) == 5
    conductance = network.session.engine.conductances_s()[0].ravel() / config.cells.g_max_s
    g_min = config.cells.g_min_s / config.cells.g_max_s
    assert (conductance[0] - conductance[1]) / (1 - g_min) * 7 == pytest.approx(2.0, abs=0.6)
    # The cell that refuses is left in peace.
    before = network.session.engine.pulse_counts()[0, 0, 0]
    with torch.no_grad():
        layer.weight[0, 0] = 4 * cells.weight_per_level
    program(network, siamese(), 0.0)
    assert network.session.engine.pulse_counts()[0, 0, 0] == before


def test_writes_tell_the_level_that_the_cells_are_at(network: CrossbarNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = network.layers[0]
    cells = layer.matmul.cells
    with torch.no_grad():
        layer.weight[2, 3] += 2 * cells.weight_per_level
    plus, minus = cells.plus.copy(), cells.minus.copy()
    engine = network.session.engine
    assert isinstance(engine, FastEngine)
    one = np.full((2, 1), 3500)
    rules = TableRules(limit=100, discard=0, shift=8)
    moves = np.zeros((len(engine.config.levels),) * 2, int)
    table = PulseTable(PulseEntries.verified(one, one), rules, True, False, moves)
    engine.config = replace(engine.config, pulse_table=table)
    lists: list[WriteList] = []
    write = FastEngine.write
    monkeypatch.setattr(FastEngine, "write", lambda self, todo: (lists.append(todo), write(self, todo))[1])
    program(network, siamese(), 0.0)
    (told,) = lists
    assert told.held is not None
    wanted = {(int(plus[2, 3]), int(cells.plus[2, 3])), (int(minus[2, 3]), int(cells.minus[2, 3]))}
    changed = {(before, after) for before, after in wanted if before != after}
    assert set(zip(told.held.tolist(), told.levels.tolist(), strict=True)) == changed
    # What is programmed for the first time may hold anything.
    initialize(network, siamese())
    assert lists[1].held is None
    assert lists[1].initial
