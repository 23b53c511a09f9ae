"""A board at a port: the verbs on its cells."""

from collections.abc import Mapping
from typing import Any

from twinbar.boards.board_definition import DEFAULT_BAUD
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.bare_controller import BareController
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.board_crossbar import controller_of, crossbar_of
from twinbar.host.board.board_state import leave_safe
from twinbar.host.cells.accounted_controller import ProgramRunner
from twinbar.host.cells.verbs import Cells
from twinbar.host.transport.line import Line
from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import LinkError


class Board(Cells):
    """A board, real or virtual; the verbs are those of `Cells`.

    The board says itself what its geometry, converters, clock and front end are. It starts disarmed, with the registers
    of the configuration written; `close`, which the end of a ``with`` block does, makes it safe.

    Parameters
    ----------
    port : str or Line
        Serial port, ``socket://host:port``, ``replay:FILE``, or an open line.
    device : str, optional
        Name or file of the cells' preset, which no board knows. Without it an emulated array has the preset it is
        built with unless told otherwise; of real cells only codes are known then, and registers are as they are found.
    levels : int, optional
        Levels per cell, from Gmin to Gmax (evenly spaced unless ``settings`` have ``device.level_spacing``).
    seed : int
        Of an emulated array.
    baud : int
        Rate that the board was built for.
    energy_table : str
        Name or file of the prices in `cost`.
    settings : mapping, optional
        Any keys of the configuration, such as ``{"timing.samples": 4}``; they win.
    config : CrossbarConfig, optional
        A resolved configuration instead of all these.
    check : bool
        Whether a response that differs from that of the emulated array is an error: for boards whose array is
        emulated.

    Attributes
    ----------
    link : Link

    Raises
    ------
    LinkError
        If no board answers.
    ConfigError
        If it is not for this configuration.
    """

    def __init__(
        self,
        port: str | Line,
        device: str | None = None,
        *,
        levels: int | None = None,
        seed: int = 0,
        baud: int = DEFAULT_BAUD,
        energy_table: str = "macro-65nm",
        settings: Mapping[str, Any] | None = None,
        config: CrossbarConfig | None = None,
        check: bool = False,
    ) -> None:
        self.link = Link(open_line(port, baud) if isinstance(port, str) else port)
        self._closed = False
        try:
            hello = self.link.hello
            if config is None:
                config = crossbar_of(hello, device, levels, seed, settings or {})
            controller: ProgramRunner
            if config is None:
                controller = BareController(self.link, controller_of(hello))
            else:
                shape = config.array.controller(hello.tiles)
                controller = BoardController(config, shape, link=self.link, check=check)
            super().__init__(controller, config, hello.clock_hz, energy_table)
            if config is not None:
                self.configure()
        except BaseException:
            # Nothing is armed yet: the session began with a reset.
            self.link.close()
            raise

    def __exit__(self, *raised: Any) -> None:
        try:
            self.close()
        except LinkError as unsafe:
            if (error := raised[1]) is None:
                raise
            error.add_note(str(unsafe))

    def close(self) -> None:
        """Make the board safe, in another session if this one was broken off, and give the port back.

        Raises
        ------
        LinkError
            If the board has not said that it is safe. The port is given back all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            leave_safe(self.link)
        finally:
            self.link.close()
