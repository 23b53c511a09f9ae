"""Which layers of a network can follow one another on the chip, and why the others cannot."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import nn
from torch.fx import Graph, Node, Tracer
from torch.nn import functional as F

from twinbar.host.nn.mapped_layer import MappedLayer

_RELUS: Final = (F.relu, torch.relu, torch.relu_, F.relu_, "relu", "relu_")
_HARMLESS: Final = (nn.Identity, nn.Flatten)
"""Modules that leave activations of a linear layer, [batch, outputs], as they are."""


class Chained(NamedTuple):
    """A layer of a chain.

    Parameters
    ----------
    layer : MappedLayer
    module : nn.Linear
        Has its bias, if any.
    between : list of nn.Module
        Modules between it and the next layer.
    """

    layer: MappedLayer
    module: nn.Linear
    between: list[nn.Module]


class FoundChains(NamedTuple):
    """The chains of a network.

    Parameters
    ----------
    chains : list of list of Chained
        Of two layers at least.
    reasons : dict of str
        Why what a layer gives goes to the host, for every layer that feeds no other one.
    """

    chains: list[list[Chained]]
    reasons: dict[str, str]


def find_chains(module: nn.Module, layers: Sequence[MappedLayer]) -> FoundChains:
    """Find linear layers between which there is nothing but a bias and a ReLU, by tracing the forward pass.

    Parameters
    ----------
    module : nn.Module
    layers : sequence of MappedLayer
        Its layers on the crossbar.
    """
    try:
        graph = Tracer().trace(module)
    except Exception as error:  # whatever a module does with what it is traced by
        reason = f"the forward pass cannot be traced ({type(error).__name__}: {str(error).splitlines()[0][:120]})"
        return FoundChains([], {layer.name: reason for layer in layers})
    names = dict(module.named_modules(remove_duplicate=False))
    nodes = _nodes(graph, names)
    linear: dict[str, Chained] = {}
    reasons: dict[str, str] = {}
    for layer in layers:
        owner = layer.owners[0][0]
        if type(owner) is not nn.Linear or len(layer.owners) > 1 or layer.form.groups > 1:
            reasons[layer.name] = f"it is not a linear layer of its own ({type(owner).__name__})"
        elif len(nodes.get(id(owner), ())) != 1:
            reasons[layer.name] = f"the forward pass calls it {len(nodes.get(id(owner), ()))} times"
        else:
            linear[layer.name] = Chained(layer, owner, [])
    by_module = {id(own.module): name for name, own in linear.items()}
    follows: dict[str, str] = {}
    for name, own in linear.items():
        found = _next(nodes[id(own.module)][0], names, by_module, own.between)
        if found in linear:
            follows[name] = found
        else:
            reasons[name] = found
    heads = [name for name in follows if name not in follows.values()]
    chains = []
    for head in heads:
        chain = [linear[head]]
        while chain[-1].layer.name in follows:
            chain.append(linear[follows[chain[-1].layer.name]])
        chains.append(chain)
    return FoundChains(chains, reasons)


def _nodes(graph: Graph, names: dict[str, nn.Module]) -> dict[int, list[Node]]:
    """Return the calls of every module, by its identity."""
    found: dict[int, list[Node]] = {}
    for node in graph.nodes:
        if node.op == "call_module":
            found.setdefault(id(names[str(node.target)]), []).append(node)
    return found


def _next(node: Node, names: dict[str, nn.Module], linear: dict[int, str], between: list[nn.Module]) -> str:
    """Return the name of the layer that a layer feeds, or why it feeds none; ``between`` is filled."""
    rectified = False
    while True:
        users = list(node.users)
        if len(users) != 1:
            return f"what it gives is used {len(users)} times"
        node = users[0]
        if node.op == "output":
            return "it is the last layer"
        part = names[str(node.target)] if node.op == "call_module" else None
        if part is not None and id(part) in linear:
            return linear[id(part)] if rectified else "no ReLU follows it, and inputs have no sign"
        if part is not None:
            between.append(part)
        if type(part) is nn.ReLU or (part is None and node.target in _RELUS):
            rectified = True
        elif not isinstance(part, _HARMLESS):
            what = type(part).__name__ if part is not None else getattr(node.target, "__name__", str(node.target))
            return f"{what} follows it, which the chip does not compute"
