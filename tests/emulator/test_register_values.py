"""What a configuration writes to registers, registers can hold: the compiled engine for trainings does not look."""

import pytest
from crossbar_choices import crossbar_of

from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.levels import Targets
from twinbar.emulator.devices.preset import preset_names
from twinbar.hw.protocol.packing import unpack_arguments, unpack_commands
from twinbar.hw.protocol.registers import holder_of
from twinbar.hw.protocol.vocabulary import Opcode


def refused(config: CrossbarConfig) -> list[tuple[str, int]]:
    """Return registers, by name, and values that a controller would refuse to write."""
    controller = config.array.controller(1)
    commands = beats.configure(config, 1)
    written = commands[unpack_commands(commands)["opcode"] == Opcode.WRITE_REGISTER.value]
    assert len(written)
    arguments = unpack_arguments(Opcode.WRITE_REGISTER, written)
    found = []
    for address, value in zip(arguments["address"].tolist(), arguments["value"].tolist(), strict=True):
        holder = holder_of(address, controller)
        assert holder is not None
        if not holder.word_at(address).holds(value, controller):
            found.append((holder.name, value))
    return found


@pytest.mark.parametrize("preset", preset_names())
def test_windows_of_fine_targets_in_coarse_levels_are_codes(preset: str) -> None:
    """Half a level of two to either side is half the window, which leaves the codes below and above."""
    assert refused(crossbar_of(preset, levels=2, tolerance=1.0, targets=Targets(256))) == []


@pytest.mark.parametrize("bits", [3, 8, 15])
def test_levels_at_the_end_of_the_codes_and_beyond(bits: int) -> None:
    assert refused(crossbar_of("taox-hfox", adc_bits=bits, read_range=1.0)) == []
    assert refused(crossbar_of("taox-hfox", adc_bits=bits, read_range=0.5)) == []
