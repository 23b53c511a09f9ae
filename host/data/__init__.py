"""Data sets: the built-in ones by name, folders of IDX files or of images, and files of arrays."""

import difflib
from typing import Final

from twinbar.host.data.dataset import Dataset
from twinbar.host.data.digits import load_digits
from twinbar.host.data.idx_folder import is_idx_set, load_idx_folder
from twinbar.host.data.image_folder import is_image_folder, load_image_folder
from twinbar.host.data.mnist import load_mnist
from twinbar.host.data.npz import load_npz
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import expanded, reading

BUILT_IN: Final = {"digits": load_digits, "mnist": load_mnist}
"""Data sets that have a name."""

__all__ = ["BUILT_IN", "Dataset", "load_dataset"]


def load_dataset(name: str) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str
        ``digits``, ``mnist``, a folder that holds the four IDX files of an MNIST-like set, a folder of images, or a
        file of arrays (``.npz``).

    Raises
    ------
    ConfigError
        If there is no such set, or its files cannot be used.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    folder = expanded(name)
    choose = "choose digits, mnist, a folder of IDX files or of images, or a file of arrays (.npz)"
    with reading(folder, "a set of images", choose):
        if folder.suffix.lower() == ".npz" and folder.is_file():
            return load_npz(folder)
        if folder.is_dir() and is_image_folder(folder):
            return load_image_folder(folder)
        if not folder.exists() and not is_idx_set(folder):
            near = difflib.get_close_matches(name, BUILT_IN, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; {choose}"
            raise ConfigError(f"there is no data set, folder or file {name}{hint}")
        return load_idx_folder(folder)
