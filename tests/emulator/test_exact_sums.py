"""Column sums are the sums of Python's integers, in either floating-point type and on either path of the engine."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_runner import write_list

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.exactness import plan_sums
from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import FAULT_STUCK_HIGH
from twinbar.emulator.engines.bulk.engine import FEW_STEPS, FastEngine
from twinbar.emulator.engines.bulk.few_vectors import LISTED
from twinbar.emulator.engines.bulk.multiply import sum_columns
from twinbar.hw.errors import ConfigError

NARROW = {"rows": 16, "input_bits": 3, "grid_bits": 10}
WIDE = {"rows": 64, "input_bits": 8, "grid_bits": 16}


def whole_tile(config: CrossbarConfig) -> TileBlock:
    rows, columns = config.array.rows, config.array.columns
    return TileBlock(0, np.arange(rows)[None], np.array([rows]), np.array([columns]), rows)


def grid_of(engine: FastEngine) -> list[list[int]]:
    config = engine.config
    unit = config.cells.g_max_s / 2**config.array.grid_bits
    (tile,) = engine.conductances_s() / unit
    return [[round(value) for value in row] for row in tile.tolist()]


def columns_of(grid: list[list[int]], subtract: bool) -> list[list[int]]:
    if not subtract:
        return grid
    return [[row[k] - row[k + 1] for k in range(0, len(row), 2)] for row in grid]


@pytest.mark.parametrize(("size", "dtype"), [(NARROW, np.float32), (WIDE, np.float64)], ids=["float32", "float64"])
@pytest.mark.parametrize(
    ("vectors", "sparse"),
    [(FEW_STEPS, False), (LISTED + 3, True), (FEW_STEPS + 3, False)],
    ids=["few vectors", "row by row", "matrix product"],
)
@pytest.mark.parametrize("pairs", ["separate", "subtract"])
@pytest.mark.parametrize("full", [False, True], ids=["random", "largest"])
def test_sums_are_exact(
    make_crossbar: Callable[..., CrossbarConfig],
    size: dict[str, int],
    dtype: type,
    vectors: int,
    sparse: bool,
    pairs: str,
    full: bool,
) -> None:
    config = make_crossbar(**size, pairs=pairs)
    assert config.sums.dtype == dtype
    array = config.array
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, array.input_max + 1, size=(vectors, array.rows))
    if full:
        # The largest sum there is: G+ at the top, G- at the bottom, every row driven with the largest input.
        faults = np.resize([FAULT_STUCK_HIGH, 1], (1, array.cells)).astype(np.uint8)
        engine = FastEngine(config, 1, np.array([array.columns]), faults)
        inputs[:] = array.input_max
    else:
        engine = FastEngine(config, 1, np.array([array.columns]))
        levels = rng.integers(0, 8, size=array.cells)
        engine.write(write_list([list(enumerate(levels.tolist()))]))
    sums, _ = engine.column_sums(whole_tile(config), inputs.astype(dtype)[None], array.outputs, sparse=sparse)
    assert sums.dtype == dtype
    signed = columns_of(grid_of(engine), pairs == "subtract")
    expected = [
        [sum(x * row[k] for x, row in zip(vector, signed, strict=True)) for k in range(array.outputs)]
        for vector in inputs.tolist()
    ]
    assert [[int(value) for value in row] for row in sums[0, :, 0].tolist()] == expected
    if full:
        assert max(map(max, expected)) > array.rows * array.input_max * 2**array.grid_bits // 2


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["float32", "float64"])
def test_variance_sums_are_exact(make_crossbar: Callable[..., CrossbarConfig], size: dict[str, int]) -> None:
    config = make_crossbar(**size, pairs="subtract")
    array = config.array
    engine = FastEngine(config, 1, np.array([array.columns]), np.full((1, array.cells), FAULT_STUCK_HIGH, np.uint8))
    inputs = np.full((FEW_STEPS + 1, array.rows), array.input_max, config.sums.dtype)
    _, variances = engine.column_sums(whole_tile(config), inputs[None], array.outputs)
    scalars, tables = config.cells.scalars, config.cells.tables
    cells = [[int(physics.grid_variance(grid, scalars, tables)) for grid in row] for row in grid_of(engine)]
    per_row = [[row[2 * k] + row[2 * k + 1] for k in range(array.outputs)] for row in cells]
    expected = [sum(array.input_max**2 * row[k] for row in per_row) for k in range(array.outputs)]
    assert [[int(v) for v in row] for row in variances[0, :, 0].tolist()] == [expected] * len(inputs)
    # A pair of the noisiest cells reaches the bound on which the plan rests, or nearly so.
    assert max(per_row[0]) > config.sums.variance_max


@given(rows=st.integers(1, 1024), input_bits=st.integers(1, 8), grid_limit=st.integers(64, 2 << 16))
def test_a_plan_fits_its_mantissa(rows: int, input_bits: int, grid_limit: int) -> None:
    largest_input = 2**input_bits - 1
    plan = plan_sums(rows, largest_input, grid_limit)
    mantissa = np.finfo(plan.dtype).nmant + 1
    assert plan.largest_sum == rows * largest_input * grid_limit
    assert plan.largest_sum < 2**mantissa
    assert 2 * rows * largest_input**2 * plan.variance_max < 2**mantissa
    assert plan.variance_max >= 255


def test_float64_is_taken_only_where_float32_is_too_narrow() -> None:
    assert plan_sums(128, 1, 2 << 10).dtype == np.float32
    assert plan_sums(1024, 1, (1 << 14) - 1).dtype == np.float32
    assert plan_sums(1024, 1, 1 << 14).dtype == np.float64
    # The sums fit float32, the variances of the noise do not.
    assert plan_sums(1024, 15, 64).dtype == np.float64


def test_sums_that_no_type_holds_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"which no floating-point type holds exactly; use fewer rows, input bits"):
        plan_sums(1 << 20, 255, 1 << 30)


@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 2), (1, 5), (4, 6), (2, 3)])
def test_any_stretch_of_tiles_is_summed(first: int, last: int) -> None:
    # Two row tiles of three column tiles; threads take stretches that begin and end anywhere.
    rng = np.random.default_rng(2)
    steps = (rng.integers(0, 16, (2, LISTED + 1, 9)) * rng.integers(0, 2, (2, LISTED + 1, 9))).astype(np.float32)
    # Every row, no row, and as many as four at a time leave over.
    steps[:, 0], steps[:, 1], steps[:, 2, 5:] = 3, 0, 0
    current, variance = (rng.integers(-50, 50, (8, 9, 6)).astype(np.int16) for _ in range(2))
    sums, variances = np.full((2, 2, LISTED + 1, 3, 5), -1, np.float32)
    driven = np.empty((6, LISTED, 9), np.int32)
    sum_columns(first, last, 2, steps, current, variance, driven, sums, variances)
    for tile in range(6):
        r, c = divmod(tile, 3)
        own = first <= tile < last
        expected = steps[r] @ current[2 + tile, :, :5], steps[r] ** 2 @ variance[2 + tile, :, :5]
        for found, wanted in zip((sums, variances), expected, strict=True):
            assert np.array_equal(found[r, :, c], wanted if own else np.full_like(wanted, -1))
