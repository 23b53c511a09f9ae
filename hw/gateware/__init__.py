"""The controller as synthesizable Amaranth components, one per file; ``docs/controller.md`` is their contract."""
