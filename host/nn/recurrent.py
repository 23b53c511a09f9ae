"""Recurrent layers by their matrices: products on the crossbar, gates and states digital.

The equations are those of PyTorch's `LSTM`, `GRU` and `RNN` (Hochreiter and Schmidhuber, Neural Computation 1997; Cho
et al., EMNLP 2014), and each function takes the arguments of the function of PyTorch that it stands for.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.host.nn.linear import linear

State = tuple[Tensor, ...]
Cell = Callable[[Tensor, State, Sequence[Tensor | None]], State]
"""Takes the projected input of one moment, the state before, and the weights; returns the state after."""


def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Run `torch.lstm` over a sequence, plain or packed."""
    output, (h, c) = _run(_lstm_step, 2, *args, **kwargs)
    return output, h, c


def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Run `torch.gru` over a sequence, plain or packed."""
    output, (h,) = _run(_gru_step, 1, *args, **kwargs)
    return output, h


def rnn(activation: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Run `torch.rnn_tanh` or `torch.rnn_relu` over a sequence, plain or packed."""
    output, (h,) = _run(_rnn_step(activation), 1, *args, **kwargs)
    return output, h


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> State:
    """Compute `torch.lstm_cell`."""
    return _lstm_step(linear(input, w_ih, b_ih), tuple(hx), (w_hh, b_hh, None))


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Compute `torch.gru_cell`."""
    return _gru_step(linear(input, w_ih, b_ih), (hx,), (w_hh, b_hh, None))[0]


def rnn_cell(
    activation: Callable[[Tensor], Tensor],
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Compute `torch.rnn_tanh_cell` or `torch.rnn_relu_cell`."""
    return _rnn_step(activation)(linear(input, w_ih, b_ih), (hx,), (w_hh, b_hh, None))[0]


def _lstm_step(x: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
    w_hh, b_hh, w_hr = weights
    assert w_hh is not None
    i, f, g, o = (x + linear(state[0], w_hh, b_hh)).chunk(4, dim=-1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return (h if w_hr is None else linear(h, w_hr)), c


def _gru_step(x: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
    w_hh, b_hh, _ = weights
    assert w_hh is not None
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, dim=-1)
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, dim=-1)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
    return ((1 - z) * n + z * h,)


def _rnn_step(activation: Callable[[Tensor], Tensor]) -> Cell:
    def step(x: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
        w_hh, b_hh, _ = weights
        assert w_hh is not None
        return (activation(x + linear(state[0], w_hh, b_hh)),)

    return step


def _run(cell: Cell, states: int, data: Tensor, second: Any, third: Any, *options: Any) -> tuple[Tensor, State]:
    """Run all layers; the arguments are (input, hx, weights, ...) or, packed, (data, sizes, hx, weights, ...)."""
    if isinstance(third, list | tuple) and third and isinstance(third[0], Tensor) and isinstance(options[0], bool):
        hx, flat, batch_sizes = second, third, None
        has_biases, layers, dropout, training, bidirectional, batch_first = options
    else:
        batch_sizes, hx, flat = second, third, options[0]
        has_biases, layers, dropout, training, bidirectional = options[1:]
        batch_first = False
    initial = tuple(hx) if states == 2 else (hx,)
    if batch_sizes is None:
        x = data.transpose(0, 1) if batch_first else data
        length, batch = x.shape[:2]
        sizes = [batch] * length
        rows = x.reshape(length * batch, x.shape[2])
    else:
        rows, sizes = data, batch_sizes.tolist()
    directions = 2 if bidirectional else 1
    per_run = len(flat) // (layers * directions)
    last: list[State] = []
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            run = layer * directions + direction
            w_ih, w_hh, *rest = flat[run * per_run : (run + 1) * per_run]
            b_ih, b_hh = rest[:2] if has_biases else (None, None)
            extra = rest[2:] if has_biases else rest
            weights = (w_hh, b_hh, extra[0] if extra else None)
            first = tuple(state[run] for state in initial)
            output, final = _one_direction(cell, linear(rows, w_ih, b_ih), sizes, first, weights, direction == 1)
            outputs.append(output)
            last.append(final)
        rows = outputs[0] if directions == 1 else torch.cat(outputs, dim=-1)
        if dropout and training and layer < layers - 1:
            rows = F.dropout(rows, dropout, True)
    final_states = tuple(torch.stack(states) for states in zip(*last, strict=True))
    if batch_sizes is not None:
        return rows, final_states
    output = rows.view(length, batch, rows.shape[1])
    return (output.transpose(0, 1) if batch_first else output), final_states


def _one_direction(
    cell: Cell, x: Tensor, sizes: list[int], first: State, weights: Sequence[Tensor | None], backwards: bool
) -> tuple[Tensor, State]:
    """Run over the moments of packed sequences, which are sorted: the longest come first."""
    starts = [0, *accumulate(sizes)]
    outputs: list[Tensor] = [x] * len(sizes)
    ended: list[State] = []
    state = tuple(part[: sizes[-1] if backwards else sizes[0]] for part in first)
    moments = range(len(sizes) - 1, -1, -1) if backwards else range(len(sizes))
    for moment in moments:
        active, size = len(state[0]), sizes[moment]
        if size > active:
            state = tuple(torch.cat([part, begin[active:size]]) for part, begin in zip(state, first, strict=True))
        elif size < active:
            ended.append(tuple(part[size:] for part in state))
            state = tuple(part[:size] for part in state)
        state = cell(x[starts[moment] : starts[moment] + size], state, weights)
        outputs[moment] = state[0]
    ended.append(state)
    final = tuple(torch.cat(parts[::-1]) for parts in zip(*ended, strict=True))
    return torch.cat(outputs), final
