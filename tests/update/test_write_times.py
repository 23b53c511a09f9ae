"""Write lists are due at the steps that the schedule's formula says, worked out by hand."""

import pytest

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.update.write_times import lists_due


def due(steps: int, first: int, last: int) -> list[int]:
    counts = [lists_due(step, steps, first, last) for step in range(steps + 1)]
    return [step for step in range(1, steps + 1) if counts[step] > counts[step - 1]]


@pytest.mark.parametrize("every", [1, 3, 7])
def test_an_interval_that_stays_is_exact(every: int) -> None:
    assert due(50, every, every) == list(range(every, 51, every))


def test_a_growing_interval_follows_the_integral() -> None:
    # n(s) = 1 + 9 s / 90 = 1 + s / 10; list k is due where 10 log(1 + s / 10) reaches k: s = 10 (exp(k / 10) - 1),
    # rounded up: 1.05, 2.21, 3.50, 4.92, 6.49, 8.22, 10.14, 12.26, 14.60, 17.18, 20.04, ...
    assert due(90, 1, 10)[:11] == [2, 3, 4, 5, 7, 9, 11, 13, 15, 18, 21]
    # 10 log(10) = 23.03 in all.
    assert len(due(90, 1, 10)) == 23


def test_a_shrinking_interval_ends_with_a_list_at_every_step() -> None:
    # n(s) = 8 - 0.07 s; list k is due at s = (1 - exp(-0.07 k)) / 0.00875: 7.73 for the first, 97.02, 98.19 and 99.28
    # for the last three, of 100 / 7 * log(8) = 29.7 in all.
    found = due(100, 8, 1)
    assert (found[0], found[-3:], len(found)) == (8, [98, 99, 100], 29)


def test_a_policy_that_takes_every_step_has_no_schedule_either() -> None:
    with pytest.raises(ValueError, match=r"policy\.write_every_end is 4, but this policy takes the inputs"):
        ExperimentConfig().merge({"policy.name": "stellar", "policy.write_every_end": 4})
