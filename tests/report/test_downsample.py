import numpy as np
import pytest

from twinbar.host.report.downsample import binned


@pytest.mark.parametrize("size", [1, 7, 400, 401, 12345])
def test_bins_cover_every_sample_once(size: int) -> None:
    values = np.random.default_rng(0).exponential(size=size)
    series = binned(values, 400)
    assert len(series.mean) <= 400
    counts = np.full(len(series.mean), series.width)
    counts[-1] = size - series.width * (len(counts) - 1)
    assert counts[-1] >= 1
    assert (series.mean * counts).sum() == pytest.approx(values.sum())
    assert series.high.max() == values.max()
    assert series.low.min() == values.min()
    assert 1 <= series.position[0] <= series.position[-1] <= size


def test_a_short_series_is_left_as_it_is() -> None:
    values = np.array([3.0, 1.0, 2.0])
    series = binned(values, 400)
    assert series.width == 1
    assert series.mean.tolist() == [3.0, 1.0, 2.0]
    assert series.position.tolist() == [1.0, 2.0, 3.0]
