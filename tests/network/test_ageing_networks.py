"""Converted networks age by the time of their ledgers and the pauses that are stated."""

import pytest
import torch
from torch import nn

import twinbar as tb
from twinbar.emulator.engines.bulk.engine import FastEngine


def test_pauses_between_steps_are_time(monkeypatch: pytest.MonkeyPatch, compiled_kernels: None) -> None:
    heard: list[int] = []
    plain = FastEngine.set_tick

    def noting(self: FastEngine, tick: int) -> None:
        heard.append(tick)
        plain(self, tick)

    monkeypatch.setattr(FastEngine, "set_tick", noting)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))
    array = {"pause_s": 10.0, "tick_s": 1.0, "rows": 16, "columns": 16}
    net = tb.convert(module, device="neurram", config={"array": array})
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    for _ in range(4):
        optimizer.zero_grad()
        net(torch.rand(8, 16)).square().mean().backward()
        optimizer.step()
    # The controller is at work for milliseconds: ten ticks of a second for each step before.
    assert heard[-4:] == [0, 10, 20, 30]
