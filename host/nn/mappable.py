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
        Names of parts that stay digital with all that is in them, or of single weights of a part that has several;
        ``*`` stands for any text.

    Raises
    ------
    ConfigError
        If a part is in a form that would be converted wrongly, an excluded name fits no part, or no weight is found.
    """
    excluded = _excluded(module, exclude)
    found: dict[int, Weight] = {}
    digital = []
    paths = _paths(module)
    inside: set[nn.Module] = set()
    for name, part in module.named_modules():
        own = sum(map(_numbers, part.parameters(recurse=False)))
        label = _label(name, part)
        forms = _forms(part)
        if part in inside or (not own and not forms and not _is_adapted(part)):
            continue
        if not forms or part in excluded.parts:
            reason = "excluded" if part in excluded.parts else "no product of a weight matrix"
            digital.append(Digital(label, type(part).__name__, own, reason))
            continue
        for owner, attribute, form in forms:
            weight_paths = _weight_paths(paths, part, owner, attribute, several=len(forms) > 1)
            if owner is not part:
                inside.add(owner)
            if owner in excluded.parts or any(path in excluded.weights for path in weight_paths):
                numbers = _numbers(owner._parameters.get(attribute))
                digital.append(Digital(weight_paths[0], type(owner).__name__, numbers, "excluded"))
                continue
            _refuse_adapted(weight_paths[0], owner, attribute)
            parameter = owner._parameters[attribute]
            if parameter is None:
                continue
            _check(weight_paths[0], parameter)
            weight = found.setdefault(id(parameter), Weight(weight_paths[0], parameter, form))
            if weight.form != form:
                raise ConfigError(
                    f"{weight_paths[0]} shares its weights with {weight.name}, but uses them as another matrix; leave "
                    f"both digital with exclude=[{weight.name!r}, {weight_paths[0]!r}]"
                )
            weight.owners.append((owner, attribute))
            weight.names.extend(weight_paths)
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


def _numbers(parameter: nn.Parameter | None) -> int:
    """Count the numbers of a parameter; of one that is not initialized, none is known."""
    return 0 if parameter is None or isinstance(parameter, nn.UninitializedParameter) else parameter.numel()


def _is_adapted(part: nn.Module) -> bool:
    return parametrize.is_parametrized(part)


def _refuse_adapted(path: str, owner: nn.Module, attribute: str) -> None:
    """Refuse a weight that is computed, or is not there yet."""
    kind = type(owner).__name__
    if any(isinstance(weight, nn.UninitializedParameter) for weight in owner._parameters.values()):
        raise ConfigError(
            f"the layer {path} ({kind}) does not know its size yet; run one batch through the module before it is "
            "converted"
        )
    if attribute not in owner._parameters or parametrize.is_parametrized(owner, attribute):
        raise ConfigError(
            f"the {attribute} of layer {path} ({kind}) is computed from other parameters (by weight_norm, "
            "spectral_norm, pruning or another parametrization), which a cell cannot hold; remove that, or leave the "
            f"layer digital with exclude=[{path!r}]"
        )


def _check(path: str, parameter: nn.Parameter) -> None:
    if not parameter.is_floating_point():
        kind = str(parameter.dtype).removeprefix("torch.")
        raise ConfigError(
            f"the weights of {path} are {kind}; a pair of cells holds a real number: leave it digital with exclude"
        )
    if not parameter.numel():
        raise ConfigError(f"the layer {path} has no weights; leave it digital with exclude=[{path!r}]")
    if parameter.is_meta:
        raise ConfigError(
            f"the weights of {path} are on the device meta, which holds no values; load or initialize them first "
            "(to_empty, load_state_dict)"
        )
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


@dataclass(frozen=True)
class _Excluded:
    """What stays digital: parts with all that is in them, and names of single weights."""

    parts: set[nn.Module]
    weights: set[str]


def _excluded(module: nn.Module, exclude: Sequence[str]) -> _Excluded:
    """Return what patterns name.

    Raises
    ------
    ConfigError
        If one names nothing.
    """
    parts = [(name, part) for name, part in module.named_modules(remove_duplicate=False)]
    paths = _paths(module)
    weights = [
        path
        for _, part in parts
        for forms in [_forms(part)]
        for owner, attribute, _ in forms
        for path in _weight_paths(paths, part, owner, attribute, several=len(forms) > 1)
    ]
    chosen = _Excluded(set(), set())
    for pattern in [exclude] if isinstance(exclude, str) else exclude:
        hits = [part for name, part in parts if fnmatchcase(name, pattern)]
        named = {path for path in weights if fnmatchcase(path, pattern)}
        if not hits and not named:
            names = list(dict.fromkeys([*(name for name, _ in parts if name), *weights]))
            near = difflib.get_close_matches(pattern, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"parts are {', '.join(names[:8])}"
            raise ConfigError(f"exclude names {pattern!r}, which is not a part of the module; {hint}")
        chosen.parts.update(inner for part in hits for inner in part.modules())
        chosen.weights.update(named)
    return chosen


def _paths(module: nn.Module) -> dict[nn.Module, list[str]]:
    """Return all names of every part: several where it is used in several places."""
    paths: dict[nn.Module, list[str]] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        paths.setdefault(part, []).append(_label(name, part))
    return paths


def _label(name: str, part: nn.Module) -> str:
    """Return the name of a part; the module itself has that of its class."""
    return name or type(part).__name__.lower()


def _weight_paths(
    paths: dict[nn.Module, list[str]], part: nn.Module, owner: nn.Module, attribute: str, *, several: bool
) -> list[str]:
    """Return all names of a weight: those of its part, with its own where the part has several."""
    names = paths[owner]
    return [f"{name}.{attribute}" for name in names] if several and owner is part else names
