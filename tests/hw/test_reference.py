from pathlib import Path

from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.reference import BEGIN, END, reference, replaced
from twinbar.hw.protocol.registers import TILE_REGISTERS

PAGE = Path(__file__).parents[2] / "docs" / "controller.md"


def test_the_page_is_current():
    page = PAGE.read_text()
    again = "bring it up to date with twinbar.hw.protocol.reference.replaced"
    assert replaced(page) == page, f"docs/controller.md differs from the declarations; {again}"


def test_an_old_page_is_replaced():
    assert replaced(f"above\n{BEGIN}\nold\n{END}\nbelow") == f"above\n{reference()}\nbelow"


def test_everything_that_is_declared_is_in_it():
    text = reference()
    for name in [*(register.name for register in TILE_REGISTERS), *(opcode.name for opcode in Opcode)]:
        assert f"`{name}`" in text
