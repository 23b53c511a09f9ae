"""The core as a folder that somebody else can build on: everything that ``twinbar core`` writes."""

import textwrap
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from amaranth.hdl import Fragment

from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.bus.axi_controller import AxiController
from twinbar.hw.gateware.bus.axi_lite_port import AxiLiteSignature
from twinbar.hw.gateware.bus.external_controller import ExternalController
from twinbar.hw.gateware.bus.wishbone_controller import WishboneController
from twinbar.hw.gateware.bus.wishbone_port import WishboneSignature
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.link.linked_controller import LinkedController
from twinbar.hw.gateware.reset_sequencer import ResettableController
from twinbar.hw.link.front_end_number import front_end_number
from twinbar.hw.link.hello import check_carried
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.verilog import NAME, ModulePort, export_component, ports_of

from .bench_protocol import bench_protocol
from .c_header import c_header
from .constraints import constraints
from .fusesoc import fusesoc
from .instantiation import instantiation
from .ip_xact import Interface, ip_xact
from .systemrdl import systemrdl
from .uart_session import uart_session

AXI: Final = "twinbar_axi"
WISHBONE: Final = "twinbar_wishbone"
UART: Final = "twinbar_uart"
HOSTS: Final = {"streams": NAME, "axi": AXI, "wishbone": WISHBONE, "uart": UART}
"""Top modules by the host that they are for."""

KIT: Final = "twinbar_bench"
"""Package of a core's bench that is a copy of `twinbar.hw.cocotb`."""

_AXI_LITE: Final = ("amba.com", "AMBA4", "AXI4Lite", "AXI4Lite_rtl", "r0p0_0")
_AXI_STREAM: Final = ("amba.com", "AMBA4", "AXI4Stream", "AXI4Stream_rtl", "r0p0_1")
_WISHBONE: Final = ("opencores.org", "interface", "wb", "wb_rtl", "B4")


class _Top(NamedTuple):
    """A top module: how it is made, whether it is given clock and reset by the domain, and its sources."""

    component: Callable[[], Any]
    clocked: bool
    sources: tuple[str, ...]
    about: str


@dataclass(frozen=True)
class CoreProject:
    """The core with its wrappers, descriptions and bench.

    Parameters
    ----------
    controller : ControllerConfig
    link : LinkConfig
        Of the module with a UART; its clock is that of the constraints.
    parts : SerialParts, optional
        Parts of every tile's front end; without them it is direct.
    hosts : collection of str
        For which hosts there is a top module: names of `HOSTS`. The core itself is there in any case.
    chip : bool
        Nothing has an initial value: the reset and a sequencer give all of them (`ResettableController`).
    release : str
        Version of the core.

    Raises
    ------
    ConfigError
        If a host is not known or cannot be had on a chip or with these options, or the parts do not fit.
    """

    controller: ControllerConfig
    link: LinkConfig = field(default_factory=LinkConfig)
    parts: SerialParts | None = None
    hosts: Collection[str] = tuple(HOSTS)
    chip: bool = False
    release: str = "0.0.0"

    def __post_init__(self) -> None:
        for host in self.hosts:
            if host not in HOSTS:
                raise ConfigError(f"there is no host {host!r}; choose from {', '.join(HOSTS)}")
        if self.chip and "uart" in self.hosts:
            raise ConfigError(
                "the host uart is not there for a chip: a session of its link resets registers and not memories; "
                "choose from streams, axi, wishbone"
            )
        if "uart" in self.hosts:
            check_carried(self.controller)
        if self.parts is not None:
            self.parts.check(self.controller.adc_channels, self.controller.dac_bits)

    @cached_property
    def reset_cycles(self) -> int:
        """Cycles after the reset in which commands wait; 0 on an FPGA."""
        if not self.chip:
            return 0
        core = ResettableController(Controller(self.controller, self.parts))
        Fragment.get(core, None)
        return core.reset_cycles

    @property
    def modules(self) -> dict[str, str]:
        """Top modules, and what each is."""
        return {name: top.about for name, top in self._tops.items()}

    def files(self) -> dict[str, str]:
        """Return the text of every file by its path in the folder.

        Raises
        ------
        ToolMissingError
            If there is no Yosys.
        """
        found, listed = {}, {}
        for name, top in self._tops.items():
            component = top.component()
            listed[name] = ports = ports_of(component.signature, clocked=top.clocked)
            found[f"rtl/{name}.v"] = export_component(component, name, clocked=top.clocked, initial=not self.chip)
            found[f"instances/{name}.v"] = instantiation(name, ports)
            found[f"constraints/{name}.sdc"] = constraints(ports, self.link.clock_hz)
        found |= self._descriptions(listed)
        found |= self._bench()
        sources = {name: top.sources for name, top in self._tops.items()}
        found["twinbar.core"] = fusesoc(self.release, sources, (name for name in found if name.startswith("bench/")))
        found[".gitignore"] = "/build/\n__pycache__/\n"
        found["README.md"] = self._readme()
        return found

    def write(self, folder: Path) -> list[Path]:
        """Write the folder; gives its files.

        Raises
        ------
        ConfigError
            If the folder holds something, or cannot be written.
        ToolMissingError
            If there is no Yosys.
        """
        _check_free(folder)
        files = self.files()
        _check_free(folder)
        written = []
        try:
            for name, text in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                written.append(path)
        except OSError as error:
            raise ConfigError(
                f"{folder} cannot be written ({error.strerror or error}); choose another folder with --out"
            ) from None
        return written

    @cached_property
    def _tops(self) -> dict[str, _Top]:
        config, parts = self.controller, self.parts

        def outside() -> ExternalController:
            return ExternalController(config, parts, NAME)

        def inside() -> Any:
            return ResettableController(Controller(config, parts)) if self.chip else Controller(config, parts)

        number = front_end_number(parts, emulated=False)
        core = f"rtl/{NAME}.v"
        every = {
            NAME: _Top(inside, True, (core,), "the core: two streams and the front end"),
            AXI: _Top(
                lambda: AxiController(outside()),
                False,
                (core, f"rtl/{AXI}.v"),
                "the core with registers on AXI4-Lite and beats on AXI4-Stream",
            ),
            WISHBONE: _Top(
                lambda: WishboneController(outside()),
                False,
                (core, f"rtl/{WISHBONE}.v"),
                "the core with registers and a mailbox for beats on Wishbone",
            ),
            UART: _Top(
                lambda: LinkedController(Controller(config, parts), self.link, number),
                True,
                (f"rtl/{UART}.v",),
                f"the core with its link and a UART of {self.link.baud:,} baud, as boards have it",
            ),
        }
        wanted = {NAME, *(HOSTS[host] for host in self.hosts)}
        return {name: top for name, top in every.items() if name in wanted}

    @property
    def _benches(self) -> dict[str, tuple[tuple[str, ...], str]]:
        """Sources and module of tests by top module."""
        tests = "core_tests" if self.parts is None else "serial_tests"
        if self.parts is None and self.controller.has_options:
            tests = f"{tests},option_tests"
        if self.chip:
            tests = f"reset_tests,{tests}"
        return {name: (top.sources, "uart_tests" if name == UART else tests) for name, top in self._tops.items()}

    def _descriptions(self, ports: dict[str, list[ModulePort]]) -> dict[str, str]:
        found = {
            "registers/twinbar.rdl": systemrdl(self.controller),
            "registers/twinbar_registers.h": c_header(self.controller),
        }
        for name, interfaces, mailbox in (
            (AXI, _axi_interfaces(self.controller), False),
            (WISHBONE, _wishbone_interfaces(self.controller), True),
        ):
            if name in self._tops:
                found[f"registers/{name}.xml"] = ip_xact(
                    name,
                    self.controller,
                    ports[name],
                    interfaces,
                    mailbox=mailbox,
                    release=self.release,
                )
        return found

    def _bench(self) -> dict[str, str]:
        found = {}
        for file in resources.files("twinbar.hw.export.bench").iterdir():
            if file.name == "Makefile":
                found["Makefile"] = file.read_text(encoding="utf-8")
            elif file.name.endswith((".py", ".cpp")) and file.name != "__init__.py":
                found[f"bench/{file.name}"] = file.read_text(encoding="utf-8")
        for file in resources.files("twinbar.hw.cocotb").iterdir():
            if file.name.endswith(".py"):
                found[f"bench/{KIT}/{file.name}"] = file.read_text(encoding="utf-8")
        further: dict[str, Any] = {"UART_DIVISOR": self.link.divisor, "RESET_CYCLES": self.reset_cycles}
        if UART in self._tops:
            number = front_end_number(self.parts, emulated=False)
            further["UART_SESSION"] = uart_session(self.controller, self.link, number)
        found["bench/twinbar_protocol.py"] = bench_protocol(self.controller, self._benches, **further)
        return found

    def _readme(self) -> str:
        size = self.controller
        front_end = "a direct front end (parallel codes and strobes)"
        if self.parts is not None:
            front_end = (
                f"a front end of serial parts ({self.parts.dac.name}, {self.parts.adc.name}, {self.parts.switch.name})"
            )
        modules = "\n".join(f"| `{name}` | {about} |" for name, about in self.modules.items())
        return _README.format(
            size=f"{size.tiles} {'tile' if size.tiles == 1 else 'tiles'} of {size.rows} x {size.columns} cells",
            front_end=front_end,
            clock=f"{self.link.clock_hz / 1e6:g}",
            modules=modules,
            hash=f"{size.hash:016x}",
            reset=_CHIP.format(cycles=self.reset_cycles) if self.chip else _FPGA,
            release=self.release,
        )


def _check_free(folder: Path) -> None:
    """Refuse a folder that holds something."""
    if folder.is_dir():
        if any(folder.iterdir()):
            raise ConfigError(f"{folder} holds other files; choose a new or empty folder with --out")
    elif folder.exists():
        raise ConfigError(f"{folder} is a file; choose a new or empty folder with --out")


def _axi_interfaces(config: ControllerConfig) -> list[Interface]:
    lite = {name.upper(): f"s_axil_{name}" for name in AxiLiteSignature(config).members}
    return [
        Interface("s_axil", _AXI_LITE, "slave", {**lite, "ACLK": "aclk", "ARESETn": "aresetn"}, mapped=True),
        *(
            Interface(name, _AXI_STREAM, mode, {signal.upper(): f"{name}_{signal}" for signal in signals})
            for name, mode, signals in (
                ("s_axis", "slave", ("tdata", "tvalid", "tready")),
                ("m_axis", "master", ("tdata", "tlast", "tvalid", "tready")),
            )
        ),
    ]


def _wishbone_interfaces(config: ControllerConfig) -> list[Interface]:
    signals = {name.upper(): f"wb_{name}" for name in WishboneSignature(config).members}
    return [Interface("wb", _WISHBONE, "slave", {**signals, "CLK_I": "clk_i", "RST_I": "rst_i"}, mapped=True)]


_FPGA: Final = textwrap.dedent(
    """\
    Registers and memories have initial values, which the configuration of an FPGA sets; a reset leaves settings and
    tables as they are. For a chip, write the core with `--chip`."""
)
_CHIP: Final = textwrap.dedent(
    """\
    Nothing has an initial value. Hold the reset for 4 cycles; a sequencer then writes the memories, and commands wait
    for {cycles} cycles, in which `busy` is high. Every reset brings settings, tables and counters to their first
    values. Gates and read paths are closed from the first cycle of the reset on; pins that show words of a memory are
    unknown until it is done."""
)
_README: Final = textwrap.dedent(
    """\
    # The Twinbar controller

    {size}, {front_end}, {clock} MHz; version {release}, configuration `{hash}`. Written by `twinbar core`.

    ```sh
    make              # the bench of every module, on Icarus Verilog and on Verilator
    make icarus       # on one of them
    ```

    The bench needs Python with cocotb 2 (`python -m pip install 'cocotb>=2,<3'`), make, and the simulators
    (`apt-get install iverilog verilator`); for Verilator, a C++ compiler too. It does not need Twinbar.

    | module | what it is |
    | --- | --- |
    {modules}

    | folder | what is in it |
    | --- | --- |
    | `rtl/` | Verilog-2005 without vendor primitives; the two wrappers instantiate the core |
    | `instances/` | an instance of each module, to be copied |
    | `registers/` | SystemRDL, C header, and IP-XACT (1685-2014) of the wrappers |
    | `constraints/` | SDC for each module |
    | `bench/` | the cocotb bench: its tests |
    | `bench/twinbar_bench/` | hosts, rules of every cycle, coverage, and `cell_grid.py`, cells to replace |
    | `twinbar.core` | FuseSoC (CAPI 2): targets `lint_*`, `sim_*`, `synth_*` |

    ## Reset

    {reset}

    ## On a bus

    Addresses count bytes. Page 0 holds the registers of the bus, page n + 1 (at `0x8000` times n + 1) those of tile n.
    A register of a tile takes two words, at 8 times its address: the low word carries the access out; the high word,
    of bits 32 to 35, is written before the low one and read after it. Writes are of whole words.

    An access that has no effect ends in SLVERR (AXI) or ERR (Wishbone); `BUS_ACCESS` says why. It waits its turn
    behind the commands of the tile, for `BUS_TIMEOUT` cycles at most. Then it ends likewise, and may still be carried
    out: `late` in `BUS_STATUS` is set until it is.

    On AXI, commands are 64 bits of `s_axis_tdata`, and responses the low 80 bits of `m_axis_tdata`, each a packet of
    its own. On Wishbone, write `COMMAND_LOW` and then `COMMAND_HIGH`; while `irq` is high, read `RESPONSE_0` to
    `RESPONSE_2`.
    """
)
