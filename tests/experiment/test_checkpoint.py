import enum
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twinbar.host.experiment import durable
from twinbar.host.experiment.checkpoint import load_checkpoint, save_checkpoint
from twinbar.host.experiment.state_tree import flatten_state, restore_state
from twinbar.hw.errors import ConfigError, TwinbarError


def assert_same(found: Any, expected: Any) -> None:
    """Same types and same bits, all the way down."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
    elif isinstance(expected, torch.Tensor):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        one, other = (tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (found, expected))
        assert torch.equal(one, other)
    elif isinstance(expected, float):
        assert found == expected or (math.isnan(found) and math.isnan(expected))
        # The sign of a NaN is no part of its value.
        assert math.isnan(expected) or math.copysign(1, found) == math.copysign(1, expected)
    else:
        assert found == expected


def through_a_file(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    save_checkpoint(folder, state)
    found = load_checkpoint(folder)
    assert found is not None
    return found


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | arrays.arrays(
        st.sampled_from([np.uint8, np.int32, np.uint64, np.float32, np.float64, np.bool_, ">i2", "U3"]),
        arrays.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3),
    )
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(trees)
def test_state_is_split_and_restored_exactly(state: Any) -> None:
    assert_same(restore_state(*flatten_state(state)), state)


def test_a_checkpoint_gives_back_exactly_what_was_saved(tmp_path: Path) -> None:
    state = {
        "step": 10**6000 + 1,  # more digits than int() takes by default
        "negative": -(2**200),
        "loss": 0.1,
        "odd floats": [math.inf, -math.inf, math.nan, -0.0, 5e-324],
        "text": 'say "µS"\n\ud800',
        "nested": {"a": [1, (2, None, True)], 7: {}},
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "every other": np.arange(10)[::2],
        "empty": np.zeros((0, 3), np.uint16),
        "scalar": np.float64(0.1),
        "bytes": b"\0\xff",
    }
    assert_same(through_a_file(tmp_path, state), state)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
        torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        torch.tensor(7, dtype=torch.int64),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.tensor([1 + 2j]),
    ],
    ids=lambda tensor: str(tensor.dtype),
)
def test_tensors_keep_their_bits(tmp_path: Path, tensor: torch.Tensor) -> None:
    assert_same(through_a_file(tmp_path, {"tensor": tensor}), {"tensor": tensor})


@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True)]
)
def test_an_optimizer_goes_on_as_if_it_had_not_stopped(tmp_path: Path, make: Any) -> None:
    def run(model: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.rand(4, 3)).square().sum().backward()
            optimizer.step()

    torch.manual_seed(5)
    model = torch.nn.Linear(3, 2)
    optimizer = make(model.parameters())
    run(model, optimizer, 3)
    state = {"model": dict(model.state_dict()), "optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
    save_checkpoint(tmp_path, state)
    run(model, optimizer, 3)

    found = load_checkpoint(tmp_path)
    assert found is not None
    resumed = torch.nn.Linear(3, 2)
    resumed.load_state_dict(found["model"])
    again = make(resumed.parameters())
    again.load_state_dict(found["optimizer"])
    torch.set_rng_state(found["random"])
    run(resumed, again, 3)
    assert_same(dict(resumed.state_dict()), dict(model.state_dict()))


def test_restored_arrays_can_be_written(tmp_path: Path) -> None:
    found = through_a_file(tmp_path, {"array": np.zeros(3), "tensor": torch.zeros(3)})
    found["array"] += 1
    found["tensor"] += 1
    assert found["array"].sum() == found["tensor"].sum() == 3


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (object(), r"state\['a'\]\[1\] is a builtins.object"),
        ({1, 2}, "builtins.set"),
        (Colour.RED, "Colour"),
        (np.array([None]), "numpy.ndarray"),
        (np.ma.masked_array([1, 2]), "MaskedArray"),
        (torch.eye(2).to_sparse(), "torch.Tensor"),
        (lambda: None, "function"),
    ],
)
def test_what_could_not_be_restored_is_not_saved(tmp_path: Path, value: object, where: str) -> None:
    save_checkpoint(tmp_path, {"a": "before"})
    with pytest.raises(TypeError, match=where):
        save_checkpoint(tmp_path, {"a": [1, value]})
    assert load_checkpoint(tmp_path) == {"a": "before"}


def test_keys_must_be_text_or_whole_numbers(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"state has the key \(1, 2\); keys of a checkpoint are str or int"):
        save_checkpoint(tmp_path, {(1, 2): 3})  # type: ignore[dict-item]


def test_there_is_nothing_to_load_before_the_first_checkpoint(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "missing") is None


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        save_checkpoint(tmp_path, {"step": step})
    assert [path.name[:8] for path in sorted(tmp_path.iterdir())] == ["00000004", "00000005"]
    assert load_checkpoint(tmp_path) == {"step": 4}


def newest(folder: Path) -> Path:
    return max(folder.iterdir())


def damage_by_truncation(path: Path, part: float) -> None:
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.999])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, part: float) -> None:
    for step in range(3):
        save_checkpoint(tmp_path, {"step": step})
    damage_by_truncation(newest(tmp_path), part)
    notices: list[str] = []
    assert load_checkpoint(tmp_path, notices.append) == {"step": 1}
    assert notices == [f"{newest(tmp_path)} is damaged (its checksum differs); the checkpoint before it is used"]


def test_a_single_flipped_bit_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"weights": np.zeros(1000)})
    content = bytearray(newest(tmp_path).read_bytes())
    content[len(content) // 2] ^= 1
    newest(tmp_path).write_bytes(content)
    with pytest.raises(ConfigError, match="none of its 1 checkpoints can be read"):
        load_checkpoint(tmp_path, lambda _: None)


def test_after_a_damaged_one_the_next_checkpoint_is_the_newest(tmp_path: Path) -> None:
    for step in range(2):
        save_checkpoint(tmp_path, {"step": step})
    damage_by_truncation(newest(tmp_path), 0.5)
    save_checkpoint(tmp_path, {"step": 2})
    assert load_checkpoint(tmp_path) == {"step": 2}


def test_all_damaged_is_one_sentence(tmp_path: Path) -> None:
    for step in range(2):
        save_checkpoint(tmp_path, {"step": step})
    for path in tmp_path.iterdir():
        damage_by_truncation(path, 0.5)
    with pytest.raises(ConfigError) as caught:
        load_checkpoint(tmp_path, lambda _: None)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path} is damaged: none of its 2 checkpoints")


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinbar.host.experiment.checkpoint.FORMAT", 99)
    save_checkpoint(tmp_path, {"step": 1})
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"its format is 99.*: it must be a checkpoint of format \d+; resume with"):
        load_checkpoint(tmp_path)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    import hashlib
    import io

    buffer = io.BytesIO()
    np.savez(buffer, np.array([print], dtype=object))
    content = buffer.getvalue()
    (tmp_path / f"00000001-{hashlib.sha256(content).hexdigest()}.npz").write_bytes(content)
    with pytest.raises(ConfigError, match="Object arrays cannot be loaded"):
        load_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, {"step": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(TwinbarError, match=r"cannot be written \(No space left on device\)") as caught:
        save_checkpoint(tmp_path, {"step": 2})
    assert caught.value.exit_status == 1
    monkeypatch.undo()
    assert "the one before it is complete: make room, then continue with --resume" in str(caught.value)
    assert load_checkpoint(tmp_path) == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1
