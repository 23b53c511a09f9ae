"""A board at a port, as training uses it: connected to once, waited for when it is gone, and given back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.board_state import leave_safe
from twinbar.host.transport.line import Line
from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.host.transport.patient_line import PatientLine, go_on, say_nothing
from twinbar.host.transport.recording import RecordingLine, free_path
from twinbar.hw.errors import LinkError, SilentBoardError
from twinbar.hw.gateware.controller_config import ControllerConfig

RETRY_S = 0.5
"""Host time between two attempts to reach a board that has fallen silent."""
"""From one attempt to start a session to the next."""


class BoardConnection:
    """A port, the link over it, and the controller behind it.

    Parameters
    ----------
    port : str
        Serial port, or ``socket://host:port``.
    baud : int
    wait_s : float
        How long port or board may be gone.
    check : bool
        See `BoardController`.
    record_line : Path, optional
        File to which the traffic is recorded (`RecordingLine`); one that is there is kept, and the next number taken.
    make_line : callable, optional
        Makes the line of a port and a baud rate; `open_line`, if it is not given.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        wait_s: float,
        check: bool,
        make_line: Callable[[str, int], Line] = open_line,
        record_line: Path | None = None,
    ) -> None:
        self.port = port
        self._baud = baud
        self._wait_s = wait_s
        self._check = check
        self._make_line = make_line
        self._record_line = record_line
        self._recording: RecordingLine | None = None
        self._line: PatientLine | None = None
        self._link: Link | None = None
        self._notice: Callable[[str], None] = say_nothing
        self._interrupt: Callable[[], None] = go_on
        self.controller: BoardController | None = None

    def make(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
    ) -> BoardController:
        """Return a controller (`MakeController` of the emulator's engines); connect, unless that was done.

        Raises
        ------
        LinkError
            If no board answers there.
        ConfigError
            If it does not fit.
        """
        if self._link is None:
            self._line = PatientLine(lambda: self._make_line(self.port, self._baud), self._wait_s)
            self._line.notice, self._line.check = self._notice, self._interrupt
            if self._record_line is not None:
                self._recording = RecordingLine(self._line, free_path(self._record_line))
            self._link = Link(self._recording or self._line)
        self.controller = BoardController(
            config, controller, mapped_columns=mapped_columns, faults=faults, link=self._link, check=self._check
        )
        self.controller.notice = self._notice
        return self.controller

    def listen(self, notice: Callable[[str], None], check: Callable[[], None]) -> None:
        """Say what to do while the port is gone (see `PatientLine`)."""
        self._notice, self._interrupt = notice, check
        if self._line is not None:
            self._line.notice, self._line.check = notice, check
        if self.controller is not None:
            self.controller.notice = notice

    @property
    def was_open(self) -> bool:
        """Whether a board has answered: then it is worth waiting for."""
        return self._link is not None

    def restart(self, error: SilentBoardError) -> None:
        """Start another session with a board that has forgotten the one before, as soon as it answers.

        Errors are those of `reconnect`.
        """
        assert self.controller is not None
        self.reconnect(error)
        self.controller.start_session()

    def reconnect(self, error: SilentBoardError) -> None:
        """Start another session, as soon as the board answers, for a controller that is yet to be made.

        Raises
        ------
        SilentBoardError
            If it does not answer in time.
        LinkError
            If it is another board now.
        """
        assert self._link is not None
        if not self._wait_s:
            raise error
        self._notice(f"{error}; trying for up to {self._wait_s:g} s (Ctrl-C ends it)")
        hash_before = self._link.hello.hash
        end = time.monotonic() + self._wait_s
        while True:
            self._interrupt()
            try:
                self._link.connect(hash_before)
                break
            except SilentBoardError as still:
                if time.monotonic() >= end:
                    raise SilentBoardError(f"the board has not answered for {self._wait_s:g} s: {still}") from still
            time.sleep(RETRY_S)

    def report(self) -> dict[str, Any]:
        """Return what a report says of the board."""
        board, line = self.controller, self._line
        assert board is not None
        assert line is not None
        hello, link = board.link.hello, board.link.statistics
        return {
            "port": self.port,
            "configuration": f"{hello.hash:016x}",
            "clock_hz": hello.clock_hz,
            "baud": round(hello.baud),
            "responses": board.responses,
            "differing_responses": board.differing,
            "bytes_sent": link.bytes_sent,
            "bytes_received": link.bytes_received,
            "frames_sent_again": link.resent,
            "damaged_frames": link.damaged,
            "lost_ports": line.losses,
            "predicted": ["cell_energy", "row_drive", "channel_cycle", "channel_wake"]
            + ([] if board.differing else ["conductance_s"]),
        }

    def close(self) -> None:
        """Make the board safe, or say that it is not, and give the port back; nothing is waited for any more."""
        if self._line is None:
            return
        self._line.wait_s, self._line.check = 0.0, go_on
        try:
            if self._link is not None:
                leave_safe(self._link)
        except LinkError as error:
            # A report that is ready, or the error that has ended the run, is worth more.
            self._notice(f"warning: {error}")
        finally:
            (self._link or self._recording or self._line).close()
