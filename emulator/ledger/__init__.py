"""The ledger: counts of actions turned into seconds and joules by tables of energies."""
