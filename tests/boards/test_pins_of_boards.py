"""Pins of every board, against a second definition of it: LiteX-Boards, litex_boards/platforms, by the names there.

The platforms of amaranth-boards are another project's, and so are these; both are read off the makers' schematics.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from twinbar.boards.known_boards import boards, find
from twinbar.boards.placement import sockets_of


@dataclass(frozen=True)
class Pins:
    """What a definition says: oscillator, UART (rx, tx of the FPGA), emergency stop, light, and connectors.

    A connector is a row of pins; "-" is none. Pmods count 1 to 4 and 7 to 10.
    """

    clock: str
    uart: tuple[str, str]
    light: str
    button: str = ""
    pmods: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


_ECPIX5 = Pins(
    clock="K23",
    uart=("R26", "R24"),
    light="R21",
    pmods={
        "pmod_0": "T25 U25 U24 V24 T26 U26 V26 W26",
        "pmod_1": "U23 V23 U22 V21 W25 W24 W23 W22",
        "pmod_2": "J24 H22 E21 D18 K22 J21 H21 D22",
        "pmod_3": "E4 F4 E6 H4 F3 D4 D5 F5",
        "pmod_4": "E26 D25 F26 F25 C26 C25 A25 A24",
        "pmod_5": "D19 C21 B21 C22 D21 A21 A22 A23",
        "pmod_6": "C16 B17 C18 B19 A17 A18 A19 C19",
        "pmod_7": "D14 B14 E14 B16 C14 A14 A15 A16",
    },
)
_ULX3S = Pins(clock="G2", uart=("M1", "L4"), light="B2", button="R1")
_GPIO_OF_ULX3S = {"0": ("B11", "C11"), "1": ("A10", "A11"), "2": ("A9", "B10"), "3": ("B9", "C10")}
"""Only the first pairs stand there."""
SECOND = {
    # 1bitsquared_icebreaker.py
    "icebreaker": Pins(
        clock="35",
        uart=("6", "9"),
        light="37",
        button="10",
        pmods={
            "pmod_0": "4 2 47 45 3 48 46 44",
            "pmod_1": "43 38 34 31 42 36 32 28",
            "pmod_2": "27 25 21 19 26 23 20 18",
        },
    ),
    # muselab_icesugar.py
    "icesugar": Pins(
        clock="35",
        uart=("4", "6"),
        light="41",
        pmods={
            "pmod_0": "10 6 3 48 9 4 2 47",
            "pmod_1": "46 44 42 37 45 43 38 36",
            "pmod_2": "34 31 27 25 32 28 26 23",
            "pmod_3": "21 20 19 18 - - - -",
        },
    ),
    # lambdaconcept_ecpix5.py, whose first LED is the platform's fourth
    "ecpix5-45": _ECPIX5,
    "ecpix5-85": _ECPIX5,
    # radiona_ulx3s.py
    **{f"ulx3s-{size}f": _ULX3S for size in (12, 25, 45, 85)},
    # colorlight_i5.py for P3 (there pmode and pmodf); P4 is read off the picture that it names
    "colorlight-i5": Pins(
        clock="P3",
        uart=("H18", "J17"),
        light="U16",
        pmods={
            "pmod_0": "C17 B18 B20 F20 A18 A19 B19 D20",
            "pmod_1": "H4 G3 F1 F2 H3 F3 E4 E1",
            "pmod_2": "D1 C1 C2 E3 E2 D2 B1 A3",
        },
    ),
    # sipeed_tang_nano_9k.py, less the pins of the bank of 1.8 V
    "tang-nano-9k": Pins(
        clock="52",
        uart=("18", "17"),
        light="10",
        button="3",
        headers={
            "j_6": "38 37 36 39 25 26 27 28 29 30 33 34 40 35 41 42 51 53 54 55 56 57 68 69",
            "j_7": "63 - - - - - - - - 77 76 75 74 73 72 71 70 - 48 49 31 32 - -",
        },
    ),
}
_PMOD = (1, 2, 3, 4, 7, 8, 9, 10)


def _pin(platform: Any, name: str, member: str = "") -> str:
    ios = platform.resources[name, 0].ios
    if member:
        ios = next(found for found in ios if found.name == member).ios
    (pin,) = ios[0].names
    return str(pin)


def test_every_board_has_a_second_definition() -> None:
    """But one: nobody else has put the pins of the iCE40-HX8K breakout board down in code that was found."""
    assert set(SECOND) == set(boards()) - {"ice40-hx8k-b-evn"}


@pytest.mark.parametrize("name", SECOND)
def test_two_definitions_agree(name: str) -> None:
    said, platform = SECOND[name], find(name).make_platform()
    assert _pin(platform, platform.default_clk) == said.clock
    assert (_pin(platform, "uart", "rx"), _pin(platform, "uart", "tx")) == said.uart
    if ("rgb_led", 0) in platform.resources and ("led_g", 0) not in platform.resources:
        assert _pin(platform, "rgb_led", "g") == said.light
    else:
        light = "led_g" if ("led_g", 0) in platform.resources else "led"
        assert _pin(platform, light) == said.light
    assert (("button", 0) in platform.resources) == bool(said.button)
    assert not said.button or _pin(platform, "button") == said.button
    sockets = sockets_of(platform)
    expected = {
        **{f"{pmod}:{n}": pin for pmod, row in said.pmods.items() for n, pin in zip(_PMOD, row.split(), strict=True)},
        **{f"{header}:{n}": pin for header, row in said.headers.items() for n, pin in enumerate(row.split(), 1)},
    }
    if name.startswith("ulx3s"):
        expected = {
            f"gpio_0:{n}{sign}": pin for n, pins in _GPIO_OF_ULX3S.items() for sign, pin in zip("+-", pins, strict=True)
        }
        assert expected.items() <= sockets.items()
    else:
        assert sockets == {socket: pin for socket, pin in expected.items() if pin != "-"}


def test_another_pin_is_found() -> None:
    """The connector of the Colorlight i5 that was wrong once: the second Pmod of P3 was called P4."""
    platform = find("colorlight-i5").make_platform()
    assert sockets_of(platform)["pmod_1:1"] != SECOND["colorlight-i5"].pmods["pmod_2"].split()[0]
