"""The engine `events`: the controller as SimPy processes, the readable reference of its timing.

Every file is a part of ``docs/controller.md``, in the words of that page:

====================================  =================================================================================
`streams`, `queues`                   dispatch, arbiter, consumer, and the queues between them
`sequencer`                           how a tile takes, carries out and answers a command, and what a halt does to it
`admission`, `registers`              refusals; registers and tables
`operations`                          which function carries out which opcode: `housekeeping`, `cells`, `pulses`,
                                      `calibration`, `products`; `sampling` is how they read
`safety`                              mode, faults, halts, watchdog, asynchronous pins
`drive`, `input_planes`, `counters`   the write drive; the row registers; the counters
`front_end`                           the pins of the array, and the heat that follows them (``docs/programs.md``)
====================================  =================================================================================

How cycles become events
------------------------
SimPy's time is the number of the cycle. Nothing happens in a cycle in which nothing changes: a phase of n cycles is one
timeout, and whoever waits for a beat, for room or for a fault sleeps until the cycle in which it is there.

What happens within a cycle has an order, which is that of `twinbar.emulator.engines.events.clock.Stage`:

1. START: a process whose phase ended with the cycle before begins the next one; from here on it is known what every
   tile does in this cycle. What a phase changes (a code, a count, an open gate), it changes when it begins or, for
   decisions, behind its last cycle; so a halt in between leaves undone what the page says it leaves undone.
2. HALT: SAFE and ABORT that are presented, pins, trips and the watchdog halt tiles. A halt interrupts the process of a
   sequencer in the middle of its phase; the process lets this cycle end, and responds from the next one on.
3. STREAM: beats are accepted, handed over, popped and taken. All of them look at the room and the visible beats of the
   start of the cycle, so that their order among each other does not matter.
4. END: mode and faults take the values that halts and commands have written to them in this cycle. A response that was
   handed over in it has told the old ones.

Within a stage the order of events does not matter. Nothing is kept in the order of tiles but the arbiter's turn.
"""

from twinbar.emulator.engines.events.controller import EventsController
from twinbar.emulator.engines.events.listener import Listener, Recording

__all__ = ["EventsController", "Listener", "Recording"]
