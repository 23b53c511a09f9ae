"""Proofs about the exported Verilog."""

from collections.abc import Callable
from typing import Any, Final

from twinbar.hw.gateware.accounts.tally import Tally
from twinbar.hw.gateware.control.admission import Admission
from twinbar.hw.gateware.control.array_access import ArrayAccess
from twinbar.hw.gateware.control.compliance_watch import ComplianceWatch
from twinbar.hw.gateware.control.duration_memory import DurationMemory
from twinbar.hw.gateware.control.next_state import NextState
from twinbar.hw.gateware.control.phase_timer import PhaseTimer
from twinbar.hw.gateware.control.product_outlet import ProductOutlet
from twinbar.hw.gateware.control.sequencer import Sequencer
from twinbar.hw.gateware.control.supervisor import Supervisor
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.write_drive import WriteDrive
from twinbar.hw.gateware.front_end.dac_keeper import DacKeeper
from twinbar.hw.gateware.front_end.i2c_transceiver import I2cTransceiver
from twinbar.hw.gateware.link.frame_receiver import FrameReceiver
from twinbar.hw.gateware.link.framer import Framer
from twinbar.hw.gateware.link.link_session import LinkSession
from twinbar.hw.gateware.link.uart import UartReceiver, UartTransmitter
from twinbar.hw.gateware.link.unpacker import Unpacker
from twinbar.hw.gateware.readout.column_channel import ColumnChannel
from twinbar.hw.gateware.readout.level_memory import LevelMemory
from twinbar.hw.gateware.stop_gate import StopGate
from twinbar.hw.gateware.streams.arbiter import Arbiter
from twinbar.hw.gateware.streams.dispatcher import Dispatcher
from twinbar.hw.gateware.streams.stream_queue import Queue
from twinbar.hw.gateware.streams.sum_link import SumLink
from twinbar.hw.parts.ad5593r import AD5593R
from twinbar.hw.parts.i2c import i2c_cycles

from .bus_proofs import CONFIG, PARTS
from .equivalence import exported_beside
from .exported_tile import exported_tile
from .frame_proof import DEPTH
from .intake_proof import WIDTHS
from .mutant import Mutant
from .proof import Proof
from .stream_proofs import BEAT_BITS
from .tile_proofs import IGNORES_A_FAULT, LATE_GATE, SHARING, SMALL, TABLED
from .uart_proof import RECEIVED_DIVISOR, TRANSMITTED_DIVISOR

_ANOTHER_OPERATOR: Final = Mutant(
    "the export writes one AND as an OR",
    "verilog",
    "{with_plain_names(modules)}",
    "{with_plain_names(modules).replace(' & ', ' | ', 1)}",
)
_ANOTHER_COMPARISON: Final = Mutant(
    "the export writes one equality as an inequality",
    "verilog",
    "{with_plain_names(modules)}",
    "{with_plain_names(modules).replace(' == ', ' != ', 1)}",
)
_COMPARED: Final[dict[str, Callable[[], Any]]] = {
    "array access": ArrayAccess,
    "next state": NextState,
    "compliance watch": ComplianceWatch,
    "supervisor": lambda: Supervisor(SMALL),
    "arming": Arming,
    "write drive": lambda: WriteDrive(TABLED),
    "dispatcher": lambda: Dispatcher(SHARING),
    "phase timer": PhaseTimer,
    "sequencer": lambda: Sequencer(SMALL),
    "sequencer with a pulse table and comparisons": lambda: Sequencer(TABLED),
    "admission": lambda: Admission(SMALL),
    "outlet of products": lambda: ProductOutlet(SHARING),
    "arbiter": lambda: Arbiter(3),
    "link of a cascade": lambda: SumLink(BEAT_BITS),
    "stop gate": StopGate,
    "UART's transmitter": lambda: UartTransmitter(TRANSMITTED_DIVISOR),
    "UART's receiver": lambda: UartReceiver(RECEIVED_DIVISOR),
    "decoder of frames": lambda: FrameReceiver(DEPTH),
    "session of the link": LinkSession,
    "maker of commands": lambda: Unpacker(WIDTHS, DEPTH),
    "outputs of serial DACs": lambda: DacKeeper(CONFIG, PARTS),
    "I2C transceiver": lambda: I2cTransceiver(i2c_cycles(AD5593R().timing, 4e6, 24), 24),
    "memory of the durations": lambda: DurationMemory(compare=False),
    "memory of the levels": lambda: LevelMemory(SMALL),
    "queue": lambda: Queue(BEAT_BITS, 5),
    "counters": lambda: Tally(5, 4),
    "sums of a column": lambda: ColumnChannel(SMALL),
    "maker of frames": lambda: Framer(bytes(range(7, 19)), 1024),
}
"""Parts that decide what the array sees, those of the bounded proofs and some with memories among them."""


_AN_EQUALITY: Final = Mutant(
    "the export writes one inequality as an equality",
    "verilog",
    "{with_plain_names(modules)}",
    "{with_plain_names(modules).replace(' != ', ' == ', 1)}",
)
_ANOTHER_CONTENT: Final = Mutant(
    "the export gives a word of a memory no first value",
    "verilog",
    "{with_plain_names(modules)}",
    "{with_plain_names(modules).replace('[2] = ', '[3] = ', 1)}",
)
_MUTANT_OF: Final = {
    "phase timer": _ANOTHER_COMPARISON,
    "UART's receiver": _AN_EQUALITY,
    "memory of the durations": _ANOTHER_CONTENT,
    "memory of the levels": _ANOTHER_CONTENT,
    "counters": _ANOTHER_CONTENT,
    "sums of a column": _ANOTHER_CONTENT,
    "maker of frames": _ANOTHER_CONTENT,
}


def _equal(name: str, make: Callable[[], Any]) -> Proof:
    return Proof(
        f"export of the {name}",
        f"The exported Verilog of the {name} is the netlist that the proofs are about.",
        lambda: exported_beside(make),
        1,
        unbounded=False,
        mutants=(_MUTANT_OF.get(name, _ANOTHER_OPERATOR),),
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
