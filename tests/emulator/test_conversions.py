"""Column sums are converted to the same codes several at a time, in float64, as one by one in integers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.column_conversions import ColumnConversion, conversion_over, convert_columns
from twinbar.emulator.engines.bulk.converters import Converters, make_converters

TILES = 4
BATCH = 70


def conversion_of(config: CrossbarConfig, full_scale: float) -> ColumnConversion:
    low, high = config.array.code_range
    return conversion_over(config.adc_range(full_scale), config, low, high)


def converted(config: CrossbarConfig, conversion: ColumnConversion, parts: int) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(5)
    array = config.array
    shape = (2, array.planes * BATCH, 2, array.outputs)
    largest = config.sums.largest_sum
    sums = np.rint(largest * rng.uniform(-1, 1, shape) ** 3).astype(config.sums.dtype)
    variances = np.rint(config.sums.largest_variance * rng.uniform(0, 1, shape) ** 3).astype(config.sums.dtype)
    rank = rng.permutation(2 * array.planes * BATCH).reshape(2, array.planes, BATCH).astype(np.int32)
    rank[rng.random(rank.shape) < 0.1] = -1
    converters: Converters = make_converters(config, TILES)
    converters.counts[:] = rng.integers(0, 1000, converters.counts.shape)
    converters.pair_offsets[:] = rng.integers(-3, 4, converters.pair_offsets.shape)
    codes = np.empty((2, 2, BATCH, array.outputs), np.int32)
    extremes = np.empty((TILES, parts, 3), np.int64)
    convert_columns(
        0,
        TILES * parts,
        0,
        sums,
        variances,
        rank,
        np.array([array.outputs, array.outputs - 3]),
        conversion,
        converters.pair_errors,
        converters.pair_offsets,
        converters.factors,
        converters.counts,
        np.empty((TILES * parts, 4, array.outputs)),
        codes,
        extremes,
        config.cells.scalars,
        config.cells.tables,
    )
    total = [extremes[..., 0].min(axis=1), extremes[..., 1].max(axis=1), extremes[..., 2].sum(axis=1)]
    return codes.tolist(), [each.tolist() for each in total]


@pytest.mark.parametrize("full_scale", [1.0, 1e3, 9e4, 4e6])
@pytest.mark.parametrize(
    "choices",
    [
        {"rows": 128},
        {"rows": 128, "inputs": "planes", "adc_channels": 4, "adc_offset_codes": 2.0, "adc_gain_error": 0.03},
        {"rows": 128, "adc_bits": 12, "adc_noise_codes": 3.0},
    ],
    ids=["defaults", "planes", "fine"],
)
def test_codes_are_the_same_together_and_one_by_one(
    make_crossbar: Callable[..., CrossbarConfig], choices: dict[str, Any], full_scale: float
) -> None:
    config = make_crossbar(**{"columns": 16, "pairs": "subtract", "grid_bits": 10} | choices)
    conversion = conversion_of(config, full_scale)
    assert conversion.fits
    together = converted(config, conversion, parts=1)
    assert together == converted(config, conversion._replace(fits=False), parts=1)
    assert together == converted(config, conversion, parts=3)


def test_sums_beyond_the_mantissa_are_converted_one_by_one(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar(rows=64, columns=4, pairs="subtract", inputs="dac", input_bits=8, grid_bits=16)
    assert config.sums.dtype == np.float64
    assert not conversion_of(config, 1e6).fits
