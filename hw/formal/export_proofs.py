"""Proofs about the exported Verilog."""

from collections.abc import Callable
from typing import Any, Final

from twinbar.hw.gateware.control.array_access import ArrayAccess
from twinbar.hw.gateware.control.compliance_watch import ComplianceWatch
from twinbar.hw.gateware.control.next_state import NextState
from twinbar.hw.gateware.control.supervisor import Supervisor
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.write_drive import WriteDrive
from twinbar.hw.gateware.streams.dispatcher import Dispatcher

from .equivalence import exported_beside
from .exported_tile import exported_tile
from .mutant import Mutant
from .proof import Proof
from .tile_proofs import IGNORES_A_FAULT, LATE_GATE, SHARING, SMALL, TABLED

_ANOTHER_OPERATOR: Final = Mutant(
    "the export writes one AND as an OR",
    "verilog",
    "{with_plain_names(modules)}",
    "{with_plain_names(modules).replace(' & ', ' | ', 1)}",
)
_COMPARED: Final[dict[str, Callable[[], Any]]] = {
    "array access": ArrayAccess,
    "next state": NextState,
    "compliance watch": ComplianceWatch,
    "supervisor": lambda: Supervisor(SMALL),
    "arming": Arming,
    "write drive": lambda: WriteDrive(TABLED),
    "dispatcher": lambda: Dispatcher(SHARING),
}
"""Parts that decide what the array sees; registers are told by their names, which those of a part need for this."""


def _equal(name: str, make: Callable[[], Any]) -> Proof:
    return Proof(
        f"export of the {name}",
        f"The exported Verilog of the {name} is the netlist that the proofs are about.",
        lambda: exported_beside(make),
        1,
        unbounded=False,
        mutants=(_ANOTHER_OPERATOR,),
        equal=True,
    )


OF_EXPORT: Final = (
    Proof(
        "exported tile",
        "The properties of the gate hold of the exported Verilog of a tile, too.",
        lambda: exported_tile(SMALL),
        2,
        covers=("the gate opens",),
        within=34,
        mutants=(LATE_GATE, IGNORES_A_FAULT),
    ),
    *(_equal(name, make) for name, make in _COMPARED.items()),
)
