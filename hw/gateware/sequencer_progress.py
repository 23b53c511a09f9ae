"""What runs on a tile, and how far it is: what all rooms of the tile see of its sequencer."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from twinbar.hw.protocol.layouts import Command
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import PHASES

from .tile_states import TileState


class ProgressSignature(wiring.Signature):
    """What runs on a tile, and how far it is.

    Members
    -------
    head : Out(Command)
        The command that waits at the front of the queue.
    ready : Out(1)
        Nothing runs in the next cycle unless it is popped in this one.
    popped : Out(1)
        The head starts with the next cycle.
    command : Out(Command)
        The command that runs.
    product, accesses : Out(1)
        It is a multiplication, or accesses a register.
    state, phase : Out
        Of this cycle.
    first : Out(1)
        This is the first cycle of its state.
    comparing, high_first : Out(1)
        Cells are compared, not converted; first with the upper bound of the window.
    blank : Out(1)
        The write ends with this cycle, and nothing has been read since its last pulse.
    halt : Out(1)
        What the tile does ends with this cycle.
    status : Out(Status)
        Of the command's response.
    handed_over, last_response : Out(1)
        The response is taken in this cycle; it ends the command.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "head": Out(Command),
                "ready": Out(1),
                "popped": Out(1),
                "command": Out(Command),
                "product": Out(1),
                "accesses": Out(1),
                "state": Out(TileState),
                "phase": Out(range(len(PHASES))),
                "first": Out(1, init=1),
                "comparing": Out(1),
                "high_first": Out(1),
                "blank": Out(1),
                "halt": Out(1),
                "status": Out(Status),
                "handed_over": Out(1),
                "last_response": Out(1),
            }
        )
