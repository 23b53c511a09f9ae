"""Kinds of modules: recurrent layers and attention."""

from typing import Any

import torch
from kinds import Kind, Wrapped, normal
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence


class CellLoop(nn.Module):
    """A cell that is stepped through a sequence by hand."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, sequence: Tensor) -> Tensor:
        state: Any = None
        for x in sequence:
            state = self.cell(x, state)
        return state


class WordModel(nn.Module):
    """An embedding, an LSTM whose state is made like a weight, and a head for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.rnn = nn.LSTM(5, 6, 2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(6, 11)

    def forward(self, words: Tensor) -> Tensor:
        h = self.rnn.weight_ih_l0.new_zeros(2, len(words), 6)
        output, _ = self.rnn(self.embedding(words), (h, h))
        return self.head(output)


class CausalBlock(nn.Module):
    """A decoder block as GPT has it: queries, keys and values by one Linear, and attention without a module."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = self.qkv(self.norms[0](x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(*split, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norms[1](x))


class VisionTransformer(nn.Module):
    """Patches by a convolution, a class token, positions, and an encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 8, 3, stride=3)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 5, 8))
        self.encoder = encoder(1)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.encoder(x)[:, 0])


def encoder(layers: int, **options: Any) -> nn.TransformerEncoder:
    return nn.TransformerEncoder(encoder_layer(**options), layers, enable_nested_tensor=False)


def encoder_layer(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(8, 2, 12, **{"batch_first": True} | options)


def packed(module: Wrapped, x: Tensor) -> Any:
    return module.rnn(pack_padded_sequence(x, [2, 4, 3], enforce_sorted=False))


def itself(module: Wrapped, x: Tensor) -> Any:
    return module.attention(x, x, x)


def masked(module: Wrapped, x: Tensor) -> Any:
    hidden = torch.zeros(3, 5, dtype=torch.bool)
    hidden[:, 4] = True
    later = torch.triu(torch.ones(5, 5), 1).bool()
    return module.attention(
        x, x[..., :6], x[..., :4], key_padding_mask=hidden, attn_mask=later, average_attn_weights=False
    )


RECURRENT = [
    Kind("rnn", lambda: nn.RNN(5, 6, nonlinearity="relu", bidirectional=True), normal(4, 2, 5)),
    Kind("rnn-tanh-unbatched", lambda: nn.RNN(5, 6), normal(4, 5)),
    Kind("lstm", lambda: nn.LSTM(5, 6, 2, bidirectional=True, batch_first=True), normal(2, 3, 5)),
    Kind(
        "lstm-projected",
        lambda: nn.LSTM(5, 6, proj_size=3, bias=False),
        lambda: (torch.randn(3, 2, 5), (torch.randn(1, 2, 3), torch.randn(1, 2, 6))),
    ),
    Kind("lstm-packed", lambda: Wrapped(packed, rnn=nn.LSTM(5, 6, bidirectional=True)), normal(4, 3, 5)),
    Kind("lstm-words", WordModel, lambda: (torch.randint(0, 11, (2, 3)),)),
    Kind("gru", lambda: nn.GRU(5, 6, 2, bias=False, dropout=0.2), normal(3, 2, 5)),
    Kind("gru-packed", lambda: Wrapped(packed, rnn=nn.GRU(5, 4, 2)), normal(4, 3, 5)),
    Kind("rnn-cell", lambda: CellLoop(nn.RNNCell(5, 6)), normal(3, 2, 5)),
    Kind("gru-cell", lambda: CellLoop(nn.GRUCell(5, 6, bias=False)), normal(3, 2, 5)),
    Kind("lstm-cell", lambda: CellLoop(nn.LSTMCell(5, 6)), normal(3, 2, 5)),
]

ATTENTION = [
    Kind("attention", lambda: Wrapped(itself, attention=nn.MultiheadAttention(8, 2)), normal(4, 2, 8)),
    Kind(
        "attention-unbatched", lambda: Wrapped(itself, attention=nn.MultiheadAttention(8, 2, bias=False)), normal(4, 8)
    ),
    Kind(
        "attention-cross",
        lambda: nn.MultiheadAttention(8, 4, dropout=0.2, batch_first=True),
        lambda: (torch.randn(2, 3, 8), *[torch.randn(2, 4, 8)] * 2),
        keywords={"need_weights": False},
    ),
    Kind(
        "attention-masked",
        lambda: Wrapped(
            masked,
            attention=nn.MultiheadAttention(
                8, 2, kdim=6, vdim=4, add_bias_kv=True, add_zero_attn=True, batch_first=True
            ),
        ),
        normal(3, 5, 8),
    ),
    Kind("encoder-layer", lambda: encoder_layer(dropout=0.0, norm_first=True), normal(2, 4, 8)),
    Kind("encoder", lambda: encoder(2), normal(2, 3, 8)),
    Kind(
        "encoder-nested-path",
        lambda: nn.TransformerEncoder(encoder_layer(dropout=0.0), 1),
        normal(2, 3, 8),
        keywords={"src_key_padding_mask": torch.tensor([[False, False, True], [False, False, False]])},
    ),
    Kind(
        "decoder",
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0), 1),
        lambda: (torch.randn(4, 2, 8), torch.randn(3, 2, 8)),
    ),
    Kind(
        "transformer",
        lambda: nn.Transformer(8, 2, 1, 1, 12, dropout=0.0, batch_first=True),
        lambda: (torch.randn(2, 3, 8), torch.randn(2, 4, 8)),
        keywords={"tgt_mask": nn.Transformer.generate_square_subsequent_mask(4), "tgt_is_causal": True},
    ),
    Kind("vision-transformer", VisionTransformer, normal(2, 1, 6, 6)),
    Kind("gpt-block", lambda: CausalBlock(8, 2), normal(2, 4, 8)),
]
