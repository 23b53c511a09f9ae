"""Components of a cocotb bench: hosts, players, monitors, rules of every cycle, and what a bench has covered.

These files need cocotb and nothing else: ``twinbar core`` copies them into the bench of a core. ``protocol`` is the
module ``twinbar_protocol`` of such a bench, or what ``protocol_of`` of ``twinbar.cocotb`` makes of a configuration.
Array and parts with their physics, and the scoreboard, come from the emulator.
"""
