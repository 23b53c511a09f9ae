"""What a board says of itself when a session starts."""

from typing import Any

import pytest

from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.link_config import LinkConfig


@pytest.mark.parametrize("option", [{"cascade": True}, {"shared_inputs": True}, {"outputs_per_beat": 2}])
def test_a_controller_whose_responses_the_link_cannot_tell_apart_is_refused(option: dict[str, Any]) -> None:
    assert Hello.of(ControllerConfig(tiles=2), LinkConfig()).tiles == 2
    with pytest.raises(ConfigError, match=r"one output per response.*cascade = false, shared_inputs = false"):
        Hello.of(ControllerConfig(tiles=2, **option), LinkConfig())
