"""From a board's top level to a bitstream: kept under the hash of everything that it was made of."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twinbar.boards.bitstream import MANIFEST, NAME, REPORT, Bitstream, bitstream_folder, load
from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.fit_advice import does_not_fit, explain
from twinbar.boards.toolchain import Family, family_of, find_tools, version_of
from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.block_ram import IGNORE_COLLISIONS
from twinbar.hw.work_folder import work_folder

LOG: Final = f"{NAME}.tim"
"""Where nextpnr notes what it does not say aloud."""
_CLOSE: Final = 0.999
"""Constraints are rounded to picoseconds."""
_EXCEPTION: Final = re.compile(r"\w+(Error|Exception)\b")


def build(
    board: BoardDefinition,
    platform: Any,
    top: Any,
    description: dict[str, Any],
    *,
    seed: int = 1,
    notice: Callable[[str], None] = lambda sentence: None,
) -> Bitstream:
    """Make a bitstream, or take the one that was made of the same inputs before.

    Parameters
    ----------
    board : BoardDefinition
    platform : amaranth platform
        Of the board, with the resources that the top level asks for added.
    top : Elaboratable
    description : dict
        What the manifest says of the configuration; JSON.
    seed : int
        Of the placement.
    notice : callable
        Takes a sentence on what is going on.

    Raises
    ------
    ToolMissingError
        If a tool is missing.
    TwinbarError
        If a tool fails, the design does not fit, or its timing is not met.
    """
    family = family_of(platform.device)
    tools = find_tools(family)
    plan = platform.prepare(
        top,
        NAME,
        # Without places in the sources: neither the folder of a checkout nor a comment makes another bitstream.
        emit_src=False,
        synth_opts=family.synth_options,
        script_after_read=IGNORE_COLLISIONS,
        nextpnr_opts=f"--report {REPORT} --timing-allow-fail --seed {seed}",
    )
    files = {name: text if isinstance(text, bytes) else text.encode() for name, text in plan.files.items()}
    versions = {tool: version_of(path, family.tools[tool]) for tool, path in tools.items()}
    digest = _digest(files, versions)
    folder = bitstream_folder() / f"{board.name}-{digest}"
    cached = (folder / MANIFEST).is_file()
    if not cached:
        manifest = {
            "board": board.name,
            "device": platform.device,
            "clock_hz": board.clock_hz,
            "inputs": digest,
            "tools": versions,
            "git": _git_revision(),
            **description,
        }
        _make(folder, files, tools, family, manifest, notice)
    result = load(folder, family, cached=cached)
    if cached:
        result.touch()
    if not any(clock.wanted_hz >= _CLOSE * board.clock_hz for clock in result.clocks):
        raise TwinbarError(
            f"place-and-route gave no figure for a clock of {board.clock_hz / 1e6:g} MHz, so that nobody knows whether "
            f"the timing is met; {REPORT} in {folder} is what it wrote"
        )
    if result.late:
        worst = result.late[0]
        raise TimingError(
            f"the design reaches {worst.achieved_hz / 1e6:.1f} MHz on {board.name}, and its clock {worst.name} has "
            f"{worst.wanted_hz / 1e6:.1f} MHz; try another placement with --seed, a smaller configuration, or a slower "
            "clock",
            result,
        )
    return result


class TimingError(TwinbarError):
    """The bitstream was made, but is too slow.

    Parameters
    ----------
    sentence : str
    result : Bitstream
    """

    def __init__(self, sentence: str, result: Bitstream) -> None:
        super().__init__(sentence)
        self.result = result


def _digest(files: dict[str, bytes], versions: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name] + b"\0")
    return digest.hexdigest()[:16]


def _make(
    folder: Path,
    files: dict[str, bytes],
    tools: dict[str, str],
    family: Family,
    manifest: dict[str, Any],
    notice: Callable[[str], None],
) -> None:
    """Run the tools in a folder of their own, which takes its final name when everything is there."""
    with work_folder(folder.parent) as place:
        work = place.path
        for name, content in files.items():
            (work / name).write_bytes(content)
        before = os.times()
        notice(f"building for {manifest['device']}: synthesis, placement and routing take some minutes")
        environment = os.environ | {tool.upper().replace("-", "_"): path for tool, path in tools.items()}
        done = place.run(["sh", f"build_{NAME}.sh"], environment)
        if done.returncode:
            log = folder.parent / f"{folder.name}.log"
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
            reason = _reason(done)
            if does_not_fit(reason):
                emulated = "emulated" in manifest.get("front_end", ())
                remedy = explain(reason, _read(work / LOG), emulated=emulated)
                raise TwinbarError(
                    f"the design does not fit into the {manifest['device']} of {manifest['board']}: {remedy}, or "
                    f"choose another board ({reason}; all that was said is in {log})"
                )
            raise TwinbarError(f"the bitstream could not be built: {reason}; all that was said is in {log}")
        result = work / "result"
        result.mkdir()
        shutil.copy(work / f"{NAME}.{family.extension}", result)
        shutil.copy(work / REPORT, result)
        after = os.times()
        took = after.children_user + after.children_system - before.children_user - before.children_system
        (result / MANIFEST).write_text(
            json.dumps(manifest | {"seconds": round(took, 1)}, indent=2) + "\n", encoding="utf-8"
        )
        if not folder.exists():
            os.replace(result, folder)


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    lines = (done.stdout + done.stderr).splitlines()
    errors = [line for line in lines if line.startswith("ERROR")]
    # A tool that is a Python program ends with its exception; YoWASP announces itself before anything is wrong.
    errors += [line for line in lines if _EXCEPTION.match(line)][-1:]
    said = [line for line in lines if not line.startswith("Preparing to run")]
    return (errors or said or ["it said nothing"])[0].removeprefix("ERROR: ").strip().rstrip(".")


def _git_revision() -> str:
    """Return the revision of the sources where they lie in a git checkout, and whether they were changed since."""
    here = Path(__file__).parent
    if shutil.which("git") is None:
        return "unknown"
    run = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(run, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return done.stdout.strip() or "unknown"
