"""Tables as laboratories write them: what is read is what was measured."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.measured_columns import ColumnUnit, parse_unit
from twinbar.emulator.devices.measured_series import ValueMeaning
from twinbar.emulator.devices.measurement import read_pulse_trains
from twinbar.hw.errors import ConfigError

UP, DOWN = (SET, [1.0, 2.0, 3.0]), (RESET, [3.0, 2.0, 1.0])
GAP = float("nan")
SAW = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
"""A rise, a fall from the sixth reading on, and a rise from the eleventh on."""
MICROSIEMENS = ValueMeaning(unit=ColumnUnit("conductance", 1e-6))
NORMALIZED = ValueMeaning(window_s=(1e-6, 3e-6))

TABLES = {
    "one column per repetition, SET and RESET apart": (
        {
            "set.csv": "pulse,run 1 (uS),run 2 (uS)\n0,1,1.5\n1,2,2.5\n2,3,3.5\n",
            "reset.csv": "run1_uS,run2_uS\n3,4\n2,3\n1,2\n",
        },
        None,
        [UP, (SET, [1.5, 2.5, 3.5]), DOWN, (RESET, [4.0, 3.0, 2.0])],
    ),
    "repetitions without a unit, numbered": (
        {"LTP.csv": "pulse,1,2\n0,1,1.5\n1,2,2.5\n2,3,3.5\n"},
        ValueMeaning(unit=ColumnUnit("conductance", 1e-6)),
        [UP, (SET, [1.5, 2.5, 3.5])],
    ),
    "repetitions of different length": (
        {"set.csv": "pulse,a1_uS,a2_uS\n0,1,1\n1,2,2\n2,3\n3,4,\n"},
        None,
        [(SET, [1.0, 2.0, 3.0, 4.0]), (SET, [1.0, 2.0])],
    ),
    "polarity in the headers": (
        {"m.csv": "n;LTP (µS);LTD (µS)\n0;1;3\n1;2;2\n2;3;1\n"},
        None,
        [UP, DOWN],
    ),
    "no header": (
        {"m.csv": "SET,0,1\nSET,1,2\nSET,2,3\nRESET,0,3\nRESET,1,2\nRESET,2,1\n"},
        ValueMeaning(unit=ColumnUnit("conductance", 1e-6)),
        [UP, DOWN],
    ),
    "no header, signs": (
        {"m.csv": "1,0,1\n1,1,2\n1,2,3\n-1,0,3\n-1,1,2\n-1,2,1\n"},
        ValueMeaning(unit=ColumnUnit("conductance", 1e-6)),
        [UP, DOWN],
    ),
    "no header, pulses and values": (
        {"reset.txt": "0 3\n1 2\n2 1\n"},
        ValueMeaning(unit=ColumnUnit("conductance", 1e-6)),
        [DOWN],
    ),
    "semicolons and decimal commas": (
        {"m.csv": "polarity;pulse;conductance_uS\nSET;0;1,0\nSET;1;2,5\nSET;2;3,0\n"},
        None,
        [(SET, [1.0, 2.5, 3.0])],
    ),
    "tabs and decimal commas": (
        {"m.txt": "polarity\tpulse\tG [uS]\nSET\t0\t1,0\nSET\t1\t2,5\nSET\t2\t3,0\n"},
        None,
        [(SET, [1.0, 2.5, 3.0])],
    ),
    "comments": (
        {"m.csv": "# wafer 7\n# 12 May\npolarity,pulse,G_uS\nSET,0,1\n# paused\nSET,1,2\nSET,2,3\n"},
        None,
        [UP],
    ),
    "the header in a comment, as NumPy writes it": (
        {"set.csv": "# pulse,conductance_uS\n0,1\n1,2\n2,3\n"},
        None,
        [UP],
    ),
    "resistances": (
        {"m.csv": "polarity,pulse,resistance_ohm\nSET,0,1e6\nSET,1,5e5\nSET,2,333333.333333333\n"},
        None,
        [UP],
    ),
    "resistances in kiloohms": (
        {"m.csv": "polarity,pulse,R (kΩ)\nSET,0,1000\nSET,1,500\nSET,2,333.333333333333\n"},
        None,
        [UP],
    ),
    "currents, the read voltage given": (
        {"m.csv": "polarity,pulse,current_uA\nSET,0,0.2\nSET,1,0.4\nSET,2,0.6\n"},
        ValueMeaning(read_voltage_v=0.2),
        [UP],
    ),
    "currents beside their read voltage": (
        {"m.csv": "polarity,pulse,I (nA),V_read (mV)\nSET,0,-100,-100\nSET,1,-200,-100\nSET,2,600,200\n"},
        None,
        [UP],
    ),
    "Latin-1": (
        {"m.csv": "polarity,pulse,G (\xb5S)\nSET,0,1\nSET,1,2\nSET,2,3\n".encode("latin-1")},
        None,
        [UP],
    ),
    "UTF-16, as spreadsheets write text": (
        {"m.txt": "polarity\tpulse\tG (µS)\nSET\t0\t1\nSET\t1\t2\nSET\t2\t3\n".encode("utf-16")},
        None,
        [UP],
    ),
    "normalized from -1 to 1": (
        {"m.csv": "polarity,pulse,normalized\nSET,0,-1\nSET,1,0\nSET,2,1\nRESET,0,1\nRESET,1,0\nRESET,2,-1\n"},
        NORMALIZED,
        [UP, DOWN],
    ),
    "normalized from 0 to 1": (
        {"m.csv": "polarity,pulse,G_norm\nSET,0,0\nSET,1,0.5\nSET,2,1\n"},
        NORMALIZED,
        [UP],
    ),
    "Potentiation and Depression": (
        {
            "m.csv": "type,pulse,G_uS\nPotentiation,0,1\nPotentiation,1,2\nPotentiation,2,3\n"
            "Depression,1,2\nDepression,2,1\n"
        },
        None,
        [UP, DOWN],
    ),
    "pulses counted on": (
        {"m.csv": "type,pulse,G_uS\nLTP,0,1\nLTP,1,2\nLTP,2,3\nLTD,3,2\nLTD,4,1\n"},
        None,
        [UP, DOWN],
    ),
    "every fifth pulse read": (
        {"m.csv": "polarity,pulse,G_uS\nSET,0,1\nSET,5,2\nSET,10,3\nRESET,5,2\n"},
        None,
        [(SET, [1.0, *[GAP] * 4, 2.0, *[GAP] * 4, 3.0]), (RESET, [3.0, *[GAP] * 4, 2.0])],
    ),
    "only some pulses read": (
        {"m.csv": "polarity,pulse,G_uS\nSET,0,1\nSET,1,\nSET,2,3\n"},
        None,
        [(SET, [1.0, GAP, 3.0])],
    ),
    "signed voltages": (
        {"m.csv": "pulse,voltage_V,G_uS\n0,1.2,1\n1,1.2,2\n2,1.2,3\n1,-1.4,2\n2,-1.4,1\n"},
        None,
        [UP, DOWN],
    ),
    "nothing but a rise and a fall": (
        {"m.csv": "pulse,G_uS\n0,1\n1,2\n2,3\n3,4\n4,3\n5,2\n6,1\n"},
        None,
        [(SET, [1.0, 2.0, 3.0, 4.0]), (RESET, [4.0, 3.0, 2.0, 1.0])],
    ),
    "a conductance beside its resistance": (
        {"m.csv": "polarity,pulse,R_kohm,G_uS\nSET,0,1000,1\nSET,1,500,2\nSET,2,,3\n"},
        None,
        [UP],
    ),
    "a conductance beside its current and the voltage": (
        {"m.csv": "polarity,pulse,G_uS,I_uA,V_read\nSET,0,1,0.2,0.2\nSET,1,2,0.4,0.2\nSET,2,3,0.6,0.2\n"},
        None,
        [UP],
    ),
    "a conductance beside a current whose voltage is not known": (
        {"m.csv": "polarity,pulse,I_uA,G_uS\nSET,0,0.2,1\nSET,1,0.4,2\nSET,2,0.6,3\n"},
        None,
        [UP],
    ),
    "a conductance in two units, and normalized": (
        {"m.csv": "polarity,pulse,G_uS,G_nS,G_norm\nSET,0,1,1000,0\nSET,1,2,2000,0.5\nSET,2,3,3000,1\n"},
        None,
        [UP],
    ),
    "G and R without units": (
        {"m.csv": "polarity,pulse,R,G\nSET,0,1000,1\nSET,1,500,2\nSET,2,333,3\n"},
        ValueMeaning(unit=ColumnUnit("conductance", 1e-6)),
        [UP],
    ),
    "two repetitions of conductance and resistance": (
        {"set.csv": "pulse,G1_uS,R1_kohm,G2_uS,R2_kohm\n0,1,1000,2,500\n1,2,500,4,250\n2,3,333,6,167\n"},
        None,
        [UP, (SET, [2.0, 4.0, 6.0])],
    ),
    "rows in another order": (
        {"m.csv": "polarity,pulse,G_uS\nRESET,2,1\nSET,2,3\nSET,0,1\nRESET,1,2\nRESET,0,3\nSET,1,2\n"},
        None,
        [UP, DOWN],
    ),
    "rows in another order, numbered on": (
        {"m.csv": "pulse,G_uS\n" + "".join(f"{at},{(1, 2, 3, 2, 1)[at]}\n" for at in (3, 0, 4, 2, 1))},
        None,
        [UP, (RESET, [3.0, 2.0, 1.0])],
    ),
    "two rows of many trains exchanged": (
        {
            "m.csv": "polarity,pulse,G_uS\n"
            + "".join(f"SET,{at},{1 + at}\n" for at in (0, 1, 2, 4, 3, 5))
            + "".join(
                f"{name},{at},{1 + at if name == 'SET' else 6 - at}\n" for name in ("RESET", "SET") for at in range(6)
            )
        },
        None,
        [
            (SET, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            (RESET, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
            (SET, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ],
    ),
    "RESET counted down, as on the axis of a figure": (
        {"m.csv": "polarity,pulse,G_uS\nSET,0,1\nSET,1,2\nSET,2,3\nRESET,2,3\nRESET,1,2\nRESET,0,1\n"},
        None,
        [UP, DOWN],
    ),
    "the last pulse first": (
        {"m.csv": "polarity,pulse,G_uS\nSET,2,3\nSET,1,2\nSET,0,1\nRESET,2,1\nRESET,1,2\nRESET,0,3\n"},
        None,
        [UP, DOWN],
    ),
    "the separator in the first line": (
        {"m.csv": "sep=;\npolarity;pulse;conductance_uS\nSET;0;1,0\nSET;1;2,0\nSET;2;3,0\n"},
        None,
        [UP],
    ),
    "the separator in the first line, in quotes, and a decimal comma beside it": (
        {"m.csv": b'\xef\xbb\xbf"SEP=|"\r\npolarity|pulse|G_uS\r\nSET|0|1,0\r\nSET|1|2,0\r\nSET|2|3,0\r\n'},
        None,
        [UP],
    ),
    "empty lines of a spreadsheet": (
        {"m.csv": "cell,polarity,pulse,G_uS\na,SET,0,1\n,,,\na,SET,1,2\na,SET,2,3\n,,,\n,,,\n"},
        None,
        [UP],
    ),
    "empty lines of a spreadsheet under columns without names": (
        {"m.csv": "SET,0,1\nSET,1,2\nSET,2,3\n,,\n"},
        MICROSIEMENS,
        [UP],
    ),
    "a pulse that no repetition was read after": (
        {"set.csv": "LTP1 (uS),LTP2 (uS)\n1,1\n,\n3,3\n"},
        None,
        [(SET, [1.0, np.nan, 3.0]), (SET, [1.0, np.nan, 3.0])],
    ),
    "decimal commas in the only column": ({"set.csv": "conductance (uS)\n1,0\n2,0\n3,0\n"}, None, [UP]),
    "decimal commas between spaces": (
        {"m.txt": "polarity pulse conductance_uS\nSET 0 1,0\nSET 1 2,0\nSET 2 3,0\n"},
        None,
        [UP],
    ),
    "spaces behind commas": ({"m.csv": "SET, 0, 1\nSET, 1, 2\nSET, 2, 3\n"}, MICROSIEMENS, [UP]),
    "a spread beside the mean, and what was asked for": (
        {"m.csv": "polarity,pulse,mean_uS,std_uS,target_uS,I_cc_uA\nSET,0,1,.1,9,5\nSET,1,2,.1,9,5\nSET,2,3,.1,9,5\n"},
        None,
        [UP],
    ),
    "the state before and after each pulse": (
        {"m.csv": "polarity,pulse,G_before_uS,G_after_uS\nSET,1,9,1\nSET,2,1,2\nSET,3,2,3\n"},
        None,
        [UP],
    ),
    "the number of the row beside that of the pulse": (
        {"m.csv": "pulse,no,polarity,G_uS\n0,0,SET,1\n1,1,SET,2\n2,2,SET,3\n0,3,RESET,3\n1,4,RESET,2\n2,5,RESET,1\n"},
        None,
        [UP, DOWN],
    ),
    "rows numbered through, shuffled so that falling numbers look like a count": (
        {
            "m.csv": "polarity,pulse,G_uS\n"
            + "".join(
                f"{'SET' if at < 6 or at > 10 else 'RESET'},{at},{SAW[at]}\n"
                for at in (4, 12, 8, 11, 3, 2, 7, 5, 0, 15, 9, 13, 1, 10, 14, 6)
            )
        },
        None,
        [(SET, SAW[:6]), (RESET, SAW[5:11]), (SET, SAW[10:])],
    ),
    "currents and their voltage below zero": (
        {"m.csv": "polarity,pulse,I_uA\nSET,0,-0.1\nSET,1,-0.2\nSET,2,-0.3\n"},
        ValueMeaning(read_voltage_v=-0.1),
        [UP],
    ),
    "magnitudes of currents at a voltage below zero": (
        {"m.csv": "polarity,pulse,I_uA\nSET,0,0.1\nSET,1,0.2\nSET,2,0.3\n"},
        ValueMeaning(read_voltage_v=-0.1),
        [UP],
    ),
    "whole ohms, and points in voltages beside them": (
        {"m.csv": "polarity;pulse;voltage_V;R_ohm\nSET;0;1.5;1000000\nSET;1;1.5;500000\nSET;2;1.5;250000\n"},
        None,
        [(SET, [1.0, 2.0, 4.0])],
    ),
    "quoted fields and a last separator": (
        {"m.csv": '"Polarity","Pulse","G, mean (uS)",\n"SET","0","1",\n"SET","1","2",\n"SET","2","3",\n'},
        None,
        [UP],
    ),
}


@pytest.fixture
def write(tmp_path: Path):
    def put(files: dict[str, str | bytes]) -> list[Path]:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return [tmp_path / name for name in files]

    return put


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_as_it_was_measured(write, name):
    files, meaning, expected = TABLES[name]
    found = read_pulse_trains(*write(files), meaning=meaning or ValueMeaning())
    assert [train.polarity for train in found] == [polarity for polarity, _ in expected]
    for train, (_, conductances) in zip(found, expected, strict=True):
        np.testing.assert_allclose(train.conductance_s * 1e6, conductances, rtol=1e-9)


def test_voltages_stand_beside_their_pulses(write):
    (path,) = write({"m.csv": "pulse,V,gate_V,G_uS\n0,,,1\n1,1.2,0.5,2\n3,1.4,0.7,3\n1,-1.1,2,2\n2,-1.3,2,1\n"})
    up, down = read_pulse_trains(path)
    np.testing.assert_allclose(up.voltage_v, [1.2, 1.3, 1.4])
    np.testing.assert_allclose(up.gate_v, [0.5, 0.6, 0.7])
    np.testing.assert_allclose(down.voltage_v, [1.1, 1.3])
    np.testing.assert_allclose(down.gate_v, [2, 2])


def test_sample_and_device_together_are_a_cell(write):
    (path,) = write(
        {
            "m.csv": "sample,device,polarity,pulse,G_uS\n"
            + "".join(f"{s},{d},SET,{at},{1 + at}\n" for s in "AB" for d in "12" for at in range(3))
        }
    )
    assert [train.cell for train in read_pulse_trains(path)] == ["A 1", "A 2", "B 1", "B 2"]


def test_cells_of_a_wide_table_are_told_from_repetitions(write):
    (path,) = write({"set.csv": "pulse,cell 1 (uS),cell 2 (uS)\n0,1,2\n1,2,3\n"})
    assert [train.cell for train in read_pulse_trains(path)] == ["cell 1", "cell 2"]
    (path,) = write({"set.csv": "pulse,run 1 (uS),run 2 (uS)\n0,1,2\n1,2,3\n"})
    assert [train.cell for train in read_pulse_trains(path)] == ["", ""]


@pytest.mark.parametrize(
    ("text", "kind", "factor"),
    [
        ("uS", "conductance", 1e-6),
        ("µS", "conductance", 1e-6),
        ("μS", "conductance", 1e-6),
        ("s", "conductance", 1.0),
        ("kohm", "resistance", 1e3),
        ("MΩ", "resistance", 1e6),
        ("Ohm", "resistance", 1.0),
        ("nA", "current", 1e-9),
        ("1", "normalized", 1.0),
        ("mS", "conductance", 1e-3),
        ("MS", "conductance", 1e6),
        ("pS", "conductance", 1e-12),
        ("PS", "conductance", 1e15),
        ("US", "conductance", 1e-6),
        ("fA", "current", 1e-15),
    ],
)
def test_units(text, kind, factor):
    assert parse_unit(text) == ColumnUnit(kind, factor)


def test_what_is_no_unit():
    # Of a milliohm and a megaohm, nothing tells which is meant.
    assert [parse_unit(text) for text in ("mohm", "uF", "", "volts", "ks", "fs")] == [None] * 6


@pytest.mark.parametrize(
    ("content", "meaning", "sentence"),
    [
        ("pulse,1,2\n0,1,1\n1,2,2\n", None, "1 has no unit; give it with --unit"),
        ("0,1\n1,2\n", None, "column 2 has no unit; give it with --unit"),
        ("polarity,pulse,current_uA\nSET,0,1\n", None, "give the voltage of the readings with --read-voltage"),
        ("polarity,pulse,normalized\nSET,0,0\n", None, "give the conductances of its ends with --window"),
        (
            "polarity,pulse,normalized\nSET,0,-3\nSET,1,2\n",
            NORMALIZED,
            "go from -3 to 2; they must lie between -1 and 1",
        ),
        ("pulse,G_uS\n0,1\n1,2\n2,1\n3,2\n4,1\n5,2\n", None, "name the polarity in a column, in the headers"),
        ("pulse,G_uS\n0,1\n1,2\n", None, "2 readings do not show it"),
        ("polarity,pulse,I_uA,V_read\nSET,0,1,0\n", None, "line 2: the read voltage is 0"),
        ("polarity,pulse,R_ohm\nSET,0,0\n", None, "line 2: resistance 0 is not greater than zero"),
        ("polarity,pulse,G_uS\nSET,0,1\nSET,99999999999,2\n", None, "line 3: pulse 99999999999 is too far"),
        ("polarity,pulse,G_uS\nSET,0," + "9" * 200_000 + "\n", None, "line 2 cannot be read: field larger than"),
        ("polarity,pulse,G_uS\nSET,0," + "x" * 100_000 + "\n", None, "xxx...', not a number"),
        (
            "polarity,pulse,G_uS,R_kohm\nSET,0,1,1000\nSET,1,2,400\n",
            None,
            "line 3: by G_uS the conductance is 2e-06 S, by R_kohm it is 2.5e-06 S",
        ),
        (
            "pulse,G_uS,R_kohm,R_kohm\n0,1,1000,1000\n",
            None,
            "which of these columns have the same readings is not clear",
        ),
        (
            "polarity,pulse,conductance [kohm]\nSET,0,1\n",
            None,
            "is called a conductance, and its unit is that of a res",
        ),
        ("polarity,pulse,G [MS]\nSET,0,1\n", None, "line 2: G [MS] is 1e+06 S, and a conductance lies between 1e-15"),
        ("polarity,pulse,conductance [mohm]\nSET,0,1\n", None, "'mohm', the unit of conductance [mohm], is not known"),
        (
            "polarity,pulse,G_uS\nSET,0,1\nSET,1,nan\n",
            None,
            "line 3: G_uS is 'nan', not a number; where nothing was read",
        ),
        ("polarity,pulse,G_uS\nSET,0,1\nSET,1,-inf\n", None, "leave the field empty or take the line out"),
        ("polarity,pulse,G_uS\nSET,0,1\nSET,1,1.2uS\n", None, "'1.2uS', not a number; write a number like 1.25"),
        (
            "polarity,pulse,G_uS\n" + "".join(f"SET,{at},{1 + at}\n" for at in (0, 5, 3, 4, 2, 5, 3, 0, 4, 2)),
            None,
            "line 4: SET pulse 3 comes after pulse 5, one of 4 rows out of order: sort the rows",
        ),
        ("1,75\n1,05\n", None, "line 2: the comma can be a decimal sign, or separate two columns"),
        ('pulse,G_uS\n0,"1,75"\n', None, "'1,75', not a number; write decimals with a point where commas separate"),
        (
            "pulse;R_ohm\n0;570,418\n1;103,395\n",
            None,
            "line 2: R_ohm is '570,418': 570418 or 570.418? All numbers of the column have three digits",
        ),
        ("pulse;R_ohm\n0;570.418\n1;103.395\n", None, "line 2: R_ohm is '570.418': 570418 or 570.418?"),
        (
            "pulse;V;R_ohm\n0;1.5;570,418\n1;1.5;98,395\n",
            None,
            "line 2: '570,418' beside '1.5' in line 2: comma and point cannot both be the decimal sign",
        ),
        (
            "cell,polarity,pulse,G_uS\na,SET,0,1\n,SET,1,2\n",
            None,
            "line 3: cell is empty, and other rows name a cell; write it in every row",
        ),
        (
            "polarity,pulse,V_set,V_reset,G_uS\nSET,0,1,,1\n",
            None,
            "V_set, V_reset are columns of the voltage of a pulse; a table has one",
        ),
        (
            "polarity,pulse,width_ns,G_uS\nRESET,0,20,2\nSET,0,50,1\nSET,1,100,2\n",
            None,
            "line 4: width_ns is 100, and 50 in line 3; a fit takes pulses of one width of each polarity",
        ),
        (
            "polarity,pulse,I_uA\nSET,0,-1\nSET,1,-2\n",
            ValueMeaning(read_voltage_v=0.1),
            "line 2: current -1 and the read voltage 0.1 V have different signs",
        ),
        ("pulse,std_uS,target_uS\n0,1,1\n", None, "it must be like polarity,pulse,conductance_uS"),
        ("polarity,pulse,G_uS\nSET,0,1_75\n", None, "line 2: G_uS is '1_75', not a number; write a number like 1.25"),
        (b"PK\x03\x04\0\0\0\0", None, "it is not text"),
        ("temperature,note\n1,2\n", None, "it must be like polarity,pulse,conductance_uS"),
        ("# nothing\n", None, "the header is empty"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(write, content, meaning, sentence):
    (path,) = write({"m.csv": content})
    with pytest.raises(ConfigError) as caught:
        read_pulse_trains(path, meaning=meaning or ValueMeaning())
    assert sentence in str(caught.value)
    assert "m.csv" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        read_pulse_trains(tmp_path)


TOKENS = [
    b"nan",
    b"inf",
    b"1e308",
    b"-1",
    b"0",
    b"",
    b",",
    b";",
    b"\t",
    b"\n",
    b'"',
    b"#",
    b"SET",
    b"\xff",
    b"\0",
    b"9" * 25,
]


def test_damaged_tables_are_read_or_refused_in_one_sentence(write):
    random = Random(0)
    originals = [
        (name, content if isinstance(content, bytes) else content.encode(), meaning or ValueMeaning())
        for files, meaning, _ in TABLES.values()
        for name, content in files.items()
    ]
    sentences = []
    for _ in range(1000):
        name, content, meaning = random.choice(originals)
        for _ in range(random.randint(1, 5)):
            at = random.randrange(len(content) + 1)
            content = content[:at] + random.choice(TOKENS) + content[at + random.randint(0, 6) :]
        (path,) = write({name: content})
        try:
            read_pulse_trains(path, meaning=meaning)
        except ConfigError as error:
            sentences.append(str(error))
    assert 500 < len(sentences) < 1000
    assert not any("\n" in sentence or len(sentence) > 700 for sentence in sentences)
