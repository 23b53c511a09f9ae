"""How far the inputs of layers reach in a training, by `array.input_range`."""

from collections.abc import Callable
from typing import Any

from twinbar.host.experiment.run_folder import RunFolder


def ranges_of(run: Any) -> list[float]:
    """The input range of each layer at the end of a run."""
    with RunFolder.open(run.folder) as folder:
        state = folder.load_checkpoint(lambda message: None)
    assert state is not None
    return [layer["matmul"]["input_max"] for layer in state["layers"]]


def test_hidden_activations_of_two_bits_are_cut(train_run: Callable[..., Any]) -> None:
    largest = ranges_of(train_run({"array.input_bits": 2}))
    cut = ranges_of(train_run({"array.input_bits": 2, "array.input_range": "least-error"}))
    # Of a normal distribution's positive half, 3 steps lie best up to about 2 sigma: the largest of a batch is above 3.
    assert cut[1] < 0.75 * largest[1]
    assert len(cut) == len(largest) == 2
