"""The engines: each runs the programs of the contract, and gives the same answer."""
