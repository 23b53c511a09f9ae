"""Nested state as a manifest of text and a list of arrays, exactly and without pickle."""

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def flatten_state(state: Any) -> tuple[list[Any], list[NDArray[Any]]]:
    """Split nested state into a tree that JSON can hold and the arrays that it refers to.

    Parameters
    ----------
    state : dict, list, tuple, numpy array or scalar, torch tensor, str, bytes, int, float, bool or None, nested
        Keys of dicts are str or int. Integers may be of any size; floats keep every bit of their value. A tensor loses
        its device and whether it requires a gradient.

    Returns
    -------
    tree : list
        Its first item names the kind of the node.
    arrays : list of array

    Raises
    ------
    TypeError
        If something else is in it; the text says where.
    """
    arrays: list[NDArray[Any]] = []
    return _flatten(state, arrays, "state"), arrays


def restore_state(tree: list[Any], arrays: list[NDArray[Any]]) -> Any:
    """Return the state that `flatten_state` split."""
    kind, *rest = tree
    match kind:
        case "none":
            return None
        case "bool" | "str":
            return rest[0]
        case "int":
            return int(rest[0], 16)
        case "float":
            return float.fromhex(rest[0])
        case "bytes":
            return arrays[rest[0]].tobytes()
        case "list":
            return [restore_state(item, arrays) for item in rest[0]]
        case "tuple":
            return tuple(restore_state(item, arrays) for item in rest[0])
        case "dict":
            return {restore_state(key, arrays): restore_state(value, arrays) for key, value in rest[0]}
        case "array":
            return arrays[rest[0]]
        case "scalar":
            return arrays[rest[0]][()]
        case "tensor":
            return _restore_tensor(arrays[rest[0]], rest[1], rest[2])
    raise ValueError(f"there is no kind of state called {kind!r}")


def _flatten(value: Any, arrays: list[NDArray[Any]], where: str) -> list[Any]:
    def keep(array: NDArray[Any]) -> int:
        arrays.append(array)
        return len(arrays) - 1

    # Exact types: a subclass (an enumeration, a masked array) would come back as something else.
    kind = type(value)
    if value is None:
        return ["none"]
    if kind is bool or kind is str:
        return [kind.__name__, value]
    if kind is int:
        return ["int", hex(value)]  # decimal digits are limited to a few thousand (sys.set_int_max_str_digits)
    if kind is float:
        return ["float", value.hex()]
    if kind is bytes:
        return ["bytes", keep(np.frombuffer(value, dtype=np.uint8))]
    if kind is list or kind is tuple:
        return [kind.__name__, [_flatten(item, arrays, f"{where}[{index}]") for index, item in enumerate(value)]]
    if kind is dict:
        for key in value:
            if type(key) not in (str, int):
                raise TypeError(f"{where} has the key {key!r}; keys of a checkpoint are str or int")
        return [
            "dict",
            [
                [_flatten(key, arrays, where), _flatten(item, arrays, f"{where}[{key!r}]")]
                for key, item in value.items()
            ],
        ]
    if kind is np.ndarray and not value.dtype.hasobject:
        return ["array", keep(value)]
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return ["scalar", keep(np.asarray(value))]
    # State can only hold a tensor where PyTorch has been imported; others need not wait for it.
    torch = sys.modules.get("torch")
    if (
        torch is not None
        and isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
    ):
        # NumPy lacks some of PyTorch's types (bfloat16), so that bytes are kept.
        flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return ["tensor", keep(flat.numpy()), str(value.dtype).removeprefix("torch."), list(value.shape)]
    raise TypeError(f"{where} is a {kind.__module__}.{kind.__qualname__}, which a checkpoint cannot hold exactly")


def _restore_tensor(values: NDArray[np.uint8], dtype: str, shape: list[int]) -> Any:
    import torch

    flat = torch.empty(math.prod(shape), dtype=getattr(torch, dtype))
    flat.view(torch.uint8).copy_(torch.from_numpy(values))
    return flat.reshape(shape)
