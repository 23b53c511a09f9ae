"""Integer results that every processor must give bit for bit; computed once, and written down here."""

import numpy as np
import pytest
from cell_sampling import cells, reads, seen, train

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import CODES, RESET, SET


def test_mix():
    # The first outputs of splitmix64 seeded with 0 are mix(golden), mix(2 golden), ... (its reference implementation).
    golden = 0x9E3779B97F4A7C15
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(physics.mix(np.uint64(n * golden % 2**64))) for n in (1, 2, 3)] == expected
    assert int(physics.mix(np.uint64(0))) == 0


def test_keys_and_draws():
    seed = np.uint64(0x0123456789ABCDEF)
    assert int(physics.cell_key(seed, 0, 0)) == 0x157A3807A48FAA9D
    assert int(physics.cell_key(seed, 3, 128 * 64 - 1)) == 0xFBF2512EC976A4D4
    assert int(physics.channel_key(seed, 3, 5)) == 0x36DC38CD187BBA04
    key = physics.cell_key(seed, 3, 17)
    assert int(physics.draw(key, 1, 0)) == 0x69B648DDBDAC8BED
    assert int(physics.draw(key, 8, 123456789)) == 0xF6F7EEC3D46685F9


GOLDEN = {
    "taox-hfox": {
        "cell": [4694, 4694, 1677722, 16777216, 145635, 7907, -216, 0, 1677722],
        "set": [9227469, 8503645, 8303523, 8507015, 8906084, 8210809, 7570032],
        "reset": [9227469, 8337788, 7975103, 8017254, 8254645, 7396455, 6596056],
        "seen": [9227469, 9227469, 9227469],
        "codes": [123, 118, 124, 121, 120, 121, 122, 124],
    },
    "neurram": {
        "cell": [5098, 5331, 419430, 16777216, 134432, 0, 0, 0, 419430],
        "set": [8598323, 8495398, 8956115, 9799934, 10731105, 10677800, 10667988],
        "reset": [8598323, 7662395, 7041383, 6619652, 6291067, 5628203, 5053488],
        "seen": [8688757, 10919903, 8656136],
        "codes": [114, 113, 114, 113, 113, 113, 114, 114],
    },
    "reram-array-om": {
        "cell": [7252, 7252, 1345649, 16475682, 145341, 0, 0, 0, 8363786],
        "set": [9227469, 8935873, 9005807, 9337212, 9777496, 9472478, 9222001],
        "reset": [9227469, 8271917, 7718095, 7462053, 7348609, 6522282, 5781619],
        "seen": [8808293, 10293675, 8534767],
        "codes": [117, 115, 117, 116, 116, 116, 116, 117],
    },
    "stellar": {
        "cell": [4096, 4096, 1677722, 16777216, 145635, 0, 0, 0, 8267821],
        "set": [9227469, 8914557, 8793011, 8950184, 9242152, 8912691, 8599779],
        "reset": [9227469, 8838232, 8623285, 8662187, 8823855, 8434618, 8045381],
        "seen": [9227469, 9227469, 9227469],
        "codes": [122] * 8,
    },
}


@pytest.mark.parametrize("name", GOLDEN)
def test_cells_pulses_and_readings(tables_of, name):
    tables = tables_of(name)
    arrays = tables.scalars, tables.tables
    expected = GOLDEN[name]
    middle = sum(tables.window) // 2
    amplitude = tables.volts_to_code(1.6)
    assert cells(3, *arrays)[2].tolist() == expected["cell"]
    for polarity, branch in ((SET, "set"), (RESET, "reset")):
        width = tables.width_cycles[polarity]
        assert train(6, polarity, middle, amplitude, CODES - 1, width, *arrays).tolist() == expected[branch]
    assert seen(3, middle, 1000, *arrays).tolist() == expected["seen"]
    assert reads(8, middle, *arrays).tolist() == expected["codes"]


def test_python_gives_what_the_kernels_give(tables_of):
    tables = tables_of("taox-hfox")
    scalars, table = tables.scalars, tables.tables
    key = physics.cell_key(scalars[0].seed, 0, 0)
    cell = physics.traits(key, scalars, table)
    g = sum(tables.window) // 2
    for count, expected in enumerate(GOLDEN["taox-hfox"]["set"][1:]):
        g = physics.apply_pulse(g, key, count, SET, tables.volts_to_code(1.6), CODES - 1, 50, cell, scalars, table)
        assert g == expected
