from collections.abc import Callable

import numpy as np
import pytest

from twinbar.host.update.programmed import ProgrammedLayer


def test_a_blank_layer_stands_for_weights_of_zero(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer(np.zeros((3, 5)))
    assert cells.weights.dtype == np.float32
    assert not cells.weights.any()


def test_weights_are_differences_of_levels(layer: Callable[..., ProgrammedLayer]) -> None:
    held = np.array([[3, -2, 0], [7, -7, 1]])
    assert layer(held).weights.tolist() == (held * 0.25).tolist()


def test_targets_name_every_cell_with_its_level(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, -2], [0, 7]])
    addresses, levels = cells.targets()
    plus = cells.map.output_address[:, None] + cells.map.input_address[None, :]
    by_address = dict(zip(addresses.tolist(), levels.tolist(), strict=True))
    assert len(by_address) == 8
    assert [by_address[a] for a in plus.ravel().tolist()] == [3, 0, 0, 7]
    assert [by_address[a + 1] for a in plus.ravel().tolist()] == [0, 2, 0, 0]


def test_a_saved_layer_is_restored_and_is_a_copy(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, -2]], keep_read_back=True)
    cells.failures[0, 0, 0] = 2
    state = cells.state_dict()
    other = layer([[0, 5]], keep_read_back=True)
    other.load_state_dict(state)
    cells.plus[:] = 0
    assert other.weights.tolist() == [[0.75, -0.5]]
    assert other.failures[0, 0, 0] == 2
    assert other.read_plus is not None
    assert other.read_plus.tolist() == [[3, 0]]


@pytest.mark.parametrize("mine", [True, False])
def test_a_state_with_other_read_backs_is_refused(layer: Callable[..., ProgrammedLayer], mine: bool) -> None:
    state = layer([[1, 2]], keep_read_back=not mine).state_dict()
    with pytest.raises(ValueError, match="the checkpoint's read_plus does not fit this policy"):
        layer([[1, 2]], keep_read_back=mine).load_state_dict(state)
