"""Controllers with every option of the elaboration, and the programs that are drawn for them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.verify import campaign
from twinbar.emulator.verify.elaborations import ELABORATIONS, Elaboration
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.reset_sequencer import ResettableController
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.sizes import SCALE_BITS, SUM_BITS
from twinbar.hw.protocol.vocabulary import Destination, Opcode, Record
from twinbar.hw.verilog import NAME, export_component

PROGRAMS = 24
MOST_DRAWN = 2000
ROUNDS = 2
SEED = 13
CAPS = {"width_cap": 8, "pulse_cap": 5, "code_caps": (3000, 2800, 2600)}

CHIP = "network on a chip"
_NETWORK, _COMPARED = ELABORATIONS["network"], ELABORATIONS["compared"]
DRAWN = {
    **{name: ELABORATIONS[name] for name in ("gated", "compared", "packed", "cascade", "chain", "together", "network")},
    "capped": replace(_COMPARED, controller=replace(_COMPARED.controller, **CAPS)),
    CHIP: _NETWORK,
}
"""Each option of `ControllerConfig` alone and with others; the last one has no initial values."""

_OF_TABLES = (Action.PULSE_SET, Action.PULSE_RESET)
_OF_CHAINS = (Action.REQUANTIZE, Action.TRANSFERRED_WORD)
_OF_ALL = (Action.PARTIAL_SUM, Action.PACKED_OUTPUT, Action.SHARED_BEAT, *_OF_CHAINS)
DONE = {
    "gated": _OF_TABLES,
    "compared": (Action.COMPARE, *_OF_TABLES),
    "packed": (Action.PACKED_OUTPUT, Action.SHARED_BEAT),
    "cascade": (Action.PARTIAL_SUM, Action.SHARED_BEAT),
    "chain": (Action.SHARED_BEAT, *_OF_CHAINS),
    "together": (Action.PARTIAL_SUM, Action.PACKED_OUTPUT, Action.SHARED_BEAT),
    "network": _OF_ALL,
    "capped": (Action.COMPARE, *_OF_TABLES),
    CHIP: _OF_ALL,
}
"""What each of them must have done, by its own counters."""


def verilog_of(name: str) -> str:
    """Return the exported text."""
    core: Any = Controller(DRAWN[name].controller)
    if name == CHIP:
        return export_component(ResettableController(core), NAME, initial=False)
    return export_component(core, NAME)


def programs_of(name: str) -> Iterator[Program]:
    """Give programs, to be run one after the other from a reset: products, then sessions in which options have work."""
    elaboration = DRAWN[name]
    yield from products_of(elaboration)
    kept = 0
    for session in campaign.sessions(SEED, MOST_DRAWN, [elaboration]):
        fast = FastController(elaboration.config, elaboration.controller)
        programs = [step.program() for step in session.steps]
        counts = sum(fast.run(program).actions.sum(0) for program in programs)
        if all(counts[action] for action in DONE[name]):
            yield from programs
            kept += len(programs)
        if kept >= PROGRAMS:
            return
    raise AssertionError(f"of {MOST_DRAWN} programs for {name}, {kept} are of sessions in which all options have work")


def products_of(elaboration: Elaboration) -> Iterator[Program]:
    """Give programs that use every row and every column: what sessions leave of them is chance."""
    core, config, rng = elaboration.controller, elaboration.config, np.random.default_rng(SEED)
    tiles, rows = range(core.tiles), np.arange(core.rows)
    yield Program(np.concatenate([beats.set_registers(config, core.tiles), beats.arm(core.tiles)]))
    yield Program(
        np.concatenate(
            [
                pack(Opcode.PULSE, tile, row=rows, column=(rows + way) % core.columns, count=3, record=Record.SET.value)
                for tile in tiles
                for way in (0, 3)
            ]
        )
    )
    # A sum of all rows at half of their conductance is within the range.
    range_code = config.range_code(core.rows * (1 << config.array.grid_bits - 2))
    for _ in range(ROUNDS):
        yield Program(np.concatenate([_product(core, rng, tile, range_code) for tile in tiles]))
        if core.cascade or core.shared_inputs:
            yield Program(_together(core, rng))
        if core.chain:
            yield Program(np.concatenate([_moved(core, rng, tile) for tile in tiles]))


def _inputs(core: ControllerConfig, rng: np.random.Generator, tile: int, **to: int) -> np.ndarray:
    words = beats.input_words(rng.integers(0, 1 << core.input_bits, (1, core.rows)), core).ravel()
    number = np.arange(core.words)
    return pack(Opcode.LOAD, tile, word=number, clear=number == 0, bits=words, **to)


def _product(core: ControllerConfig, rng: np.random.Generator, tile: int, range_code: int) -> np.ndarray:
    """Multiply random inputs; with chains, sums are answered again."""
    plain = [beats.write_register(tile, registers.ACTIVATION.address, 0)] if core.chain else []
    ranged = beats.write_register(tile, registers.RANGE_MULTIPLY.address, range_code)
    return np.hstack(
        [*plain, ranged, _inputs(core, rng, tile), pack(Opcode.MULTIPLY, tile, column=0, outputs=core.columns)]
    )


def _together(core: ControllerConfig, rng: np.random.Generator) -> np.ndarray:
    """Load the tiles at once, where they share inputs; add their sums, where they can."""
    tiles = range(core.tiles)
    # All tiles are in group 0 after power-up.
    loads = [_inputs(core, rng, 0, shared=1)] if core.shared_inputs else [_inputs(core, rng, tile) for tile in tiles]
    first = [0] if core.cascade else tiles
    members = {"members": core.tiles} if core.cascade else {}
    return np.hstack(
        [*loads, *(pack(Opcode.MULTIPLY, tile, column=0, outputs=core.columns, **members) for tile in first)]
    )


def _moved(core: ControllerConfig, rng: np.random.Generator, tile: int) -> np.ndarray:
    """Keep the activations of all columns, write them into the rows of group 0, and multiply those."""
    column = np.arange(core.columns)
    scales = rng.integers(0, 1 << SUM_BITS, core.columns) | rng.integers(1, 1 << SCALE_BITS, core.columns) << SUM_BITS
    kept = registers.ACTIVATION.word.pack(sums=Destination.KEPT.value, relu=1, shift=int(rng.integers(8, 16)), zero=0)
    groups = [
        beat
        for each in range(core.tiles)
        for beat in (
            pack(Opcode.DISARM, each),
            beats.write_register(each, registers.BY_NAME["INPUT_GROUP"].address, 0),
        )
    ]
    moved = pack(Opcode.TRANSFER, tile, group=0, word=0, words=min(core.output_words, core.words), clear=1)
    answered = [
        beat
        for each in range(core.tiles)
        for beat in (
            beats.write_register(each, registers.ACTIVATION.address, 0),
            pack(Opcode.MULTIPLY, each, column=0, outputs=core.columns),
        )
    ]
    return np.hstack(
        [
            *groups,
            beats.arm(core.tiles),
            beats.write_register(tile, registers.SCALES.base + column, scales),
            beats.write_register(tile, registers.ACTIVATION.address, kept),
            _inputs(core, rng, tile),
            pack(Opcode.MULTIPLY, tile, column=0, outputs=core.columns),
            moved,
            *answered,
        ]
    )
