"""The verbs on cells, whatever runs them: an emulated chip, a netlist, a virtual or a real board."""
