"""The MNIST database of handwritten digits: 60,000 training and 10,000 test images of 28x28 pixels.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86(11), 1998.
"""

import logging
import os
from pathlib import Path
from typing import Final

from twinbar.host.data.dataset import Dataset
from twinbar.host.data.idx_folder import load_idx_folder
from twinbar.hw.errors import ConfigError

DATA_VARIABLE: Final = "TWINBAR_DATA"
"""Environment variable that names the folder of data sets; MNIST is in its sub-folder ``mnist``."""

MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

CHECKSUMS: Final = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""SHA-256 of the files as first published; both mirrors hold these very files."""


def load_mnist() -> Dataset:
    """Read MNIST from ``$TWINBAR_DATA/mnist`` where that is set, else from the user's cache, downloading it if needed.

    Raises
    ------
    ConfigError
        If the files are missing or damaged, or cannot be downloaded.
    """
    root = os.environ.get(DATA_VARIABLE)
    if root:
        folder = Path(root) / "mnist"
        if not folder.is_dir():
            raise ConfigError(
                f"{DATA_VARIABLE} is {root}, but there is no folder {folder}; put the four IDX files of MNIST there, "
                f"or unset {DATA_VARIABLE} to use the cache"
            )
        return load_idx_folder(folder, "mnist")
    return load_idx_folder(_cached(), "mnist")


def _cached() -> Path:
    """Return the cache folder after all four files are in it; what is downloaded must have the right checksum."""
    import pooch

    folder = Path(pooch.os_cache("twinbar")) / "mnist"
    # pooch announces each download on its own logger; one sentence of ours says enough when all mirrors fail.
    pooch.get_logger().setLevel(logging.WARNING)
    for file_name, checksum in CHECKSUMS.items():
        if (folder / file_name).is_file():
            continue
        reasons = []
        for mirror in MIRRORS:
            try:
                pooch.retrieve(mirror + file_name, known_hash=f"sha256:{checksum}", path=folder, fname=file_name)
            except (OSError, ValueError) as error:  # requests' exceptions are OSError; a wrong checksum is ValueError
                reasons.append(f"{mirror}: {type(error).__name__}")
            else:
                break
        else:
            raise ConfigError(
                f"MNIST is not in the cache {folder} and {file_name} cannot be downloaded ({'; '.join(reasons)}); "
                f"set {DATA_VARIABLE} to a folder whose sub-folder mnist holds the four IDX files, copy them into the "
                "cache, connect to the network, or use --data digits"
            )
    return folder
