"""The board's side of the serial link; ``twinbar.hw.link`` is its reference, and ``docs/link.md`` its contract."""
