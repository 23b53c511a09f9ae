import numpy as np
import pytest

from twinbar.host.data import Dataset
from twinbar.hw.errors import ConfigError


def make(train: int = 20, test: int = 5, **changes: object) -> Dataset:
    images = np.arange(train, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 3), np.uint8)
    values = {
        "name": "toy",
        "train_images": images,
        "train_labels": np.arange(train, dtype=np.int64) % 3,
        "test_images": images[:test],
        "test_labels": np.zeros(test, np.int64),
        "classes": 3,
    }
    return Dataset(**{**values, **changes})  # type: ignore[arg-type]


def test_image_shape_is_height_then_width() -> None:
    assert make().image_shape == (4, 3)


def test_subset_keeps_the_first_training_images_and_all_test_images() -> None:
    data = make()
    part = data.subset(7)
    np.testing.assert_array_equal(part.train_images, data.train_images[:7])
    np.testing.assert_array_equal(part.train_labels, data.train_labels[:7])
    np.testing.assert_array_equal(part.test_images, data.test_images)


def test_subset_without_or_beyond_a_limit_is_everything() -> None:
    assert len(make().subset(None).train_images) == len(make().subset(1000).train_images) == 20


def test_subset_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="limit of 0"):
        make().subset(0)


@pytest.mark.parametrize(("part", "held"), [(0.25, 5), (5, 5), (1, 1), (0.96, 19), (0.06, 1)])
def test_validation_split_divides_the_training_images(part: float, held: int) -> None:
    data = make()
    split = data.validation_split(part, seed=3)
    assert len(split.validation_images) == held
    # Every image is on exactly one side, in its order, with its own label.
    kept, out = split.train_images[:, 0, 0], split.validation_images[:, 0, 0]
    assert sorted([*kept, *out]) == list(range(20))
    assert list(kept) == sorted(kept)
    assert list(out) == sorted(out)
    np.testing.assert_array_equal(split.train_labels, kept % 3)
    np.testing.assert_array_equal(split.validation_labels, out % 3)
    np.testing.assert_array_equal(split.test_images, data.test_images)


def test_validation_split_depends_on_the_seed_alone() -> None:
    chosen = [make().validation_split(0.3, seed).validation_images[:, 0, 0].tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_validation_split_is_the_same_with_every_release_of_numpy() -> None:
    assert make().validation_split(4, seed=0).validation_images[:, 0, 0].tolist() == [1, 8, 18, 19]


def test_no_validation_part_changes_nothing() -> None:
    data = make()
    assert data.validation_split(0.0) is data
    assert len(data.validation_images) == 0


@pytest.mark.parametrize("part", [20, 25, -1, 0.99, 0.01])
def test_a_split_that_leaves_one_side_empty_is_refused(part: float) -> None:
    with pytest.raises(ConfigError, match="at least one on either side"):
        make().validation_split(part)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_labels": np.zeros(19, np.int64)}, "20 train images have 19 labels"),
        ({"test_images": np.zeros((5, 4, 4), np.uint8)}, "test images are 4x4 pixels and training images 4x3"),
        ({"test_images": np.zeros((0, 4, 3), np.uint8), "test_labels": np.zeros(0, np.int64)}, "has no test images"),
        ({"classes": 2}, "a train label is 2; with 2 classes, labels are 0 to 1"),
        ({"classes": 1}, "toy has a single class; at least two are needed to tell images apart"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make(**changes)


def test_pooling_averages_squares_and_leaves_the_rest_out() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(20, 5, 7), dtype=np.uint8)
    data = make(train_images=images, test_images=images[:5]).validation_split(4)
    pooled = data.pooled(2)
    assert pooled.image_shape == (2, 3)
    for part in ("train", "test", "validation"):
        given, found = getattr(data, f"{part}_images"), getattr(pooled, f"{part}_images")
        for image, small in zip(given, found, strict=True):
            for row in range(2):
                for column in range(3):
                    mean = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean()
                    assert small[row, column] == np.floor(mean + 0.5)
    np.testing.assert_array_equal(pooled.train_labels, data.train_labels)
    assert data.pooled(1) is data
    with pytest.raises(ConfigError, match=r"images of 5x7 pixels hold no square of 6x6; data\.pool must be 5 or less"):
        data.pooled(6)
