"""Attention whose projections run on the crossbar; scores, softmax and sums are digital.

The computation is that of `torch.nn.functional.multi_head_attention_forward` (Vaswani et al., Attention is all you
need, NeurIPS 2017), whose arguments it takes.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.host.nn.linear import linear
from twinbar.host.nn.mapped_parameter import on_crossbar


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return the output [length, batch, embedding] and, if asked for, the weights of the attention."""
    batched = query.dim() == 3
    if not batched:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, embedding = query.shape
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _project((query, key, value), in_proj_weight, separate, in_proj_bias)
    mask = _additive(attn_mask, q.dtype)
    hidden = _additive(key_padding_mask, q.dtype)
    if bias_k is not None and bias_v is not None:
        k = torch.cat([k, bias_k.repeat(1, batch, 1).to(k.dtype)])
        v = torch.cat([v, bias_v.repeat(1, batch, 1).to(v.dtype)])
        mask, hidden = _one_more(mask), _one_more(hidden)
    size = embedding // num_heads
    q, k, v = (x.reshape(len(x), batch * num_heads, size).transpose(0, 1) for x in (q, k, v))
    k = k if static_k is None else static_k
    v = v if static_v is None else static_v
    if add_zero_attn:
        nothing = torch.zeros(batch * num_heads, 1, size, dtype=k.dtype, device=k.device)
        k, v = torch.cat([k, nothing], dim=1), torch.cat([v, nothing], dim=1)
        mask, hidden = _one_more(mask), _one_more(hidden)
    merged = _merge(mask, hidden, batch, num_heads)
    scores = (q * math.sqrt(1.0 / size)) @ k.transpose(1, 2)
    if merged is not None:
        scores = scores + merged
    weights = F.dropout(F.softmax(scores, dim=-1), dropout_p, training)
    out = (weights @ v).transpose(0, 1).reshape(length, batch, embedding)
    out = linear(out, out_proj_weight, out_proj_bias)
    shown = None
    if need_weights:
        shown = weights.view(batch, num_heads, length, k.shape[1])
        shown = shown.mean(dim=1) if average_attn_weights else shown
    if not batched:
        out = out.squeeze(1)
        shown = None if shown is None else shown.squeeze(0)
    return out, shown


def _project(
    inputs: tuple[Tensor, Tensor, Tensor],
    packed: Tensor | None,
    separate: tuple[Tensor | None, ...] | None,
    bias: Tensor | None,
) -> list[Tensor]:
    """Project query, key and value; a packed weight holds three matrices, of tiles of their own."""
    biases = [None] * 3 if bias is None else bias.chunk(3)
    if separate is not None:
        return [linear(x, w, b) for x, w, b in zip(inputs, separate, biases, strict=True)]  # type: ignore[arg-type]
    assert packed is not None
    layer = on_crossbar(packed)
    if layer is None:
        return [linear(x, w, b) for x, w, b in zip(inputs, packed.chunk(3), biases, strict=True)]
    found = []
    for block, (x, own) in enumerate(zip(inputs, biases, strict=True)):
        y = layer.multiply(x, block)
        found.append(y if own is None else y + own.to(y.dtype))
    return found


def _additive(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return a mask that is added to scores: true positions of a boolean one are hidden."""
    if mask is None or mask.dtype != torch.bool:
        return mask if mask is None else mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, float("-inf"))


def _one_more(mask: Tensor | None) -> Tensor | None:
    """Let a mask admit one more key at the end."""
    return None if mask is None else F.pad(mask, (0, 1))


def _merge(mask: Tensor | None, hidden: Tensor | None, batch: int, heads: int) -> Tensor | None:
    """Combine a mask [length, keys] or [batch * heads, length, keys] with hidden keys [batch, keys]."""
    if hidden is None:
        return mask
    each = hidden.view(batch, 1, 1, -1).expand(-1, heads, -1, -1).reshape(batch * heads, 1, -1)
    return each if mask is None else mask + each
