"""Images as laboratories and other tools keep them: IDX under other names, in colour, `.npz`, folders of files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinbar.host.data import load_dataset
from twinbar.host.experiment.run_parts import images_tensor
from twinbar.hw.errors import ConfigError

IMAGES = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
LABELS = np.array([0, 1, 2, 1])


def write_idx(folder: Path, images: str, labels: str, array: np.ndarray = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()
    for name, value in ((images, content), (labels, struct.pack(">II", 0x0801, 4) + LABELS.astype(np.uint8).tobytes())):
        (folder / name).write_bytes(gzip.compress(value) if name.endswith(".gz") else value)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train-{}-idx{}-ubyte", "t10k-{}-idx{}-ubyte"),
        ("train-{}.idx{}-ubyte.gz", "t10k-{}.idx{}-ubyte.gz"),
        ("emnist-letters-train-{}-idx{}-ubyte.gz", "emnist-letters-test-{}-idx{}-ubyte.gz"),
        ("train_{}_idx{}_ubyte", "test_{}_idx{}_ubyte"),
    ],
)
def test_idx_files_have_many_names(train: str, test: str, tmp_path: Path) -> None:
    for name in (train, test):
        write_idx(tmp_path / "set", name.format("images", 3), name.format("labels", 1))
    data = load_dataset(str(tmp_path / "set"))
    assert np.array_equal(data.train_images, IMAGES)
    assert np.array_equal(data.test_labels, LABELS)
    assert data.classes == 3


def test_the_folder_above_is_searched(tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        write_idx(tmp_path / "data" / "MNIST" / "raw", f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    assert len(load_dataset(str(tmp_path / "data")).train_images) == 4
    assert len(load_dataset(str(tmp_path / "data" / "MNIST")).train_images) == 4
    write_idx(tmp_path / "data" / "KMNIST" / "raw", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    with pytest.raises(ConfigError, match=r"has IDX files in KMNIST/raw, MNIST/raw; name one of these folders"):
        load_dataset(str(tmp_path / "data"))


def test_one_of_several_sets_in_a_folder_is_named(tmp_path: Path) -> None:
    for family in ("letters", "digits"):
        for part in ("train", "test"):
            stem = f"emnist-{family}-{part}"
            images = IMAGES if family == "letters" else IMAGES + 100
            write_idx(tmp_path, f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte", images)
    with pytest.raises(ConfigError, match=r"holds the sets emnist-digits, emnist-letters; name one of them, such as "):
        load_dataset(str(tmp_path))
    data = load_dataset(str(tmp_path / "emnist-digits"))
    assert (data.name, data.train_images[0, 0, 0]) == ("emnist-digits", 100)
    with pytest.raises(ConfigError, match="there is no data set, folder or file"):
        load_dataset(str(tmp_path / "emnist-balanced"))


def test_a_name_that_begins_another_one_is_itself(tmp_path: Path) -> None:
    for stem, images in (("digits", IMAGES), ("digits-large", IMAGES + 100)):
        for part in ("train", "test"):
            write_idx(tmp_path, f"{stem}-{part}-images-idx3-ubyte", f"{stem}-{part}-labels-idx1-ubyte", images)
    assert load_dataset(str(tmp_path / "digits")).train_images[0, 0, 0] == 0
    assert load_dataset(str(tmp_path / "digits-large")).train_images[0, 0, 0] == 100


def test_a_folder_without_idx_files_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(ConfigError, match=r"has no train-images-idx3-ubyte.*; it holds readme\.txt"):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize("first", [True, False])
def test_idx_files_hold_colours_first_or_last(first: bool, tmp_path: Path) -> None:
    colours = np.arange(4 * 2 * 5 * 3, dtype=np.uint8).reshape(4, 2, 5, 3)
    written = np.ascontiguousarray(colours.transpose(0, 3, 1, 2)) if first else colours
    for part in ("train", "t10k"):
        write_idx(tmp_path, f"{part}-images-idx4-ubyte", f"{part}-labels-idx1-ubyte", written)
    data = load_dataset(str(tmp_path))
    assert np.array_equal(data.train_images, colours)
    assert (data.image_shape, data.channels) == ((2, 5), 3)
    tensor = images_tensor(data.train_images)
    assert tensor.shape == (4, 3, 2, 5)
    assert float(tensor[1, 2, 0, 4]) == pytest.approx(colours[1, 0, 4, 2] / 255)


@pytest.mark.parametrize(
    "names", ["x_train y_train x_test y_test", "train_images train_labels test_images test_labels"]
)
@pytest.mark.parametrize("scaled", [False, True])
def test_npz_files(names: str, scaled: bool, tmp_path: Path) -> None:
    images = IMAGES / 255 if scaled else IMAGES
    arrays = dict(zip(names.split(), (images, LABELS[:, None], images[:2], LABELS[:2]), strict=True))
    np.savez(tmp_path / "set.npz", **arrays)
    data = load_dataset(str(tmp_path / "set.npz"))
    assert np.array_equal(data.train_images, IMAGES)
    assert data.train_labels.tolist() == LABELS.tolist()
    assert (len(data.test_images), data.classes, data.name) == (2, 3, "set")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x_train": None}, "holds y_train, x_test, y_test; give a file with the arrays x_train, y_train"),
        ({"x_train": IMAGES * 0.0 + 3}, "x_train is float64 from 3 to 3; pixels are bytes"),
        ({"x_train": IMAGES * np.nan}, "x_train is float64 with NaN or infinity in it; pixels are bytes"),
        ({"x_train": IMAGES[0]}, r"x_train has the shape \(2, 3\); images are"),
        ({"y_train": LABELS / 2}, r"y_train is float64 of shape \(4,\); labels are whole numbers"),
        ({"y_train": LABELS[:3]}, "4 train images have 3 labels"),
        ({"y_test": LABELS - 1}, "a test label is"),
    ],
)
def test_other_arrays_are_refused(changes: dict[str, np.ndarray | None], sentence: str, tmp_path: Path) -> None:
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS, **changes}
    np.savez(tmp_path / "set.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ConfigError, match=sentence):
        load_dataset(str(tmp_path / "set.npz"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of grey images."""
    for part in ("train", "test"):
        for number, name in enumerate(("cat", "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(2):
                Image.fromarray(IMAGES[2 * number + index]).save(tmp_path / part / name / f"{index}.png")
    return tmp_path


def test_folders_of_images(folder: Path) -> None:
    data = load_dataset(str(folder))
    assert np.array_equal(data.train_images, IMAGES)
    assert data.train_labels.tolist() == [0, 0, 1, 1]
    assert data.classes == 2


def test_classes_are_numbered_as_the_training_images_are(folder: Path) -> None:
    """Test images without a cat: a dog is class 1 all the same."""
    for path in (folder / "test" / "cat").iterdir():
        path.unlink()
    (folder / "test" / "cat").rmdir()
    data = load_dataset(str(folder))
    assert set(data.test_labels.tolist()) == {1}
    assert data.classes == 2


def test_folders_of_images_in_colour(folder: Path) -> None:
    colour = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    for path in folder.rglob("*.png"):
        Image.fromarray(colour).save(path)
    data = load_dataset(str(folder))
    assert np.array_equal(data.test_images[3], colour)
    assert data.channels == 3


def test_folders_of_images_that_cannot_be_used(folder: Path) -> None:
    (folder / "test" / "cow").mkdir()
    with pytest.raises(ConfigError, match="cow is a class that the training images do not have; they have cat, dog"):
        load_dataset(str(folder))
    (folder / "test" / "cow").rmdir()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / "train" / "dog" / "9.png")
    with pytest.raises(ConfigError, match=r"9\.png is 5x5 grey, but images before it are 2x3 grey; all must have"):
        load_dataset(str(folder))
    (folder / "train" / "dog" / "9.png").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"9\.png is damaged, or no image; remove it or fetch it again"):
        load_dataset(str(folder))


def test_images_of_sixteen_bits_and_floating_point_keep_their_brightness(folder: Path) -> None:
    """65,535 is white: 257 steps of 16 bits are one of 8."""
    deep = np.array([[0, 257, 65535], [128 * 257, 200 * 257 + 100, 7 * 257 - 100]], np.uint16)
    expected = [[0, 1, 255], [128, 200, 7]]
    for path in folder.rglob("*.png"):
        Image.fromarray(deep).save(path)
    assert load_dataset(str(folder)).train_images[0].tolist() == expected
    for path in list(folder.rglob("*.png")):
        path.unlink()
        Image.fromarray(np.array(expected, np.float32) / 255).save(path.with_suffix(".tif"))
    assert load_dataset(str(folder)).test_images[3].tolist() == expected
    Image.fromarray(np.array(expected, np.float32)).save(folder / "train" / "dog" / "0.tif")
    with pytest.raises(ConfigError, match=r"0\.tif has values from 0 to 255; images have bytes, whole numbers"):
        load_dataset(str(folder))


def test_photographs_are_read_upright(folder: Path) -> None:
    """Orientation 6 of EXIF: turn by 90 degrees clockwise."""
    lying = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    for path in folder.rglob("*.png"):
        image = Image.fromarray(lying)
        marks = image.getexif()
        marks[0x0112] = 6
        image.save(path, exif=marks)
    assert load_dataset(str(folder)).train_images[0].tolist() == [[120, 0], [160, 40], [200, 80]]


def test_what_systems_leave_behind_is_no_class_and_no_image(folder: Path) -> None:
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "test" / "__MACOSX").mkdir()
    (folder / "train" / "cat" / "._0.png").write_bytes(b"\0\5\x16\7")
    (folder / "train" / "cat" / "Thumbs.db").write_bytes(b"x")
    data = load_dataset(str(folder))
    assert (data.train_labels.tolist(), data.classes) == ([0, 0, 1, 1], 2)


def test_hidden_idx_files_are_no_set(tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        write_idx(tmp_path, f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
        write_idx(tmp_path, f"._{part}-images-idx3-ubyte", f"._{part}-labels-idx1-ubyte", IMAGES + 100)
    assert np.array_equal(load_dataset(str(tmp_path)).train_images, IMAGES)


def test_a_class_without_training_images_is_named(folder: Path) -> None:
    (folder / "train" / "cow").mkdir()
    with pytest.raises(ConfigError, match=r"train/cow holds no image; a class needs files such as \.png"):
        load_dataset(str(folder))


def test_grey_and_coloured_images_are_told_apart(folder: Path) -> None:
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(folder / "train" / "dog" / "1.png")
    with pytest.raises(ConfigError, match=r"1\.png is 2x3 in colour, but images before it are 2x3 grey; all must"):
        load_dataset(str(folder))


def test_colours_of_an_npz_may_stand_first(tmp_path: Path) -> None:
    colours = np.arange(4 * 2 * 5 * 3, dtype=np.uint8).reshape(4, 2, 5, 3)
    first = colours.transpose(0, 3, 1, 2)
    np.savez(tmp_path / "set.NPZ.npz", x_train=first, y_train=LABELS, x_test=first, y_test=LABELS)
    (tmp_path / "set.NPZ.npz").rename(tmp_path / "set.NPZ")
    assert np.array_equal(load_dataset(str(tmp_path / "set.NPZ")).train_images, colours)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (LABELS - 1, "a train label is -1; with 2 classes, labels are 0 to 1"),
        (LABELS.astype(np.uint64) + 2**63, "y_train has the label 9223372036854775810; labels are 0 to 999999"),
        (LABELS + 10**9, "y_train has the label 1000000002; labels are 0 to 999999"),
    ],
)
def test_labels_that_no_class_has(labels: np.ndarray, sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x_train=IMAGES, y_train=labels, x_test=IMAGES, y_test=LABELS[:1])
    with pytest.raises(ConfigError, match=sentence):
        load_dataset(str(tmp_path / "set.npz"))


def test_labels_are_one_for_each_image(tmp_path: Path) -> None:
    """A column of labels is taken; labels in two columns (one-hot codes) are not read as those of the first."""
    np.savez(tmp_path / "set.npz", x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES, y_test=LABELS)
    assert load_dataset(str(tmp_path / "set.npz")).train_labels.tolist() == LABELS.tolist()
    np.savez(tmp_path / "set.npz", x_train=IMAGES, y_train=np.eye(3, dtype=int)[LABELS], x_test=IMAGES, y_test=LABELS)
    with pytest.raises(
        ConfigError, match=r"y_train is int64 of shape \(4, 3\); labels are whole numbers, one for each"
    ):
        load_dataset(str(tmp_path / "set.npz"))


def test_floating_point_of_an_npz_is_rounded(tmp_path: Path) -> None:
    """0.3 x 255 = 76.5 goes to the even number, 0.999 x 255 = 254.745 up, and 0.001 x 255 = 0.255 down."""
    pixels = np.array([0.3, 0.999, 0.001, 1.0]).reshape(4, 1, 1)
    np.savez(tmp_path / "set.npz", x_train=pixels, y_train=LABELS, x_test=pixels, y_test=LABELS)
    assert load_dataset(str(tmp_path / "set.npz")).train_images.ravel().tolist() == [76, 255, 0, 255]


def test_an_npz_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", IMAGES)
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").touch()
    for name in ("array", "text", "empty"):
        with pytest.raises(ConfigError, match=rf"{name}\.npz is damaged, or another kind of file; give a file with"):
            load_dataset(str(tmp_path / f"{name}.npz"))
    hollow = IMAGES[:, :0]
    np.savez(tmp_path / "set.npz", x_train=hollow, y_train=LABELS, x_test=hollow, y_test=LABELS)
    with pytest.raises(ConfigError, match=r"x_train has the shape \(4, 0, 3\), images without a pixel"):
        load_dataset(str(tmp_path / "set.npz"))


def test_names_that_no_file_can_have() -> None:
    with pytest.raises(ConfigError, match="File name too long"):
        load_dataset("x" * 5000)
    with pytest.raises(ConfigError, match="there is no data set, folder or file ~nobody-at-all/x"):
        load_dataset("~nobody-at-all/x")


def test_a_folder_that_may_not_be_read_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Path.iterdir

    def forbidden(path: Path) -> object:
        if path.name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(ConfigError, match=r"train/dog cannot be read: Permission denied"):
        load_dataset(str(folder))
