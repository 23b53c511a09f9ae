"""The functions of PyTorch that multiply by weights, and what computes each of them on the crossbar."""

from functools import partial
from typing import Final

import torch
from torch.nn import functional as F

from twinbar.host.nn.attention import attention
from twinbar.host.nn.convolution import convolve, convolve_transposed
from twinbar.host.nn.linear import linear
from twinbar.host.nn.mapped_parameter import Product
from twinbar.host.nn.recurrent import gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell

PRODUCTS: Final[dict[object, Product]] = {
    F.linear: linear,
    F.conv1d: partial(convolve, 1),
    F.conv2d: partial(convolve, 2),
    F.conv3d: partial(convolve, 3),
    F.conv_transpose1d: partial(convolve_transposed, 1),
    F.conv_transpose2d: partial(convolve_transposed, 2),
    F.conv_transpose3d: partial(convolve_transposed, 3),
    F.multi_head_attention_forward: attention,
    torch.lstm: lstm,
    torch.gru: gru,
    torch.rnn_tanh: partial(rnn, torch.tanh),
    torch.rnn_relu: partial(rnn, torch.relu),
    torch.lstm_cell: lstm_cell,
    torch.gru_cell: gru_cell,
    torch.rnn_tanh_cell: partial(rnn_cell, torch.tanh),
    torch.rnn_relu_cell: partial(rnn_cell, torch.relu),
}
"""By the function that a module calls; each takes its arguments."""
