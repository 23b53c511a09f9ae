"""Where each number of a cell model lies.

A preset's formulas become integers once, when a configuration is built: ``scalars`` (one record, `SCALARS`) and
``tables`` (int32, sections starting at ``O_*``). Every user of the physics can index them: Numba kernels, SimPy and
pysim through Python, the netlist harness through C pointers, and an array on the chip.

Fixed-point formats
-------------------
conductance
    Q24 of the nominal Gmax: ``2**24`` is Gmax, and Gmin is ``2**24 / on_off``.
read grid
    ``2**grid_bits`` is Gmax; column currents are sums of these integers.
``Q12``
    Factors (gains, amplitude response, widths) and standard normal deviates: 4096 is 1.
"""

from typing import Final

import numpy as np

G_ONE: Final = 1 << 24
"""Conductance of the nominal Gmax."""
Q12: Final = 1 << 12

STEP_BINS: Final = 512
"""Bins of the cell's own window, low to high conductance, for the mean and spread of a pulse."""
TRAIT_BINS: Final = 1024
"""Quantiles of a device-to-device distribution."""
GAUSS_BINS: Final = 4096
"""Quantiles of the standard normal deviate, scaled to unit variance."""
CODES: Final = 4096
"""Codes of the write drive (12 bits)."""
VAR_BINS: Final = 1024
TIME_BINS: Final = 64
"""Half octaves of the ticks since a cell's last pulse."""
AGE_BINS: Final = 32
"""Bins of the nominal window [Gmin, Gmax] for relaxation and drift."""
EXP2_BINS: Final = 1024
WIRE_BINS: Final = 2048
INPUTS: Final = 256
"""Input codes of a row (8 bits)."""
DRIVE_SHIFT: Final = 4
"""Binary places of a row's current, where it is not proportional to its input code."""

# --- tables (int32) ---------------------------------------------------------------------------------------------------
O_GAUSS: Final = 0
"""[GAUSS_BINS] Q12 quantiles of the standard normal deviate."""
O_MEAN: Final = O_GAUSS + GAUSS_BINS
"""[2][STEP_BINS] Q24 signed mean change by one nominal pulse, SET then RESET."""
O_SIGMA: Final = O_MEAN + 2 * STEP_BINS
"""[2][STEP_BINS] Q24 standard deviation of that change, cycle to cycle."""
O_SHAPE: Final = O_SIGMA + 2 * STEP_BINS
"""[2][STEP_BINS] Q24 change of the mean per standard deviation of the cell's nonlinearity."""
O_AMP_MEAN: Final = O_SHAPE + 2 * STEP_BINS
"""[2][CODES] Q12 factor of the mean by amplitude code."""
O_AMP_SIGMA: Final = O_AMP_MEAN + 2 * CODES
"""[2][CODES] Q12 factor of the spread by amplitude code."""
O_GATE_CAP: Final = O_AMP_SIGMA + 2 * CODES
"""[CODES] Q24 conductance that a SET cannot pass, by gate (word line) code; huge where the gate is no limit."""
O_ENERGY: Final = O_GATE_CAP + CODES
"""[2][CODES] weight of a pulse's cell energy by amplitude code: (V / Vmax)^2 * 65535."""
O_GAIN: Final = O_ENERGY + 2 * CODES
"""[2][TRAIT_BINS] Q12 device-to-device gain of SET and RESET, by quantile."""
O_LOW: Final = O_GAIN + 2 * TRAIT_BINS
"""[TRAIT_BINS] Q24 lower bound of a cell, by quantile."""
O_HIGH: Final = O_LOW + TRAIT_BINS
"""[TRAIT_BINS] Q24 upper bound of a cell, by quantile."""
O_TRAIT_Z: Final = O_HIGH + TRAIT_BINS
"""[TRAIT_BINS] Q12 standard normal quantiles, for the nonlinearity of a cell."""
O_INITIAL: Final = O_TRAIT_Z + TRAIT_BINS
"""[TRAIT_BINS] Q24 conductance after forming, by quantile."""
O_VARIANCE: Final = O_INITIAL + TRAIT_BINS
"""[VAR_BINS] read-noise variance of a cell by its read-grid value, in units of ``read_variance_unit`` grid^2."""
O_RELAX_MEAN: Final = O_VARIANCE + VAR_BINS
"""[TIME_BINS][AGE_BINS] Q24 mean relaxation."""
O_RELAX_SIGMA: Final = O_RELAX_MEAN + TIME_BINS * AGE_BINS
"""[TIME_BINS][AGE_BINS] Q24 standard deviation of the relaxation."""
O_NU_MEAN: Final = O_RELAX_SIGMA + TIME_BINS * AGE_BINS
"""[AGE_BINS] Q16 drift exponent."""
O_NU_SIGMA: Final = O_NU_MEAN + AGE_BINS
"""[AGE_BINS] Q16 standard deviation of the drift exponent."""
O_LOG2_TIME: Final = O_NU_SIGMA + AGE_BINS
"""[TIME_BINS] Q8 base-2 logarithm of (time since the pulse / drift reference time), 0 before the reference time."""
O_EXP2: Final = O_LOG2_TIME + TIME_BINS
"""[EXP2_BINS] Q15 two to the power of minus a fraction."""
O_WIRE: Final = O_EXP2 + EXP2_BINS
"""[WIRE_BINS] Q12 factor of a cell's current by its distance (row + column) along the wires, where it is read alone."""
O_PULSE_Z: Final = O_WIRE + WIRE_BINS
"""[GAUSS_BINS] Q12 quantiles of the deviate of a pulse, where it is not normal."""
O_RELAX_Z: Final = O_PULSE_Z + GAUSS_BINS
"""[GAUSS_BINS] Q12 quantiles of the deviate of the relaxation, where it is not normal."""
O_WEAR: Final = O_RELAX_Z + GAUSS_BINS
"""[2][TIME_BINS] Q12 factors of a pulse's mean and of its spread by the pulses before it, in half octaves."""
O_LIFE: Final = O_WEAR + 2 * TIME_BINS
"""[TRAIT_BINS] pulses after which a cell no longer responds, by quantile."""
O_TRAP_SHIFT: Final = O_LIFE + TRAIT_BINS
"""[TRAIT_BINS] base-2 logarithm of the ticks in which a trap may settle anew, by quantile of its time constant."""
O_TRAP_CHANCE: Final = O_TRAP_SHIFT + TRAIT_BINS
"""[TRAIT_BINS] Q31 probability that it does."""
O_TRAP_SIZE: Final = O_TRAP_CHANCE + TRAIT_BINS
"""[TRAIT_BINS] Q16 share of the conductance that a trap takes, by quantile."""
O_DRIVE: Final = O_TRAP_SIZE + TRAIT_BINS
"""[INPUTS] current of a row's cells by its input code, in input codes times 2**drive_shift, where it is not linear."""
O_KEPT: Final = O_DRIVE + INPUTS
"""[EXP2_BINS] Q30 two to the power of minus a fraction: what reads leave of a cell's distance from a bound."""
O_STRESS: Final = O_KEPT + EXP2_BINS
"""[INPUTS] what an input step does to the cells of a row by its input code, in units of `READ_STRESS`."""
TABLE_SIZE: Final = O_STRESS + INPUTS
"""Entries that every cell model has."""
O_PRODUCT: Final = TABLE_SIZE
"""[rows * columns], where wires attenuate: Q16 share of that current that is left in a multiplication, by cell."""

# --- scalars: one record ----------------------------------------------------------------------------------------------
SCALARS: Final = np.dtype(
    (
        np.record,
        [
            ("seed", "<i8"),  # already mixed to 64 bits
            ("g_min", "<i8"),  # the nominal window, Q24
            ("g_max", "<i8"),
            ("bin_scale", "<i8"),  # STEP_BINS * 2**32 / (g_max - g_min)
            ("age_scale", "<i8"),  # AGE_BINS * 2**32 / (g_max - g_min)
            ("noise_clip", "<i8"),  # Q12: deviates of a pulse are clipped to plus and minus this
            ("window_varies", "<i8"),  # 1 when bounds differ from cell to cell
            ("shape_varies", "<i8"),  # 1 when the nonlinearity differs from cell to cell
            ("gain_shared", "<i8"),  # 1 when SET and RESET of a cell share one gain draw
            ("ages", "<i8"),  # 1 when relaxation or drift make the conductance depend on ticks
            # Q24 standard deviation of the apparent conductance, drawn at every pulse (aihwkit's write noise); 0: none.
            ("write_noise", "<i8"),
            ("stuck_low", "<i8"),  # probabilities times 2**32
            ("stuck_high", "<i8"),
            ("non_responding", "<i8"),
            (
                "width",
                "<i8",
                2,
            ),  # nominal widths of SET and RESET pulses in cycles: the tables hold the response to these
            ("width_scales", "<i8"),  # 1 when the response to a pulse is proportional to its width
            ("grid_shift", "<i8"),  # 24 - grid_bits
            ("grid_limit", "<i8"),  # largest read-grid value
            ("var_shift", "<i8"),  # read-grid value to position in the variance table
            ("wires", "<i8"),  # 1 when wires attenuate
            # The ADC reads a single cell with these; the gain for column sums is a register of each tile.
            ("adc_max", "<i8"),  # largest code: 2**adc_bits - 1
            ("read_gain", "<i8"),  # codes per read-grid unit, in 2**-READ_GAIN_SHIFT
            ("read_ku", "<i8"),  # (2**-8 codes)^2 of noise variance per variance unit, in 2**-READ_KU_SHIFT
            ("adc_ka", "<i8"),  # noise variance of the converter itself in (2**-8 codes)^2
            ("adc_min", "<i8"),  # least code of unsubtracted currents: 0, or below it where offsets are modelled
            ("adc_offset", "<i8"),  # standard deviation of the offset of an output's conversions, in 2**-8 codes
            ("adc_gain_error", "<i8"),  # Q16 standard deviation of the gain of an ADC channel
            ("reference", "<i8"),  # current of the reference source that calibrates gains, in read-grid units
            # One unit of variance is variance_unit / 2**variance_shift read-grid units squared; 16 significant bits.
            ("variance_unit", "<i8"),
            ("variance_shift", "<i8"),
            ("limit_unit", "<i8"),  # current limit per compliance code, in drive codes times Q24 conductance
            ("access", "<i8"),  # Q12 of Gmax times the resistance in series with a cell during a pulse; 0: none
            ("pulse_effects", "<i8"),  # 1 when a pulse has to look for any of the effects below
            # Q24 of 1 + G R at the conductance at which the response holds; 0: it does not follow the cell's share.
            ("access_at", "<i8"),
            ("threshold_varies", "<i8"),  # 1 when thresholds differ from cell to cell
            ("threshold_spread", "<i8", 2),  # Q8 codes, of SET and RESET
            ("pulse_tails", "<i8"),  # 1 when the deviate of a pulse is not normal
            ("relaxation_tails", "<i8"),
            ("wears", "<i8"),  # 1 when the response depends on the pulses before
            ("fails", "<i8"),  # 1 when cells no longer respond after a number of pulses
            # `DRIVE_SHIFT` where the current of a row is not proportional to its input code; 0: it is.
            ("drive_shift", "<i8"),
            ("trap_share", "<i8"),  # probability that a cell has a trap, times 2**32
            ("trap_occupied", "<i8"),  # share of the time in which a trap is occupied, times 2**32
            # Other cells see this part of a pulse's voltage: half (2) or a third (3); 0: they have transistors.
            ("half_select", "<i8"),
            ("gate_spread", "<i8"),  # Q24 standard deviation, from cell to cell, of what the gate allows
            ("reads_disturb", "<i8"),  # 1 when reads move cells
            ("read_stress", "<i8"),  # what a conversion of one cell does, in units of `READ_STRESS`
            # Q30 octaves that a unit of that brings a cell nearer to a bound: stress_rate / 2**stress_shift.
            ("stress_rate", "<i8"),
            ("stress_shift", "<i8"),
            ("stress_lowers", "<i8"),  # 1 when reads move cells to their lower bound
        ],
    )
)
"""What a cell model has one of. Functions take an array of one record, which C pointers can name."""
READ_GAIN_SHIFT: Final = 20
READ_KU_SHIFT: Final = 16
"""Fixed-point positions of the gain and the variance factor of single-cell reads."""

READ_STRESS: Final = 1 << 8
"""Units of the longer one of a single cell's conversion and an input step of the full read voltage."""
MOST_STRESS: Final = 1 << 38
"""Units by which reads move a cell at a time."""
LEAST_SHARE: Final = 1 << 14
"""Q30 share of its way by which reads move a cell at least; what is less is kept until it has become as much."""

NO_LIMIT: Final = 255
"""Compliance code that switches the current limit off."""
TRIM_CENTRE: Final = 128
TRIM_STEP_Q16: Final = 64
"""Gain of an ADC channel by its trim code: the 8 bits span plus and minus an eighth."""
RANGE_BITS: Final = 11
"""Bits of the mantissa of a range code, its leading one excepted."""
RANGE_EXPONENT_MAX: Final = 28
"""Larger exponents stand for this one: no exact column sum is larger, and 64 bits hold every product."""
RANGE_POINT: Final = 5
"""Binary places of a full scale at exponent 0."""
GAIN_BITS: Final = 24
KU_BITS: Final = 16
"""Significant bits of an ADC range's gain and variance factor."""

# --- what a draw is for ----------------------------------------------------------------------------------------------
DRAW_PULSE: Final = 1
DRAW_TRAITS: Final = 2
DRAW_FAULT: Final = 3
DRAW_INITIAL: Final = 4
DRAW_RELAX: Final = 5
DRAW_DRIFT: Final = 6
DRAW_WRITE_NOISE: Final = 7
DRAW_CONVERSION: Final = 8
DRAW_ADC_OFFSET: Final = 9
DRAW_ADC_GAIN: Final = 10
DRAW_THRESHOLD: Final = 11
DRAW_LIFE: Final = 12
DRAW_TRAP: Final = 13
DRAW_TELEGRAPH: Final = 14
DRAW_HALF_SELECTED: Final = 15
DRAW_GATE: Final = 16

# --- faults of a cell (state array ``fault``) ------------------------------------------------------------------------
FAULT_NONE: Final = 0
FAULT_STUCK_LOW: Final = 1
FAULT_STUCK_HIGH: Final = 2
FAULT_NON_RESPONDING: Final = 3

SET: Final = 0
RESET: Final = 1
