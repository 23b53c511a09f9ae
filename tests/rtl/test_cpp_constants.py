"""The constants that are compiled with a netlist, against the numbers of the contract (docs/controller.md)."""

import re

from twinbar.emulator.pins.constants import constants_text

EXPECTED = {
    "Phase": {"Idle": 0, "Select": 2, "Settle": 3, "Convert": 4, "Pulse": 5, "Respond": 8, "Count": 9},
    "Action": {
        "SelectCell": 0,
        "RowDrive": 8,
        "InputStep": 9,
        "CommandBeat": 11,
        "TwinAccess": 16,
        "ChannelWake": 19,
        "ChannelCycle": 21,
        "Requantize": 22,
        "TransferredWord": 23,
        "Count": 24,
    },
    "CellEnergy": {"Set": 0, "Reset": 1, "Verify": 2, "Forward": 3, "Count": 4},
    "Record": {"Read": 0, "Set": 1, "Reset": 2, "Safe": 7, "Count": 8},
    "Request": {"None": 0, "Select": 1, "Convert": 5, "Compare": 6, "Count": 7},
    "Selection": {"None": 0, "Cell": 1, "Column": 2, "Plane": 3, "Codes": 4, "Reference": 5, "Count": 6},
}


def test_constants_are_those_of_the_contract():
    text = constants_text()
    found = {
        name: {key: int(value) for key, value in re.findall(r"k(\w+) = (\d+),", body)}
        for name, body in re.findall(r"struct (\w+) \{\n(.*?)\n\};", text, re.S)
    }
    assert found.keys() == EXPECTED.keys()
    for name, values in EXPECTED.items():
        assert values.items() <= found[name].items(), name
    assert re.findall(r"enum class TileOutcome : int64_t \{\n  kDone = 0,\n  kUnfinished = 1,\n", text)
    assert {key: int(value) for key, value in re.findall(r"constexpr int64_t k(\w+) = (-?\d+);", text)} == {
        "NoCell": -1,
        "ReferenceSource": -2,
        "LineBits": 12,
        "LineMask": 4095,
        "ResponseBytes": 10,
        "TrimInit": 128,
    }
