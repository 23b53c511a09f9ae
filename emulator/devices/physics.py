"""The physics of a cell and of a conversion, in integers: one set of scalar functions for every engine.

No libm, no fast math, no state: a function of its arguments only. The tables come from
`twinbar.emulator.devices.cell_tables`;
their layout and fixed-point formats are in `twinbar.emulator.devices.layout`. The only floating-point operation is a
square root, which IEEE 754 rounds correctly on every processor, of integers below 2**50, where its floor is exact.
"""

import math

import numpy as np

from twinbar.emulator.devices.layout import (
    AGE_BINS,
    CODES,
    DRAW_ADC_GAIN,
    DRAW_ADC_OFFSET,
    DRAW_CONVERSION,
    DRAW_DRIFT,
    DRAW_FAULT,
    DRAW_GATE,
    DRAW_HALF_SELECTED,
    DRAW_INITIAL,
    DRAW_LIFE,
    DRAW_PULSE,
    DRAW_RELAX,
    DRAW_TELEGRAPH,
    DRAW_THRESHOLD,
    DRAW_TRAITS,
    DRAW_TRAP,
    DRAW_WRITE_NOISE,
    EXP2_BINS,
    FAULT_NON_RESPONDING,
    FAULT_NONE,
    FAULT_STUCK_HIGH,
    FAULT_STUCK_LOW,
    GAIN_BITS,
    KU_BITS,
    LEAST_SHARE,
    MOST_STRESS,
    NO_LIMIT,
    O_AMP_MEAN,
    O_AMP_SIGMA,
    O_DRIVE,
    O_ENERGY,
    O_EXP2,
    O_GAIN,
    O_GATE_CAP,
    O_GAUSS,
    O_HIGH,
    O_INITIAL,
    O_KEPT,
    O_LIFE,
    O_LOG2_TIME,
    O_LOW,
    O_MEAN,
    O_NU_MEAN,
    O_NU_SIGMA,
    O_PRODUCT,
    O_PULSE_Z,
    O_RELAX_MEAN,
    O_RELAX_SIGMA,
    O_RELAX_Z,
    O_SHAPE,
    O_SIGMA,
    O_TRAIT_Z,
    O_TRAP_CHANCE,
    O_TRAP_SHIFT,
    O_TRAP_SIZE,
    O_VARIANCE,
    O_WEAR,
    O_WIRE,
    RANGE_BITS,
    RANGE_EXPONENT_MAX,
    RANGE_POINT,
    READ_GAIN_SHIFT,
    READ_KU_SHIFT,
    SET,
    STEP_BINS,
    TIME_BINS,
    TRAIT_BINS,
    TRIM_CENTRE,
    TRIM_STEP_Q16,
)
from twinbar.emulator.kernels.compiled import inline

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_GAUSS_SHIFT = np.uint64(64 - 12)
_TRAIT_MASK = np.uint64(TRAIT_BINS - 1)
_LOW_31 = np.uint64((1 << 31) - 1)
_LN2_Q30 = round(math.log(2) * 2**30)
_MOST_SLOTS_BACK = 64
"""A trap settles anew in a slot with a probability of 0.39 or more: it did so within these, but for one in 10^13."""


@inline
def mix(x):
    """Finalize 64 bits (splitmix64: Steele, Lea, Flood, OOPSLA 2014; constants are Stafford's variant 13)."""
    x = np.uint64(x)
    x = (x ^ (x >> _S30)) * _MIX1
    x = (x ^ (x >> _S27)) * _MIX2
    return x ^ (x >> _S31)


@inline
def cell_key(seed, tile, cell):
    """Return the key of a cell: ``cell`` is ``row * columns + column`` within ``tile``."""
    return mix(np.uint64(seed) + ((np.uint64(tile) << np.uint64(32)) + np.uint64(cell) + np.uint64(1)) * _GOLDEN)


@inline
def event(purpose, count):
    """Number the ``count``-th event of a kind (``DRAW_*``)."""
    return (np.uint64(purpose) << np.uint64(48)) + np.uint64(count)


@inline
def event_bits(key, number):
    """Draw 64 uniform bits for an event."""
    return mix(np.uint64(key) + np.uint64(number) * _GOLDEN)


@inline
def draw(key, purpose, count):
    """Draw 64 uniform bits for the ``count``-th event of a kind; order of visits, engine and thread do not matter."""
    return event_bits(key, event(purpose, count))


@inline
def deviate(bits, quantiles, tables):
    """Turn the upper bits of a draw into a deviate, Q12, by the table of quantiles at an offset."""
    return np.int64(tables[quantiles + np.int64(np.uint64(bits) >> _GAUSS_SHIFT)])


@inline
def gauss(bits, tables):
    """Turn the upper bits of a draw into a standard normal deviate, Q12."""
    return deviate(bits, O_GAUSS, tables)


@inline
def traits(key, scalars, tables):
    """Return what distinguishes a cell from its neighbours.

    Returns
    -------
    tuple of int
        Q12 gain of SET and of RESET, Q24 lower and upper bound, bin scale of that window, and the Q12 deviates of the
        nonlinearity of SET and RESET.
    """
    bits = draw(key, DRAW_TRAITS, 0)
    first = np.int64(bits & _TRAIT_MASK)
    second = np.int64((bits >> np.uint64(10)) & _TRAIT_MASK)
    if scalars[0].gain_shared:
        second = first
    gain_set = np.int64(tables[O_GAIN + first])
    gain_reset = np.int64(tables[O_GAIN + TRAIT_BINS + second])
    low = scalars[0].g_min
    high = scalars[0].g_max
    scale = scalars[0].bin_scale
    if scalars[0].window_varies:
        low = np.int64(tables[O_LOW + np.int64((bits >> np.uint64(20)) & _TRAIT_MASK)])
        high = np.int64(tables[O_HIGH + np.int64((bits >> np.uint64(30)) & _TRAIT_MASK)])
        scale = (np.int64(STEP_BINS) << 32) // (high - low)
    shape_set = np.int64(0)
    shape_reset = np.int64(0)
    if scalars[0].shape_varies:
        shape_set = np.int64(tables[O_TRAIT_Z + np.int64((bits >> np.uint64(40)) & _TRAIT_MASK)])
        shape_reset = np.int64(tables[O_TRAIT_Z + np.int64((bits >> np.uint64(50)) & _TRAIT_MASK)])
    return gain_set, gain_reset, low, high, scale, shape_set, shape_reset


@inline
def draw_fault(key, scalars):
    """Draw the fault of a cell (one of ``FAULT_*``)."""
    u = np.int64(draw(key, DRAW_FAULT, 0) >> np.uint64(32))
    fault = FAULT_NONE
    if u < scalars[0].stuck_low:
        fault = FAULT_STUCK_LOW
    elif u < scalars[0].stuck_low + scalars[0].stuck_high:
        fault = FAULT_STUCK_HIGH
    elif u < scalars[0].stuck_low + scalars[0].stuck_high + scalars[0].non_responding:
        fault = FAULT_NON_RESPONDING
    return fault


@inline
def initial_conductance(key, fault, low, high, tables):
    """Return the Q24 conductance of a cell after forming, within its bounds."""
    g = np.int64(tables[O_INITIAL + np.int64(draw(key, DRAW_INITIAL, 0) & _TRAIT_MASK)])
    if fault == FAULT_STUCK_LOW:
        g = low
    elif fault == FAULT_STUCK_HIGH:
        g = high
    return min(max(g, low), high)


@inline
def width_factor(width, polarity, scalars):
    """Return the Q12 factor by which a pulse of ``width`` cycles moves a cell, against one of nominal width."""
    nominal = scalars[0].width[polarity]
    factor = np.int64(4096)
    if width != nominal and scalars[0].width_scales:
        factor = (np.int64(width) << 12) // nominal
    return factor


@inline
def cell_amplitude(amplitude, polarity, g, key, scalars, tables):
    """Return the amplitude code as which a pulse acts on a cell.

    An access transistor takes a share of the voltage, which grows with the conductance of the cell; thresholds differ
    from cell to cell, which shifts their response. Without either, it is the amplitude of the pulse.
    """
    code = amplitude
    if scalars[0].access_at > 0:
        in_series = (np.int64(1) << 24) + ((np.int64(g) * scalars[0].access) >> 12)
        code = min((np.int64(code) * scalars[0].access_at + (in_series >> 1)) // in_series, CODES - 1)
    if scalars[0].threshold_varies:
        z = np.int64(tables[O_TRAIT_Z + np.int64(draw(key, DRAW_THRESHOLD, 0) & _TRAIT_MASK)])
        shift = (scalars[0].threshold_spread[polarity] * z + (1 << 19)) >> 20
        code = min(max(np.int64(code) - shift, 0), CODES - 1)
    return code


@inline
def worn(mean, spread, count, scalars, tables):
    """Return mean and spread of the pulse that follows ``count`` others: cells wear."""
    if scalars[0].wears:
        at = O_WEAR + time_bin(count + 1)
        mean = (mean * np.int64(tables[at])) >> 12
        spread = (spread * np.int64(tables[at + TIME_BINS])) >> 12
    return mean, spread


@inline
def lifetime(key, tables):
    """Return the pulses after which a cell no longer responds."""
    return np.int64(tables[O_LIFE + np.int64(draw(key, DRAW_LIFE, 0) & _TRAIT_MASK)])


@inline
def unless_failed(after, before, key, count, scalars, tables):
    """Return the conductance after the pulse that follows ``count`` others: a cell that has failed stays as it was."""
    if scalars[0].fails:
        after = before if count >= lifetime(key, tables) else after
    return after


@inline
def cap_of_cell(cap, key, scalars, tables):
    """Return the conductance that a gate allows a cell, of what it allows in the mean: transistors differ."""
    if scalars[0].gate_spread > 0:
        z = np.int64(tables[O_TRAIT_Z + np.int64(draw(key, DRAW_GATE, 0) & _TRAIT_MASK)])
        cap += (scalars[0].gate_spread * z + 2048) >> 12
    return cap


@inline
def apply_pulse(g, key, count, polarity, amplitude, gate, width, cell, scalars, tables):
    """Return the conductance after one pulse on a sound cell (arguments as in `apply_drawn_pulse`)."""
    return apply_drawn_pulse(g, key, count, 0, polarity, amplitude, gate, width, cell, scalars, tables)


@inline
def apply_drawn_pulse(g, key, count, number, polarity, amplitude, gate, width, cell, scalars, tables):
    """Return the conductance after one pulse on a sound cell: its own, or one that is meant for another.

    Parameters
    ----------
    g : int
        Q24 conductance before.
    key : int
        `cell_key` of the cell.
    count : int
        Pulses that the cell has seen before this one.
    number : int
        0 where the pulse is the cell's own, whose deviate is drawn by ``count``; else what the deviate is drawn by.
    polarity : int
        `SET` or `RESET`.
    amplitude, gate : int
        Codes of the write drive and of the word line.
    width : int
        Cycles for which the gate was open, truncated pulses included.
    cell : tuple
        The cell's `traits`.
    """
    gain_set, gain_reset, low, high, scale, shape_set, shape_reset = cell
    position = ((g - low) * scale) >> 32
    position = min(max(position, 0), STEP_BINS - 1)
    gain = gain_set if polarity == SET else gain_reset
    at = polarity * STEP_BINS + position
    mean = np.int64(tables[O_MEAN + at])
    if scalars[0].shape_varies:
        shape = shape_set if polarity == SET else shape_reset
        mean += (np.int64(tables[O_SHAPE + at]) * shape) >> 12
        # A cell may be more or less nonlinear than its neighbours; its pulses do not change direction for that.
        mean = max(mean, np.int64(0)) if polarity == SET else min(mean, np.int64(0))
    bits = draw(key, DRAW_PULSE, count)
    if number != 0:
        bits = event_bits(key, number)
    z = gauss(bits, tables)
    code = amplitude
    # One look for all that few presets have: each would cost every pulse its own.
    if scalars[0].pulse_effects:
        if scalars[0].pulse_tails:
            z = deviate(bits, O_PULSE_Z, tables)
        code = cell_amplitude(amplitude, polarity, g, key, scalars, tables)
    clip = scalars[0].noise_clip
    z = min(max(z, -clip), clip)
    code += polarity * CODES
    mean = (mean * gain) >> 12
    mean = (mean * np.int64(tables[O_AMP_MEAN + code])) >> 12
    spread = (np.int64(tables[O_SIGMA + at]) * z) >> 12
    spread = (spread * np.int64(tables[O_AMP_SIGMA + code])) >> 12
    if scalars[0].pulse_effects:
        mean, spread = worn(mean, spread, count, scalars, tables)
    change = ((mean + spread) * width_factor(width, polarity, scalars)) >> 12
    after = g + change
    if polarity == SET:
        # In a 1T1R cell the gate limits the current, and with it the conductance that a SET can reach.
        cap = np.int64(tables[O_GATE_CAP + gate])
        if scalars[0].pulse_effects:
            cap = cap_of_cell(cap, key, scalars, tables)
        if after > cap:
            after = max(g, cap)
    after = min(max(after, low), high)
    if scalars[0].pulse_effects:
        after = unless_failed(after, g, key, count, scalars, tables)
    return after


@inline
def nominal_heat(before, after, polarity, amplitude, scalars, tables):
    """Return the energy that a pulse of nominal width dissipates: mean conductance times V^2, in table units.

    With an access transistor in series, the conductance is that of both, and the heat too.
    """
    mean = (before + after) >> 13
    if scalars[0].access:
        # Unsigned: a signed quotient takes longer, for signs that do not occur.
        mean = np.int64(np.uint64(mean << 24) // np.uint64((np.int64(1) << 24) + mean * scalars[0].access))
    return mean * np.int64(tables[O_ENERGY + polarity * CODES + amplitude])


@inline
def pulse_heat(before, after, polarity, amplitude, width, scalars, tables):
    """Return the energy that a pulse of ``width`` cycles dissipates in its cell (`nominal_heat`)."""
    nominal = scalars[0].width[polarity]
    heat = nominal_heat(before, after, polarity, amplitude, scalars, tables)
    if width != nominal:
        heat = (heat * np.int64(width)) // nominal
    return heat


@inline
def neighbour_polarity(cell, other, columns, polarity):
    """Return the polarity of the voltage that a pulse on ``cell`` leaves over another cell of a passive array.

    In its row or column it is that of the pulse. Elsewhere, the V/3 scheme leaves the opposite one.
    """
    beside = cell // columns == other // columns or cell % columns == other % columns
    return polarity if beside else 1 - polarity


@inline
def share_of_amplitude(amplitude, parts):
    """Return the code of one part of a voltage, rounded half up."""
    return (2 * np.int64(amplitude) + parts) // (2 * parts)


@inline
def half_selected_number(key, count):
    """Return what cells beside the one of ``key`` draw the deviates of its pulse by that follows ``count`` others."""
    return draw(key, DRAW_HALF_SELECTED, count) | np.uint64(1)


@inline
def half_selected(g, key, count, number, polarity, amplitude, gate, width, sound, scalars, tables):
    """Return the conductance after a pulse that is meant for another cell, of which this one sees ``amplitude``.

    It is no pulse of the cell's own: it is not counted, and relaxation does not begin anew.
    """
    at = polarity * CODES + amplitude
    acts = tables[O_AMP_MEAN + at] != 0 or tables[O_AMP_SIGMA + at] != 0 or scalars[0].threshold_varies != 0
    after = g
    if sound and acts:
        cell = traits(key, scalars, tables)
        after = apply_drawn_pulse(g, key, count, number, polarity, amplitude, gate, width, cell, scalars, tables)
    return after


@inline
def kept_share(octaves, tables):
    """Return the Q30 share of a distance that is left when it was halved so often (Q30)."""
    whole = min(octaves >> 30, 40)
    fraction = (octaves >> 20) & (EXP2_BINS - 1)
    rest = octaves & ((1 << 20) - 1)
    kept = np.int64(tables[O_KEPT + fraction])
    kept -= (kept * ((rest * _LN2_Q30) >> 30)) >> 30
    return kept >> whole


@inline
def disturbed(g, key, stress, scalars, tables):
    """Return the conductance after reads that did ``stress`` to a sound cell, and what of it is left for later.

    They bring the cell nearer to a bound of its window, exponentially in time, by its own gain of SET (of RESET, where
    they lower the conductance).
    """
    cell = traits(key, scalars, tables)
    taken = min(stress, MOST_STRESS)
    octaves = (taken * scalars[0].stress_rate) >> scalars[0].stress_shift
    bound = cell[3]
    gain = cell[0]
    if scalars[0].stress_lowers:
        bound = cell[2]
        gain = cell[1]
    octaves = (min(octaves, np.int64(1) << 40) * gain) >> 12
    kept = kept_share(octaves, tables)
    after = g
    left = stress
    if (np.int64(1) << 30) - kept >= LEAST_SHARE:
        way = abs(bound - g)
        way = (way * kept + (np.int64(1) << 29)) >> 30
        after = bound - way if g < bound else bound + way
        left = stress - taken
    return after, left


@inline
def trip_cycle(g, key, count, polarity, amplitude, gate, compliance, cell, sound, scalars, tables):
    """Return the cycle of an open gate in which a pulse's current passes the limit; -1 if it never does.

    The current is proportional to the drive's code and to the conductance, which moves in equal steps per cycle from
    ``g`` to where a pulse of nominal width takes it (and on, where the response scales with the width). So the trip
    depends on nothing but what is known when the gate opens; how long it would stay open does not matter.

    Parameters
    ----------
    g, key, count, polarity, amplitude, gate, cell
        As in `apply_pulse`.
    compliance : int
        Code of the current limit; `NO_LIMIT` is none.
    sound : bool
        Whether the cell responds to pulses.
    """
    trip = np.int64(-1)
    if compliance != NO_LIMIT and amplitude > 0:
        limit = (np.int64(compliance) * scalars[0].limit_unit) // np.int64(amplitude)
        if g > limit:
            trip = np.int64(0)
        elif sound:
            nominal = scalars[0].width[polarity]
            after = apply_pulse(g, key, count, polarity, amplitude, gate, nominal, cell, scalars, tables)
            reaches = after > limit
            if scalars[0].width_scales:
                reaches = after > g and cell[3] > limit
            if reaches:
                trip = ((limit - g) * nominal) // (after - g)
    return trip


@inline
def time_bin(ticks):
    """Return the half octave of a number of ticks (1 or more): 0 is 1 tick, 2 is 2 ticks, 3 is 3, 4 is 4 to 5 ..."""
    n = 0
    rest = np.int64(ticks)
    while rest > 3:
        rest >>= 1
        n += 2
    if rest == 2:
        n += 2
    elif rest == 3:
        n += 3
    return n


@inline
def trapped(key, count, ticks, scalars, tables):
    """Return the Q16 share of a cell's conductance that its trap takes ``ticks`` after its last pulse; often 0.

    A trap settles anew at the events of a Poisson process, and is then occupied with a fixed probability: a random
    telegraph signal whose autocorrelation falls exponentially. Time goes in slots of about its time constant, so that
    a few draws find the last event, whenever it is asked for. A pulse begins a new history.
    """
    bits = draw(key, DRAW_TRAP, 0)
    taken = np.int64(0)
    if np.int64(bits >> np.uint64(32)) < scalars[0].trap_share:
        rate = np.int64(bits & _TRAIT_MASK)
        shift = np.int64(tables[O_TRAP_SHIFT + rate])
        chance = np.int64(tables[O_TRAP_CHANCE + rate])
        history = draw(key, DRAW_TELEGRAPH, count)
        phase = np.int64(history & np.uint64((np.int64(1) << shift) - 1))
        slot = ((np.int64(ticks) + phase) >> shift) + _MOST_SLOTS_BACK
        last = slot - _MOST_SLOTS_BACK
        settled = event_bits(history, np.uint64(slot))
        while np.int64(settled & _LOW_31) >= chance and slot > last:
            slot -= 1
            settled = event_bits(history, np.uint64(slot))
        if np.int64(settled >> np.uint64(32)) < scalars[0].trap_occupied:
            taken = np.int64(tables[O_TRAP_SIZE + np.int64((bits >> np.uint64(10)) & _TRAIT_MASK)])
    return taken


@inline
def effective_conductance(g, key, count, ticks, scalars, tables):
    """Return the Q24 conductance that a read sees ``ticks`` after the cell's last pulse (its ``count``-th).


    Write noise, relaxation and drift do not change the state; they are functions of it, of the ticks, and of draws
    keyed by the pulse count, so that reading often or late changes nothing. Nothing relaxes within a tick.
    """
    seen = g
    if scalars[0].write_noise:
        seen += (scalars[0].write_noise * gauss(draw(key, DRAW_WRITE_NOISE, count), tables)) >> 12
    if scalars[0].ages and ticks > 0 and count > 0:
        when = time_bin(ticks)
        age = ((g - scalars[0].g_min) * scalars[0].age_scale) >> 32
        age = min(max(age, 0), AGE_BINS - 1)
        at = when * AGE_BINS + age
        bits = draw(key, DRAW_RELAX, count)
        z = gauss(bits, tables)
        if scalars[0].relaxation_tails:
            z = deviate(bits, O_RELAX_Z, tables)
        relaxed = np.int64(tables[O_RELAX_SIGMA + at]) * z
        seen += np.int64(tables[O_RELAX_MEAN + at]) + (relaxed >> 12)
        nu = np.int64(tables[O_NU_MEAN + age])
        nu += (np.int64(tables[O_NU_SIGMA + age]) * gauss(draw(key, DRAW_DRIFT, count), tables)) >> 12
        # Q16 exponent times Q8 logarithm is Q24; the table wants the fraction in EXP2_BINS steps.
        power = max(nu, 0) * np.int64(tables[O_LOG2_TIME + when])
        whole = power >> 24
        fraction = (power >> 14) & (EXP2_BINS - 1)
        seen = max(seen, 0)
        seen = (seen * np.int64(tables[O_EXP2 + fraction])) >> min(15 + whole, 62)
    seen = max(seen, 0)
    if scalars[0].trap_share > 0:
        seen -= (seen * trapped(key, count, ticks, scalars, tables)) >> 16
    return seen


@inline
def to_grid(seen, distance, scalars, tables):
    """Round a Q24 conductance to the read grid, as a cell at ``distance`` (row + column) is read alone.

    Its own current is then the only one in the wires to it.
    """
    shift = scalars[0].grid_shift
    grid = (seen + (np.int64(1) << (shift - 1))) >> shift
    if scalars[0].wires:
        grid = (grid * np.int64(tables[O_WIRE + distance]) + 2048) >> 12
    return min(grid, scalars[0].grid_limit)


@inline
def product_grid(grid, cell, scalars, tables):
    """Return the read-grid value of a cell in a multiplication, where the currents of its neighbours share its wires.

    Parameters
    ----------
    grid : int
        As the cell is read alone (`to_grid`).
    cell : int
        ``row * columns + column``.
    """
    if scalars[0].wires:
        grid = min((grid * np.int64(tables[O_PRODUCT + cell]) + 32768) >> 16, scalars[0].grid_limit)
    return grid


@inline
def grid_variance(grid, scalars, tables):
    """Return the read-noise variance of a cell from its read-grid value."""
    return np.int64(tables[O_VARIANCE + (grid >> scalars[0].var_shift)])


@inline
def channel_key(seed, tile, channel):
    """Return the key of an ADC channel of a tile."""
    return mix(
        np.uint64(seed)
        ^ (((np.uint64(DRAW_CONVERSION) << np.uint64(56)) + (np.uint64(tile) << np.uint64(16))) | np.uint64(channel))
    )


@inline
def adc_offset(seed, tile, column, pair, scalars, tables):
    """Return the offset of an output's conversions in Q20 codes: of a column, or with ``pair`` of a subtracted pair."""
    bits = draw(channel_key(seed, tile, column), DRAW_ADC_OFFSET, pair)
    return scalars[0].adc_offset * gauss(bits, tables)


@inline
def channel_gain(gain, seed, tile, channel, trim, scalars, tables):
    """Give the gain of an ADC channel: that of its range, off by the channel's own error, adjusted by its trim code."""
    error = (scalars[0].adc_gain_error * gauss(draw(channel_key(seed, tile, channel), DRAW_ADC_GAIN, 0), tables)) >> 12
    return (gain * (65536 + error + (np.int64(trim) - TRIM_CENTRE) * TRIM_STEP_Q16)) >> 16


@inline
def bit_length(value):
    """Return the bits of a non-negative integer."""
    bits = np.int64(0)
    while value > 0:
        value >>= 1
        bits += 1
    return bits


@inline
def range_full_scale(code, top):
    """Return mantissa and exponent of the current of code ``top``: ``mantissa * 2**exponent`` read-grid units.

    A range code holds RANGE_BITS bits of mantissa, without its leading one, below its exponent. A range of less than
    one unit per code has no meaning: it stands for one unit.
    """
    mantissa = (np.int64(1) << RANGE_BITS) + (np.int64(code) & ((1 << RANGE_BITS) - 1))
    exponent = min(np.int64(code) >> RANGE_BITS, np.int64(RANGE_EXPONENT_MAX)) - RANGE_POINT
    if (exponent <= 0 and (mantissa >> -exponent) < top) or (exponent > 0 and (mantissa << exponent) < top):
        mantissa = np.int64(top)
        exponent = np.int64(0)
    return mantissa, exponent


@inline
def adc_range(code, top, scalars):
    """Return what a range code means to `convert`.

    Parameters
    ----------
    code : int
        16 bits, see `range_full_scale`.
    top : int
        Largest code of the converter.

    Returns
    -------
    tuple of int
        Gain, its shift (GAIN_BITS significant bits), variance factor, its shift (KU_BITS significant bits).
    """
    mantissa, exponent = range_full_scale(code, top)
    # gain = top / (mantissa * 2**exponent), with its leading one at bit GAIN_BITS - 1.
    shift = GAIN_BITS + bit_length(mantissa) - bit_length(np.int64(top))
    gain = ((np.int64(top) << shift) + (mantissa >> 1)) // mantissa
    if gain >> GAIN_BITS:
        gain = (gain + 1) >> 1
        shift -= 1
    gain_shift = shift + exponent
    # ku = variance unit * (256 * gain)**2
    upper = gain >> (GAIN_BITS - 16)
    product = upper * upper * scalars[0].variance_unit
    spare = max(bit_length(product) - KU_BITS, np.int64(0))
    ku = product >> spare
    ku_shift = scalars[0].variance_shift + 2 * (gain_shift - (GAIN_BITS - 16)) - 16 - spare
    if ku_shift > 62:
        ku = np.int64(0)
        ku_shift = np.int64(62)
    elif ku_shift < 0:
        ku <<= -ku_shift
        ku_shift = np.int64(0)
    return gain, gain_shift, ku, ku_shift


@inline
def sum_range(code, top, scalars):
    """Return `adc_range` of column sums, whose unit is finer where currents are not proportional to input codes."""
    gain, gain_shift, ku, ku_shift = adc_range(code, top, scalars)
    places = scalars[0].drive_shift
    if places > 0:
        gain_shift += places
        ku_shift += 2 * places
        if ku_shift > 62:
            ku >>= ku_shift - 62
            ku_shift = np.int64(62)
    return gain, gain_shift, ku, ku_shift


@inline
def driven_current(code, scalars, tables):
    """Return the current of a cell of one unit whose row is driven by an input code, in units of `sum_range`."""
    current = np.int64(code)
    if scalars[0].drive_shift > 0:
        current = np.int64(tables[O_DRIVE + code])
    return current


@inline
def driven_power(code, current, scalars):
    """Return the heat of such a cell: voltage times `driven_current`, in squares of input codes."""
    return (np.int64(code) * current) >> scalars[0].drive_shift


@inline
def noise_of(variance, ku, ku_shift, ka):
    """Return the standard deviation, in 2**-8 codes, of a conversion whose cells' variances sum to ``variance``."""
    return np.int64(math.sqrt(float(((variance * ku) >> ku_shift) + ka)))


@inline
def convert(total, variance, key, count, offset, gain, gain_shift, ku, ku_shift, ka, low, high, tables):
    """Convert a current to a code: noise, gain, rounding (half up) and clipping.

    Parameters
    ----------
    total : int
        Exact current in read-grid units.
    variance : int
        Exact sum of the cells' variances.
    key, count : int
        `channel_key`, and the number of conversions this channel has made before.
    offset : int
        `adc_offset`.
    gain, gain_shift : int
        ``gain / 2**gain_shift`` codes per read-grid unit; the shift is 20 or more.
    ku, ku_shift, ka : int
        ``ku / 2**ku_shift`` (2**-8 codes)^2 per unit of variance, and the converter's own variance in (2**-8 codes)^2.
    low, high : int
        Range of codes.
    """
    deviation = noise_of(variance, ku, ku_shift, ka)
    return quantize(total, deviation, key, count, offset, gain, gain_shift, low, high, tables)


@inline
def quantize(total, deviation, key, count, offset, gain, gain_shift, low, high, tables):
    """Convert a current to a code as `convert` does, with the standard deviation that `noise_of` gave."""
    noise = deviation * gauss(draw(key, DRAW_CONVERSION, count), tables)
    exact = total * gain + ((noise + offset) << (gain_shift - 20))
    code = (exact + (np.int64(1) << (gain_shift - 1))) >> gain_shift
    return min(max(code, low), high)


@inline
def cell_range(code, scalars):
    """Return `adc_range` of single-cell reads; range code 0 is the configuration's own."""
    gain = scalars[0].read_gain
    gain_shift = np.int64(READ_GAIN_SHIFT)
    ku = scalars[0].read_ku
    ku_shift = np.int64(READ_KU_SHIFT)
    if code != 0:
        gain, gain_shift, ku, ku_shift = adc_range(code, scalars[0].adc_max, scalars)
    return gain, gain_shift, ku, ku_shift


@inline
def convert_cell(grid, spread, seed, tile, column, channel, count, trim, code_range, scalars, tables):
    """Convert the current of one cell, or of the reference source, through the same function as a column sum.

    Parameters
    ----------
    grid, spread : int
        Current in read-grid units, and its variance (`grid_variance`); both 0 with all rows open.
    seed, tile, column, channel : int
        Where it is converted.
    count : int
        Conversions that the channel has made before.
    trim, code_range : int
        Registers: the channel's trim and the range code of single-cell reads.
    """
    gain, gain_shift, ku, ku_shift = cell_range(code_range, scalars)
    return convert(
        grid,
        spread,
        channel_key(seed, tile, channel),
        count,
        adc_offset(seed, tile, column, 0, scalars, tables),
        channel_gain(gain, seed, tile, channel, trim, scalars, tables),
        gain_shift,
        ku,
        ku_shift,
        scalars[0].adc_ka,
        scalars[0].adc_min,
        scalars[0].adc_max,
        tables,
    )
