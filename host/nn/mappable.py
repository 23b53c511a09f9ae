"""Which weights of a module can lie on a crossbar, and what of it stays digital."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils import parametrize

from twinbar.host.nn.weight_matrix import WeightMatrix
from twinbar.hw.errors import ConfigError

CONVERTED: Final = (
    "Linear, convolutions (plain, transposed, grouped), MultiheadAttention, LSTM, GRU, RNN and their cells"
)
"""What can be put on a crossbar, for messages."""


@dataclass
class Weight:
    """A weight that will lie on the crossbar.

    Parameters
    ----------
    name : str
        Of its module; and of the weight in it, where it has several.
    parameter : nn.Parameter
    form : WeightMatrix
    owners : list of (nn.Module, str)
        Modules that have it, and its name in each: several where it is shared.
    names : list of str
        Its names in the whole module.
    """

    name: str
    parameter: nn.Parameter
    form: WeightMatrix
    owners: list[tuple[nn.Module, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Digital:
    """A part of a module that is computed digitally.

    Parameters
    ----------
    name, kind : str
        Of the part, and of its class.
    parameters : int
        Numbers that it learns.
    reason : str
    """

    name: str
    kind: str
    parameters: int
    reason: str


def find_weights(module: nn.Module, exclude: Sequence[str] = ()) -> tuple[list[Weight], list[Digital]]:
    """Find the weights that can lie on a crossbar, and list what stays digital.

    Parameters
    ----------
    module : nn.Module
    exclude : sequence of str
        Names of parts that stay digital with all that is in them; ``*`` stands for any text.

    Raises
    ------
    ConfigError
        If a part is in a form that would be converted wrongly, an excluded name fits no part, or no weight is found.
    """
    excluded = _excluded(module, exclude)
    found: dict[int, Weight] = {}
    digital = []
    paths = {id(part): name for name, part in module.named_modules()}
    inside: set[nn.Module] = set()
    for name, part in module.named_modules():
        own = sum(parameter.numel() for parameter in part.parameters(recurse=False))
        label = name or type(part).__name__.lower()
        forms = _forms(part)
        if part in inside or (not own and not forms and not _is_adapted(part)):
            continue
        if name in excluded:
            digital.append(Digital(label, type(part).__name__, own, "excluded"))
            continue
        if not forms:
            digital.append(Digital(label, type(part).__name__, own, "no product of a weight matrix"))
            continue
        _refuse_adapted(label, part)
        for owner, attribute, form in forms:
            if owner is not part:
                inside.add(owner)
            parameter = owner._parameters[attribute]
            if parameter is None:
                continue
            path = label
            if owner is not part:
                path = paths[id(owner)]
            elif len(forms) > 1:
                path = f"{label}.{attribute}"
            _check(path, parameter)
            weight = found.setdefault(id(parameter), Weight(path, parameter, form))
            if weight.form != form:
                raise ConfigError(
                    f"{path} shares its weights with {weight.name}, but uses them as another matrix; leave both "
                    f"digital with exclude=[{weight.name!r}, {label!r}]"
                )
            weight.owners.append((owner, attribute))
            weight.names.append(path)
    _refuse_shared(module, found)
    if not found:
        raise ConfigError(f"the module has no layer that could be put on a crossbar: {CONVERTED}")
    return list(found.values()), digital


def _forms(part: nn.Module) -> list[tuple[nn.Module, str, WeightMatrix]]:
    """Return the weights of a part: the module that has each, its name there, and how it is a matrix."""
    if isinstance(part, nn.Linear):
        return _form(part, "weight")
    if isinstance(part, _ConvTransposeNd):
        return _form(part, "weight", groups=part.groups, transposed=True)
    if isinstance(part, _ConvNd):
        return _form(part, "weight", groups=part.groups)
    if isinstance(part, nn.MultiheadAttention):
        found = _form(part, "in_proj_weight", groups=3, packed=False)
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
            found += _form(part, name)
        return found + _form(part.out_proj, "weight")
    if isinstance(part, nn.RNNBase | nn.RNNCellBase):
        names = [name for name in part._parameters if name.startswith("weight_")]
        return [form for name in names for form in _form(part, name)]
    return []


def _form(
    owner: nn.Module, name: str, *, groups: int = 1, packed: bool = True, transposed: bool = False
) -> list[tuple[nn.Module, str, WeightMatrix]]:
    weight = owner._parameters.get(name)
    if weight is None or isinstance(weight, nn.UninitializedParameter):
        # A parametrized or uninitialized layer is one that has a weight, which `_refuse_adapted` looks at.
        return [(owner, name, WeightMatrix(0, 0))] if hasattr(owner, name) and getattr(owner, name) is not None else []
    return [(owner, name, WeightMatrix.of(weight, groups, packed=packed, transposed=transposed))]


def _is_adapted(part: nn.Module) -> bool:
    return parametrize.is_parametrized(part)


def _refuse_adapted(label: str, part: nn.Module) -> None:
    """Refuse layers whose weight is computed, or is not there yet."""
    if any(isinstance(weight, nn.UninitializedParameter) for weight in part._parameters.values()):
        raise ConfigError(
            f"the layer {label} ({type(part).__name__}) does not know its size yet; run one batch through the module "
            "before it is converted"
        )
    computed = [
        name
        for owner, name, _ in _forms(part)
        if name not in owner._parameters or parametrize.is_parametrized(owner, name)
    ]
    if computed:
        raise ConfigError(
            f"the {computed[0]} of layer {label} is computed from other parameters (a parametrization such as "
            f"weight_norm), which a cell cannot hold; remove it, or leave the layer digital with exclude=[{label!r}]"
        )


def _check(path: str, parameter: nn.Parameter) -> None:
    if not parameter.is_floating_point():
        kind = str(parameter.dtype).removeprefix("torch.")
        raise ConfigError(
            f"the weights of {path} are {kind}; a pair of cells holds a real number: leave it digital with exclude"
        )
    if not parameter.numel():
        raise ConfigError(f"the layer {path} has no weights; leave it digital with exclude=[{path!r}]")
    if not bool(torch.isfinite(parameter.detach()).all()):
        raise ConfigError(f"the layer {path} has weights that are not finite; a cell cannot hold them")


def _refuse_shared(module: nn.Module, found: dict[int, Weight]) -> None:
    """Refuse weights that other parts read digitally, such as an embedding that is tied to the output layer."""
    owners = {(id(owner), name) for weight in found.values() for owner, name in weight.owners}
    for path, part in module.named_modules():
        for name, parameter in part._parameters.items():
            weight = None if parameter is None else found.get(id(parameter))
            if weight is not None and (id(part), name) not in owners:
                raise ConfigError(
                    f"{weight.name} shares its weights with {path or 'the module'} ({type(part).__name__}), which "
                    f"reads them digitally; leave it digital with exclude=[{weight.name!r}]"
                )


def _excluded(module: nn.Module, exclude: Sequence[str]) -> set[str]:
    """Return the names of the parts that patterns name, and of all that is in them."""
    if isinstance(exclude, str):
        exclude = [exclude]
    names = [name for name, _ in module.named_modules(remove_duplicate=False)]
    chosen: set[str] = set()
    for pattern in exclude:
        hits = [name for name in names if fnmatchcase(name, pattern)]
        if not hits:
            near = difflib.get_close_matches(pattern, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"parts are {', '.join(filter(None, names[:8]))}"
            raise ConfigError(f"exclude names {pattern!r}, which is no part of the module; {hint}")
        chosen.update(hits)
    return {name for name in names if any(name == top or name.startswith(f"{top}.") for top in chosen)}
