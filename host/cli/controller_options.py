"""Options of the controller that is elaborated, for the commands that write one."""

from typing import Annotated, TypeAlias

import typer

Tiles: TypeAlias = Annotated[int, typer.Option(metavar="N", help="Tiles behind the command stream.")]
SafeCodes: TypeAlias = Annotated[
    tuple[int, int, int],
    typer.Option(
        metavar="BIT SOURCE WORD", help="Codes of bit, source and word line at which nothing happens to a cell."
    ),
]
Cascade: TypeAlias = Annotated[bool, typer.Option("--cascade", help="Neighbouring tiles can add their sums.")]
SharedInputs: TypeAlias = Annotated[
    bool, typer.Option("--shared-inputs", help="Inputs can go to a group of tiles at once.")
]
OutputsPerBeat: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Sums that share a response beat: 1, 2 or 3.")
]
PulseEntries: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Entries of each polarity's pulse table: 0 (there is none), 16, 32 or 64.")
]
Compare: TypeAlias = Annotated[bool, typer.Option("--compare", help="The front end can compare; needs a pulse table.")]
Chain: TypeAlias = Annotated[
    bool, typer.Option("--chain", help="Sums can become inputs of other tiles; needs --shared-inputs.")
]
WidthCap: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", help="Cycles of a pulse that no register exceeds. [default: none]", show_default=False),
]
PulseCap: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="The same of the pulses of a command.", show_default=False)
]
CodeCaps: TypeAlias = Annotated[
    tuple[int, int, int] | None,
    typer.Option(metavar="BIT SOURCE WORD", help="The same of the codes of the lines.", show_default=False),
]
