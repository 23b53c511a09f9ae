"""Compiled decisions and bookkeeping of the update policies: one pass over the weights of a layer."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.devices.physics import cell_key, draw
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.host.update.level_coordinates import closest_levels, in_levels, unevenness, value_of

GIVE_UP_AFTER = 3
"""Failed writes in a row after which a cell is left alone and its partner carries the weight."""
DRAW_ROUNDING = 128
"""Purpose of the draws that round targets (those of cells, and of a twin in few bits, have others)."""
_DRAWN_BITS = 32
_SURELY = np.float32(0.999)
"""Part of a distance below which rounding cannot bring it up to the threshold."""


class ChangeRules(NamedTuple):
    """How `decide_changed` decides, in this step.

    Parameters
    ----------
    threshold : float32
        Hysteresis in levels: a pair is rewritten once the twin is this far from it.
    bound : float32
        Levels that the twin may run away from what the cells hold.
    keep_residual : bool
        Whether the twin keeps the part that quantization cut off.
    in_common : int
        Levels that both cells of a pair may hold at once, so that the less worn one can take a change; 0: one of them
        is always at the lowest level.
    stochastic : bool
        Whether a target is one of the two nearest levels, drawn with the probability of the distance from the other.
    seed, layer, decision : int
        What the draws follow from, beside the place of the weight.
    """

    threshold: np.float32
    bound: np.float32
    keep_residual: bool
    in_common: int
    stochastic: bool
    seed: np.uint64
    layer: int
    decision: int


@inline
def wanted_levels(target, value, part, plus, minus, plus_refuses, minus_refuses, positions):
    """Give the levels of a pair that stand for ``target``: one-sided, unless a cell refuses and its partner fits it.

    The partner is rounded for itself, from the value that the pair should have: its levels may lie elsewhere.
    """
    top = positions.shape[0] - 1
    want_plus = target if target > 0 else 0
    want_minus = -target if target < 0 else 0
    if plus_refuses and minus_refuses:
        want_plus = plus
        want_minus = minus
    elif plus_refuses:
        want_plus = plus
        wanted = in_levels(np.float64(positions[plus]) - value, positions)
        want_minus = min(max(np.int64(np.ceil(wanted - part)), 0), top)
    elif minus_refuses:
        wanted = in_levels(np.float64(positions[minus]) + value, positions)
        want_plus = min(max(np.int64(np.floor(wanted + part)), 0), top)
        want_minus = minus
    return want_plus, want_minus


@inline
def less_worn(target, plus, minus, wear_plus, wear_minus, in_common, top):
    """Give the levels of a pair for ``target`` with one cell changed, the less worn one where both can take it."""
    new_plus = target + minus
    new_minus = plus - target
    plus_can = 0 <= new_plus <= top and min(new_plus, minus) <= in_common
    minus_can = 0 <= new_minus <= top and min(plus, new_minus) <= in_common
    if plus_can and (wear_plus <= wear_minus or not minus_can):
        return new_plus, minus
    if minus_can:
        return plus, new_minus
    return max(target, 0), max(-target, 0)


@inline
def _rounding_part(rules, place):
    """Return what is added to a weight in levels before it is rounded down."""
    part = np.float32(0.5)
    if rules.stochastic:
        bits = draw(cell_key(rules.seed, rules.layer, place), DRAW_ROUNDING, rules.decision) >> np.uint64(
            64 - _DRAWN_BITS
        )
        part = np.float32(np.float64(np.int64(bits)) / (1 << _DRAWN_BITS))
    return part


@inline
def _value_at(plus, minus, read_plus, read_minus, positions, j, i):
    """Return the value that a pair is at, as it was read back where that is known."""
    if read_plus.shape[0] > 0:
        return read_plus[j, i] - read_minus[j, i]
    return positions[plus[j, i]] - positions[minus[j, i]]


@inline
def _wanted(value, rules, plus, minus, failures, wear, positions, j, i):
    """Give the levels of a pair that stand for a value, as `wanted_levels` or `less_worn` has them."""
    top = positions.shape[0] - 1
    part = _rounding_part(rules, j * plus.shape[1] + i)
    target = min(max(np.int64(np.floor(in_levels(value, positions) + part)), -top), top)
    plus_refuses = failures[0, j, i] >= GIVE_UP_AFTER
    minus_refuses = failures[1, j, i] >= GIVE_UP_AFTER
    held_plus = np.int64(plus[j, i])
    held_minus = np.int64(minus[j, i])
    if rules.in_common > 0 and not (plus_refuses or minus_refuses):
        return less_worn(
            target, held_plus, held_minus, np.int64(wear[0, j, i]), np.int64(wear[1, j, i]), rules.in_common, top
        )
    return wanted_levels(target, value, part, held_plus, held_minus, plus_refuses, minus_refuses, positions)


@inline
def _count_writes(wear, origins):
    """Count a write of each cell that is listed, where writes are counted at all."""
    inputs = wear.shape[2]
    if inputs > 0:
        for entry in range(origins.shape[0]):
            weight = origins[entry] // 2
            wear[origins[entry] % 2, weight // inputs, weight % inputs] += 1


@inline
def _has_candidates(weights, scale, least, plus, minus, read_plus, read_minus, j):
    """Say whether a row of the twin may have weights that are off by the threshold: by ``least`` if levels were even.

    Nearly all rows have nothing to write; this pass over them is short, without branches and without a look into the
    table of positions, so it vectorizes.
    """
    found = False
    if read_plus.shape[0] > 0:
        for i in range(weights.shape[1]):
            found |= abs(weights[j, i] * scale - (read_plus[j, i] - read_minus[j, i])) >= least
    else:
        for i in range(weights.shape[1]):
            at = np.float32(plus[j, i]) - np.float32(minus[j, i])
            found |= abs(weights[j, i] * scale - at) >= least
    return found


@inline
def _is_close(value, at, threshold, least, positions):
    """Say whether a value is less than the threshold away, in levels; ``least`` spares most of them the search."""
    return abs(value - at) < least or abs(in_levels(value, positions) - in_levels(at, positions)) < threshold


@inline
def _error_of_even(positions, read_plus):
    """Return by how much a pair's value can differ from that of evenly spaced levels; what was read is a value."""
    if read_plus.shape[0] > 0:
        return np.float32(0.0)
    return np.float32(2.0) * unevenness(positions)


@inline
def _bounded(value, held, bound, positions):
    """Return the value of a twin that may be so many levels away from the value that is held."""
    held_at = in_levels(held, positions)
    return value_of(held_at + min(max(in_levels(value, positions) - held_at, -bound), bound), positions)


def decide_changed(weights, weight_per_level, positions, rules, *others):
    """List the cells whose level must change, and bound the twin.

    Parameters
    ----------
    rules : ChangeRules
    weights, weight_per_level, positions, others
        As in `_decide_changed`, which takes the rules one by one: Numba inspects a named tuple for longer than its
        fields.
    """
    return _decide_changed(weights, weight_per_level, positions, *rules, *others)


@kernel
def _decide_changed(
    weights,
    weight_per_level,
    positions,
    threshold,
    bound,
    keep_residual,
    in_common,
    stochastic,
    seed,
    layer,
    decision,
    plus,
    minus,
    read_plus,
    read_minus,
    failures,
    wear,
    input_address,
    output_address,
    addresses,
    wanted,
    origins,
):
    """List the cells whose level must change, and bound the twin.

    Parameters
    ----------
    weights : float32 [outputs, inputs]
        The twin; where it has run further than the bound from what the cells hold, it is pulled back.
    weight_per_level : float
        Weight of a mean level spacing.
    positions : float32 [levels]
        Where the levels lie, in those spacings; threshold and bound count in levels (`level_coordinates`).
    threshold, bound, keep_residual, in_common, stochastic, seed, layer, decision
        Those of `ChangeRules`.
    plus, minus : uint8 [outputs, inputs]
        Updated to the levels asked for.
    read_plus, read_minus : float32 [outputs, inputs] or [0, 0]
        What was read back, in mean level spacings, to compare with instead of the levels asked for.
    wear : uint32 [2, outputs, inputs]
        Writes of the G+ and the G- cells, which are counted here; [2, 0, 0] where ``in_common`` is 0.
    addresses, wanted, origins : int64, uint8, int32 [2 * outputs * inputs]
        Filled: address of the cell, level, and ``2 * weight + (0 for G+, 1 for G-)``.

    Returns
    -------
    cells, changed_weights, rounded : int
        Cells that are listed, weights whose level changes, and weights whose target was rounded.
    """
    rules = ChangeRules(threshold, bound, keep_residual, in_common, stochastic, seed, layer, decision)
    outputs, inputs = weights.shape
    scale = np.float32(1.0) / np.float32(weight_per_level)
    compare_read = read_plus.shape[0] > 0
    # No weight that is less off reaches the threshold, whichever level it is at.
    least = rules.threshold * closest_levels(positions) * _SURELY
    of_even = least - _error_of_even(positions, read_plus)
    n = 0
    changed = 0
    rounded = 0
    for j in range(outputs):
        if not _has_candidates(weights, scale, of_even, plus, minus, read_plus, read_minus, j):
            continue
        for i in range(inputs):
            value = weights[j, i] * scale
            at = _value_at(plus, minus, read_plus, read_minus, positions, j, i)
            if _is_close(value, at, rules.threshold, least, positions):
                continue
            rounded += 1
            want_plus, want_minus = _wanted(value, rules, plus, minus, failures, wear, positions, j, i)
            # A read-back that is off although the level is right calls for writing the same level again.
            again = compare_read and want_plus == plus[j, i] and want_minus == minus[j, i]
            write_plus = want_plus != plus[j, i] or (again and want_plus > 0 and failures[0, j, i] < GIVE_UP_AFTER)
            write_minus = want_minus != minus[j, i] or (again and want_minus > 0 and failures[1, j, i] < GIVE_UP_AFTER)
            if write_plus:
                addresses[n] = output_address[j] + input_address[i]
                wanted[n] = want_plus
                origins[n] = 2 * (j * inputs + i)
                n += 1
            if write_minus:
                addresses[n] = output_address[j] + input_address[i] + 1
                wanted[n] = want_minus
                origins[n] = 2 * (j * inputs + i) + 1
                n += 1
            if want_plus != plus[j, i] or want_minus != minus[j, i]:
                changed += 1
            plus[j, i] = want_plus
            minus[j, i] = want_minus
            held = positions[want_plus] - positions[want_minus]
            if rules.keep_residual or not (write_plus or write_minus):
                held = _bounded(value, held, rules.bound, positions)
            weights[j, i] = held * np.float32(weight_per_level)
    _count_writes(wear, origins[:n])
    return n, changed, rounded


@kernel
def decide_all(
    weights, weight_per_level, positions, plus, minus, input_address, output_address, addresses, wanted, origins
):
    """List every cell with the level nearest to the twin; gives what `decide_changed` gives."""
    outputs, inputs = weights.shape
    top = positions.shape[0] - 1
    scale = np.float32(1.0) / np.float32(weight_per_level)
    limit = np.float32(top) * np.float32(weight_per_level)
    n = 0
    changed = 0
    for j in range(outputs):
        for i in range(inputs):
            # What a pair cannot hold would wind the twin up.
            weights[j, i] = min(max(weights[j, i], -limit), limit)
            target = np.int64(np.floor(in_levels(weights[j, i] * scale, positions) + np.float32(0.5)))
            target = min(max(target, -top), top)
            want_plus = max(target, 0)
            want_minus = max(-target, 0)
            if want_plus != plus[j, i] or want_minus != minus[j, i]:
                changed += 1
            plus[j, i] = want_plus
            minus[j, i] = want_minus
            addresses[n] = output_address[j] + input_address[i]
            addresses[n + 1] = addresses[n] + 1
            wanted[n] = want_plus
            wanted[n + 1] = want_minus
            origins[n] = 2 * (j * inputs + i)
            origins[n + 1] = origins[n] + 1
            n += 2
    return n, changed


def group_by_tile(addresses, wanted, tiles, cells_per_tile):
    """Sort a list of cells by tile, keeping its order within each tile.

    Returns
    -------
    offsets : int64 [tiles + 1]
    cells : int32 [n]
    levels : uint8 [n]
    order : int64 [n]
        Position in the given list of each entry of the sorted one.
    """
    n = len(addresses)
    # Arrays that compiled code makes take longer to hand over than to fill.
    offsets, places = np.zeros(tiles + 1, np.int64), np.empty(tiles, np.int64)
    cells, levels, order = np.empty(n, np.int32), np.empty(n, np.uint8), np.empty(n, np.int64)
    _fill_by_tile(addresses, wanted, cells_per_tile, offsets, places, cells, levels, order)
    return offsets, cells, levels, order


@kernel
def _fill_by_tile(addresses, wanted, cells_per_tile, offsets, places, cells, levels, order):
    """Fill what `group_by_tile` returns; ``places`` is room for a number per tile."""
    tiles = places.shape[0]
    for i in range(addresses.shape[0]):
        offsets[addresses[i] // cells_per_tile + 1] += 1
    for tile in range(tiles):
        offsets[tile + 1] += offsets[tile]
        places[tile] = offsets[tile]
    for i in range(addresses.shape[0]):
        tile = addresses[i] // cells_per_tile
        at = places[tile]
        places[tile] += 1
        cells[at] = addresses[i] - tile * cells_per_tile
        levels[at] = wanted[i]
        order[at] = i


@kernel
def record_responses(
    origins, codes, ok, code_of_level_zero, codes_per_level, positions, plus, minus, read_plus, read_minus, failures
):
    """Note what the closed loop answered: read-back levels, and cells that did not reach their window.

    Parameters
    ----------
    origins, codes, ok : [n]
        ``2 * weight + side`` of each response, its final code, and whether that lies in the window.
    code_of_level_zero, codes_per_level : float
        How codes stand for values, in mean level spacings.
    positions : float32 [levels]
        Where the levels lie, in those spacings.
    """
    inputs = plus.shape[1]
    keep_read = read_plus.shape[0] > 0
    for n in range(origins.shape[0]):
        weight = origins[n] // 2
        side = origins[n] % 2
        j = weight // inputs
        i = weight % inputs
        value = (codes[n] - code_of_level_zero) / codes_per_level
        if keep_read:
            if side == 0:
                read_plus[j, i] = value
            else:
                read_minus[j, i] = value
        if ok[n]:
            failures[side, j, i] = 0
        else:
            failures[side, j, i] = min(failures[side, j, i] + 1, 255)
            nearest = min(max(np.int64(np.floor(in_levels(value, positions) + 0.5)), 0), positions.shape[0] - 1)
            if side == 0:
                plus[j, i] = nearest
            else:
                minus[j, i] = nearest


@kernel
def put_in_order(order, codes, ok, sets, resets, ends, ordered_codes, ordered_ok, sums):
    """Put the responses of a write list in the order in which the cells were given, and sum them by layer.

    Parameters
    ----------
    order : int64 [n]
        Position of each response among the cells.
    codes, ok, sets, resets : [n]
        Responses (`twinbar.emulator.contract.bulk_operations.WriteResult`).
    ends : int64 [layers]
        Where the cells of each layer end.
    ordered_codes, ordered_ok : int32, bool [n]
        Filled.
    sums : int64 [layers, 3]
        Filled: cells that failed, and pulses of either polarity.
    """
    sums[:] = 0
    for n in range(order.shape[0]):
        place = order[n]
        ordered_codes[place] = codes[n]
        ordered_ok[place] = ok[n]
        layer = 0
        while place >= ends[layer]:
            layer += 1
        sums[layer, 0] += not ok[n]
        sums[layer, 1] += sets[n]
        sums[layer, 2] += resets[n]
