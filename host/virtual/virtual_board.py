"""A virtual board at a port of this machine, for as long as a ``with`` block lasts."""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import Endpoint, PtyEndpoint, TcpEndpoint
from twinbar.host.virtual.server import Server
from twinbar.hw.errors import ConfigError, LinkError

if TYPE_CHECKING:
    from twinbar.hw.gateware.board_core import CoreConfig


class VirtualBoard:
    """The whole core of a board, compiled, at a port that `twinbar.host.board.board.Board` opens.

    A core is compiled once, which takes a minute, and kept in the user's cache. The board is powered up when the
    ``with`` block is entered, and runs in a thread.

    Parameters
    ----------
    board : str
        A board of ``twinbar board list``.
    array : {"model", "emulated"}
        Cells: a software model behind the pins, or cells that the core emulates.
    device : str, optional
        Name or file of the cells' preset.
    seed : int
        Of the cells and the noise.
    wiring : str, optional
        Name or file, instead of the board's.
    fast : bool
        Bytes and words pass the serialisers by: not bit level, the same cycles.
    config : Path or str, optional
        Configuration file whose cells are behind it.
    settings : mapping, optional
        Any keys of the configuration; they win.
    **sizes : int
        Parameters of the controller (``rows``, ``columns``, ``adc_channels``, ...) instead of the board's.

    Attributes
    ----------
    core : CoreConfig
    crossbar : CrossbarConfig
        The cells, resolved: what an emulated chip or a `Board` takes to be exactly these.
    port : str
        What a host opens; within the ``with`` block.

    Raises
    ------
    ConfigError
        If there is no such board.
    ToolMissingError
        If this machine lacks the compiler or Yosys.
    """

    def __init__(
        self,
        board: str,
        array: Literal["model", "emulated"] = "model",
        *,
        device: str | None = None,
        seed: int = 0,
        wiring: str | None = None,
        fast: bool = False,
        config: Path | str | None = None,
        settings: Mapping[str, Any] | None = None,
        **sizes: int,
    ) -> None:
        if array not in ("model", "emulated"):
            raise ConfigError(f'the array of a virtual board is "model" or "emulated", not {array!r}')
        file = None if config is None else Path(config)
        changes: dict[str, Any] = {"engine.seed": seed, **({} if device is None else {"device.preset": device})}
        changes |= settings or {}
        make = self._emulated if array == "emulated" else self._wired
        self.core, self.crossbar = make(board, wiring, file, changes, sizes)
        self._model = array == "model"
        self._fast = fast
        self._stack = ExitStack()
        self._compiled: CompiledBoard | None = None
        self._endpoint: Endpoint | None = None

    @staticmethod
    def _emulated(
        name: str, wiring: str | None, file: Path | None, changes: dict[str, Any], sizes: dict[str, int]
    ) -> "tuple[CoreConfig, CrossbarConfig]":
        from twinbar.host.board.emulated_board import emulated_core, emulated_run
        from twinbar.host.experiment.resolved_crossbar import build_crossbar

        if wiring is not None:
            raise ConfigError("an emulated array has no wires; leave out the wiring")
        board = find(name)
        run = emulated_run(board, file, {**{f"array.{size}": value for size, value in sizes.items()}, **changes})
        return emulated_core(board, run), build_crossbar(run)

    @staticmethod
    def _wired(
        name: str, wiring: str | None, file: Path | None, changes: dict[str, Any], sizes: dict[str, int]
    ) -> "tuple[CoreConfig, CrossbarConfig]":
        from twinbar.host.virtual.virtual_array import array_of

        board = find(name)
        core = core_of(board, find_wiring(wiring or board.wiring), **sizes)
        return core, array_of(core, file, changes)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._compiled = CompiledBoard(self.core, self.crossbar if self._model else None, words=self._fast)
            self._endpoint = _open_endpoint()
            stack.enter_context(closing(self._endpoint))
            stack.enter_context(repeating(Server(self._compiled, self._endpoint).step))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()
        self._endpoint = None

    @property
    def port(self) -> str:
        """What a host opens as its port.

        Raises
        ------
        LinkError
            Outside of the ``with`` block.
        """
        if self._endpoint is None:
            raise LinkError("the virtual board is not running; open it with a `with` block")
        return self._endpoint.name

    @property
    def compiled(self) -> CompiledBoard:
        """The running core: its cycles, what it complains about, and, behind pins, the state of its cells.

        Raises
        ------
        LinkError
            If it has not been powered up.
        """
        if self._compiled is None:
            raise LinkError("the virtual board has not been powered up; open it with a `with` block")
        return self._compiled


def _open_endpoint() -> Endpoint:
    try:
        return PtyEndpoint()
    except ConfigError:
        # A system without pseudo-terminals.
        return TcpEndpoint(0)
