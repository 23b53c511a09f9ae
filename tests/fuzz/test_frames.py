"""Frames that nobody should execute or believe, some 10^4 of them; `frame_campaign.py` sends two million."""

import pytest
from frame_campaign import armed, decoded

IN_CI = {"bits": 2_000, "words": 4_000, "host": 4_000}


@pytest.mark.compiler
@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
def test_an_armed_board_does_what_frames_encode_and_nothing_else(words: bool) -> None:
    found = armed(1_000, IN_CI["words" if words else "bits"], words=words)
    assert found["pulses"] > 100
    assert {"flipped", "noise", "other session", "behind", "ahead", "no kind", "forged", "any payload"} <= set(
        found["frames"]
    )


def test_a_host_believes_no_frame_that_is_not_for_it() -> None:
    found = decoded(1_000, IN_CI["host"])
    assert found["programs"] > 20
    assert {"flipped", "other session", "behind", "kind", "forged"} <= set(found["frames"])
