"""The engine `events`: the controller as SimPy processes, the readable reference of its timing.

Every file is a part of ``docs/controller.md``, in the words of that page. A file imports from the floors below its own:

==============================================  =======================================================================
`clock`                                         cycles, the stages within one, and events that happen in them
`decoding`, `register_file`, `listener`         commands and answers; registers and tables; what timelines are told
`input_planes`                                  the row registers
----------------------------------------------  -----------------------------------------------------------------------
`stream_queue`, `sum_link`                      the queues before the tiles and the consumer; those of partial sums
`router`                                        which tiles a beat goes to
`safety`                                        mode, faults, halts, watchdog, asynchronous pins
`drive`, `counters`                             the write drive; the counters
----------------------------------------------  -----------------------------------------------------------------------
`arbiter`, `consumer`                           the response stream
`admission`                                     refusals
`cascade_member`                                the part of a tile in a cascade that it runs
`activation_buffer`                             sums that are kept as inputs of the next layer
`front_end`, `front_end_time`                   the pins of the array and their heat (``docs/programs.md``); how long
                                                requests to them take
----------------------------------------------  -----------------------------------------------------------------------
`tile`, `table_walk`                            the parts of a tile in one place; phases, responses, halts; which entry
                                                of the pulse table a write takes next
----------------------------------------------  -----------------------------------------------------------------------
`product_outlet`                                outputs of cascades, of packed beats, and those that are kept
`transfer_start`                                the start of transfers between tiles
----------------------------------------------  -----------------------------------------------------------------------
`dispatcher`, `joint_start`                     the command stream; the start of cascades
`sampling`, `housekeeping`, `products`          how operations read; the operations without the array; MULTIPLY
----------------------------------------------  -----------------------------------------------------------------------
`pulses`, `calibration`, `comparing`            PULSE and DRIVE; CALIBRATE; comparisons with a window
----------------------------------------------  -----------------------------------------------------------------------
`cells`                                         READ, CONVERT, WRITE and FORM
----------------------------------------------  -----------------------------------------------------------------------
`operations`                                    which function carries out which opcode
----------------------------------------------  -----------------------------------------------------------------------
`sequencer`                                     takes a command, carries it out, answers it
----------------------------------------------  -----------------------------------------------------------------------
`events_controller`                             all tiles behind the two streams
==============================================  =======================================================================

How cycles become events
------------------------
SimPy's time is the number of the cycle. Nothing happens in a cycle in which nothing changes: a phase of n cycles is one
timeout, and a process that waits for a beat, for room or for a fault sleeps until the cycle in which it comes.

Within a cycle, events happen in the order of `twinbar.emulator.engines.events.clock.Stage`:

1. START: a process whose phase ended with the previous cycle begins the next one; from here on it is known what every
   tile does in this cycle. A phase makes its changes (a code, a count, an open gate) when it begins or, for decisions,
   behind its last cycle; so a halt in between leaves undone what the page says it leaves undone.
2. HALT: SAFE and ABORT that are presented, pins, trips and the watchdog halt tiles. A halt interrupts the process of a
   sequencer in the middle of its phase; the process lets this cycle end, and responds from the next one on.
3. STREAM: beats are accepted, handed over, popped and taken. All of these see the room and the visible beats of the
   start of the cycle, so their order does not matter.
4. END: mode and faults take the values that halts and commands have written to them in this cycle. A response that was
   handed over in this cycle carries the old ones.

Within a stage the order of events does not matter. Only the arbiter's turn depends on the order of the tiles.
"""

from twinbar.emulator.engines.events.events_controller import EventsController
from twinbar.emulator.engines.events.listener import Listener, Recording

__all__ = ["EventsController", "Listener", "Recording"]
