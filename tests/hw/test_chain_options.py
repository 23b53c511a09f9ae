"""Controllers that can be built with chains, and those that cannot."""

import pytest

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ParameterError
from twinbar.hw.gateware.controller_config import ControllerConfig

CHAINED = {"shared_inputs": True, "chain": True}


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"chain": True}, "without shared inputs"),
        ({**CHAINED, "columns": 258}, "258 columns; scales and biases have 256 addresses"),
        # 12 + 2 + 5 bits.
        (
            {**CHAINED, "adc_bits": 12, "input_bits": 5},
            "adc_bits 12 and input_bits 5, whose sums have 19 bits; at most 18",
        ),
        ({**CHAINED, "chain": 1}, "must be true or false"),
    ],
)
def test_what_a_chain_cannot_hold_is_refused_with_the_figure(parameters: dict[str, int], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        ControllerConfig(**parameters)


def test_the_largest_chain_is_built() -> None:
    config = ControllerConfig(columns=256, adc_bits=12, input_bits=4, **CHAINED)
    # 8 fields of 4 bits in a word of 32.
    assert (config.sum_bits, config.output_words, config.scaled_columns) == (18, 32, 256)
    assert ControllerConfig().scaled_columns == 0


@pytest.mark.parametrize(
    ("keys", "reason"),
    [({"chain": True}, "without array.shared_inputs"), ({**CHAINED, "columns": 512}, "array.columns = 512")],
)
def test_the_configuration_refuses_it_too(keys: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ArrayConfig(**keys)
    assert ArrayConfig(**CHAINED).controller(2).chain
