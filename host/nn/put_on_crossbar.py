"""Put a user's module on a crossbar: its weights get cells, and its forward pass multiplies by them."""

from collections.abc import Sequence
from functools import partial

from torch import nn

from twinbar.emulator.contract.bulk_operations import MakeEngine
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.fault_map import read_fault_map
from twinbar.emulator.devices.layout import O_INITIAL, TRAIT_BINS
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.sections.array_section import InputRange
from twinbar.host.accounted_engine import Account, AccountedEngine
from twinbar.host.nn.chain_layers import chain_layers
from twinbar.host.nn.copied_module import copy_module
from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.crossbar_weight import CrossbarWeight
from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.fault_layout import CellLevels, around_faults
from twinbar.host.nn.mappable import Weight, find_weights
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.mapping import (
    LayerMap,
    LayerShape,
    Placement,
    map_layers,
    mapped_columns,
    tile_count,
    with_copies,
)
from twinbar.host.nn.networks import he_std
from twinbar.host.nn.tile_copies import TileCopies
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError


def put_on_crossbar(
    module: nn.Module,
    config: CrossbarConfig,
    account: Account,
    *,
    exclude: Sequence[str] = (),
    copied: bool = False,
    weight_range: float = 8.0,
    own_spread: bool = False,
    placement: Placement = "interleaved",
    sharing: bool = False,
    copies: Sequence[int] = (),
    keep_read_back: bool = False,
    keep_factors: bool = False,
    auxiliary: int = 0,
    range_margin: float = 1.2,
    range_tracking: bool = True,
    input_range: InputRange = "largest",
    make_engine: MakeEngine = FastEngine,
) -> CrossbarNetwork:
    """Put the weights of a copy of a module on a crossbar; nothing is programmed yet.

    Parameters
    ----------
    module : nn.Module
        Any module; its other parts (activations, pooling, normalization) stay digital.
    config : CrossbarConfig
    account : callable
        Takes what every program did (see `AccountedEngine`).
    exclude : sequence of str
        See `find_weights`.
    copied : bool
        The module is a copy already, made for this network.
    weight_range : float
        Weight of the top level, in standard deviations of a He initialization; larger where weights already exceed it.
    own_spread : bool
        Take the standard deviation of the layer's own weights instead (unless all are alike): modules of users may be
        initialized otherwise, or trained already.
    placement, sharing, copies, keep_read_back, range_margin, range_tracking, input_range
        See `LayerMap`, `map_layers`, `with_copies`, `ProgrammedLayer` and `CrossbarMatmul`.
    keep_factors : bool
        Keep inputs and errors of backward passes (`CrossbarMatmul.factors`).
    auxiliary : int
        Further arrays of each layer's shape, for the update policy (`MappedLayer.auxiliary`).
    make_engine : callable

    Raises
    ------
    ConfigError
        If the module cannot be copied, has no layer that could be put on a crossbar, or one in a form that would be
        converted wrongly.
    """
    if keep_read_back and not config.gives_codes:
        raise ConfigError(
            "a policy that compensates by the code that is read back needs one of every write, and [write] gives none; "
            "set write.read_back = true with write.verify = 'compare', or take another compensation"
        )
    module = module if copied else copy_module(module)
    found, digital = find_weights(module, exclude)
    shapes = [
        LayerShape(weight.name, weight.form.outputs, weight.form.inputs, weight.form.groups, weight.form.packed)
        for weight in found
    ]
    extra = [shape._replace(name=f"{shape.name}.{n + 1}") for n in range(auxiliary) for shape in shapes]
    if sharing and max(copies, default=1) > 1:
        raise ConfigError("array.copies needs layers that have tiles of their own; set array.sharing = false")
    maps = map_layers(shapes + extra, config.array, placement, sharing=sharing)
    maps = with_copies(maps, copies)
    levels = len(config.levels)
    own_maps = maps[: len(found)]
    tops = [_top_of(weight, place, weight_range, own_spread) for weight, place in zip(found, own_maps, strict=True)]
    if config.array.known_faults is not None:
        maps = _around_known_faults(maps, found, tops, levels, config)
    for place in maps:
        for block in place.blocks:
            config.check_lanes(place.name, block.tiles.shape[0] if block.tiles.cascade else 1)
    if config.array.shared_inputs:
        make_engine = partial(make_engine, layers=[block for place in maps for block in place.placed])
    engine = make_engine(config, tile_count(maps), mapped_columns(maps))
    session = AccountedEngine(engine, account, TileCopies(maps, config.array.cells))
    current = Pass()
    layers = []
    for number, (weight, place) in enumerate(zip(found, maps[: len(found)], strict=True)):
        cells = ProgrammedLayer.blank(
            place,
            levels,
            tops[number] / (levels - 1),
            keep_read_back=keep_read_back,
            positions=config.levels.positions,
        )
        matmul = CrossbarMatmul(session, cells, range_margin, range_tracking, input_range)
        matmul.factors = [] if keep_factors else None
        others = [
            ProgrammedLayer.blank(other, levels, cells.weight_per_level, keep_read_back=False)
            for other in maps[len(found) + number :: len(found)]
        ]
        parameter = weight.parameter
        if not isinstance(parameter, CrossbarWeight):
            parameter = CrossbarWeight(parameter.detach(), parameter.requires_grad)
        layer = MappedLayer(
            name=weight.name,
            weight=parameter,
            form=weight.form,
            matmul=matmul,
            current=current,
            owners=weight.owners,
            names=weight.names,
            auxiliary=[CrossbarMatmul(session, other, range_margin, range_tracking, input_range) for other in others],
        )
        parameter.layer = layer
        for owner, name in weight.owners:
            setattr(owner, name, parameter)
        layers.append(layer)
    network = CrossbarNetwork(module, session, layers, digital, current)
    if config.array.chained_layers:
        chain_layers(network)
    return network


def _top_of(weight: Weight, place: LayerMap, weight_range: float, own_spread: bool) -> float:
    """Return the weight of the top level."""
    values = weight.parameter.detach().float()
    spread = float(values.std(correction=0)) if own_spread else 0.0
    return max(weight_range * (spread or he_std(place.inputs)), float(values.abs().max()))


def _around_known_faults(
    maps: Sequence[LayerMap], found: Sequence[Weight], tops: Sequence[float], levels: int, config: CrossbarConfig
) -> list[LayerMap]:
    """Lay the layers around the faults of ``array.known_faults``; auxiliary arrays, and groups, stay where they are."""
    array, cells = config.array, config.cells
    assert array.known_faults is not None
    faults = read_fault_map(array.known_faults, array.rows, array.columns).of(tile_count(maps))
    formed = float(cells.tables[O_INITIAL : O_INITIAL + TRAIT_BINS].mean())
    low, high = cells.window
    fixed = CellLevels(levels - 1, min(max((formed - low) / (high - low), 0.0), 1.0) * (levels - 1))
    laid = list(maps)
    for number, (weight, top) in enumerate(zip(found, tops, strict=True)):
        if maps[number].groups == 1:
            values = weight.form.of_weight(weight.parameter.detach()).double().numpy() * ((levels - 1) / top)
            laid[number] = around_faults(maps[number], faults, values, fixed, array)
    return laid
