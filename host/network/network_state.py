"""The state of a network beside its parameters: cells, ranges, counters, the policy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from twinbar.host.experiment.policy_state import policy_state, restore_policy
from twinbar.host.experiment.state_tree import flatten_state, restore_state
from twinbar.host.network.conversion import Conversion
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError

VERSION = 2
_MEANINGFUL: Final = (
    "rows",
    "columns",
    "adc_bits",
    "read_range",
    "grid_bits",
    "input_bits",
    "inputs",
    "pairs",
    "mapping",
)
"""Keys of ``[array]`` that codes, ranges and places of cells depend on."""


def pack(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state as plain values and tensors, which ``torch.load(weights_only=True)`` takes."""
    tree, arrays = flatten_state(dict(state))
    return {"version": VERSION, "tree": tree, "arrays": [_tensor(array) for array in arrays]}


def unpack(packed: Any) -> dict[str, Any]:
    """Return the state that `pack` packed.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    try:
        if packed["version"] != VERSION:
            raise ConfigError(
                f"the crossbar state is of version {packed['version']}; this version of Twinbar reads version {VERSION}"
            )
        arrays = [_array(tensor, dtype) for tensor, dtype in packed["arrays"]]
        state: dict[str, Any] = restore_state(packed["tree"], arrays)
    except ConfigError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise ConfigError(
            f"the crossbar state is damaged ({reason}); load what state_dict() of this network returned"
        ) from error
    return state


def _tensor(array: np.ndarray) -> tuple[torch.Tensor, str]:
    # Bytes: unsigned integers of 16 bits and more are not in every version of PyTorch.
    raw = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8).copy()
    shape = torch.tensor(array.shape, dtype=torch.int64)
    return torch.from_numpy(raw), f"{array.dtype.str}:{','.join(map(str, shape.tolist()))}"


def _array(tensor: torch.Tensor, description: str) -> np.ndarray:
    dtype, _, shape = description.partition(":")
    raw = tensor.cpu().numpy().tobytes()
    return np.frombuffer(raw, np.dtype(dtype)).reshape([int(n) for n in shape.split(",") if n]).copy()


def crossbar_state(network: CrossbarNetwork, policy: UpdatePolicy[Any]) -> dict[str, Any]:
    """Return the state of the cells, the layers and the policy."""
    return {
        "engine": network.session.engine.state_dict(),
        "layers": [
            {
                "name": layer.name,
                "shape": [layer.form.outputs, layer.form.inputs, layer.form.groups],
                "levels": layer.cells.levels,
                "positions": layer.cells.positions.copy(),
                "weight_per_level": layer.cells.weight_per_level,
                "cells": layer.cells.state_dict(),
                "matmul": layer.matmul.state_dict(),
                "auxiliary": [array.cells.state_dict() for array in layer.auxiliary],
            }
            for layer in network.layers
        ],
        **policy_state(policy),
    }


def made_with(conversion: Conversion) -> dict[str, Any]:
    """Return the choices by which a state means what it means, by their keys: other ones make other cells or codes."""
    config, array = conversion.config, conversion.crossbar.array
    preset = config.device.preset
    return {
        "device.preset": Path(preset).stem if preset.endswith(".toml") else preset,
        "window.g_min": conversion.crossbar.cells.g_min_s,
        "window.g_max": conversion.crossbar.cells.g_max_s,
        "engine.seed": config.engine.seed,
        **{f"array.{key}": getattr(array, key) for key in _MEANINGFUL},
    }


def check_made_with(state: Mapping[str, Any], conversion: Conversion) -> None:
    """Refuse the state of a network of other cells or converters.

    Raises
    ------
    ConfigError
        One sentence on the first difference.
    """
    mine = made_with(conversion)
    # States of earlier versions say nothing of it.
    for key, theirs in state.get("made_with", {}).items():
        if key in mine and mine[key] != theirs:
            raise ConfigError(
                f"the state is of a network with {key} = {theirs}, and this one has {mine[key]}; convert with the same "
                "choices, or load the parameters alone (without crossbar_state), which are then written to the cells"
            )


def check(state: Mapping[str, Any], network: CrossbarNetwork, policy: UpdatePolicy[Any]) -> None:
    """Refuse the state of another network.

    Raises
    ------
    ConfigError
        One sentence on the first difference.
    """
    for key in ("engine", "layers", "policy", "programmed", "steps", "books", "twin"):
        if key not in state:
            raise ConfigError(f"the crossbar state lacks {key}; load what state_dict() of this network gave")
    mine = [(layer.name, layer.form, layer.cells.positions) for layer in network.layers]
    theirs = state["layers"]
    if [name for name, _, _ in mine] != [layer["name"] for layer in theirs]:
        raise ConfigError(
            f"the state is of the layers {', '.join(layer['name'] for layer in theirs)}, but the network has "
            f"{', '.join(name for name, _, _ in mine)}"
        )
    for (name, form, positions), layer in zip(mine, theirs, strict=True):
        levels = len(positions)
        shape = [form.outputs, form.inputs, form.groups]
        if layer["shape"] != shape or layer["levels"] != levels:
            raise ConfigError(
                f"the state's layer {name} is {layer['shape'][0]}x{layer['shape'][1]} weights of {layer['levels']} "
                f"levels, but the network's is {shape[0]}x{shape[1]} of {levels} levels"
            )
        # A state of before there was device.level_spacing says nothing of it.
        if not np.array_equal(layer.get("positions", np.arange(levels)), positions):
            raise ConfigError(
                f"the levels of the state's layer {name} are spaced otherwise than those of the network; give "
                "device.level_spacing, and the device and ADC that it follows, as they were"
            )


def load_crossbar(state: Mapping[str, Any], network: CrossbarNetwork, policy: UpdatePolicy[Any]) -> None:
    """Restore what `crossbar_state` returned.

    Raises
    ------
    ConfigError
        If the cells or the policy are others.
    """
    restore_policy(policy, state)
    network.session.engine.load_state_dict(state["engine"])
    for layer, saved in zip(network.layers, state["layers"], strict=True):
        layer.cells.weight_per_level = saved["weight_per_level"]
        layer.cells.load_state_dict(saved["cells"])
        layer.matmul.load_state_dict(saved["matmul"])
        for array, own in zip(layer.auxiliary, saved.get("auxiliary", []), strict=True):
            array.cells.load_state_dict(own)
