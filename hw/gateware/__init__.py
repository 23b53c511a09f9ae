"""The controller as synthesizable Amaranth components, one per file; ``docs/controller.md`` is their contract.

A `Controller` has tiles behind ``streams``; a `Tile` connects its rooms and its ``front_end``:

============= ========================================================================================================
``control``   takes commands, runs them state by state, keeps the tile safe, answers
``drive``     bias records: their memory, their check, and the codes that they put on the lines
``readout``   from the codes of the converters to results: cells, columns, offsets, trims, levels
``accounts``  counts the cycles of every phase, and the actions
``front_end`` the handshake with the analog side, and two kinds of it: direct, and of serial parts
``array``     a third kind of front end: cells that the chip emulates
``streams``   queues, dispatcher and arbiter between the host and the tiles
``link``      the serial link in front of a controller
============= ========================================================================================================

What the rooms share lies beside them: `ProgressSignature` (what runs), `RegisterAccessSignature` (which register), the
states of a tile, and the elaboration parameters.
"""
