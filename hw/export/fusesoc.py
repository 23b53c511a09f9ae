"""The core file of FuseSoC (CAPI 2): file sets, and a target for each top module and its bench."""

from collections.abc import Iterable, Mapping, Sequence


def fusesoc(release: str, benches: Mapping[str, tuple[Sequence[str], str]], kit: Iterable[str]) -> str:
    """Return the text of ``twinbar.core``.

    Parameters
    ----------
    release : str
        Version of the core.
    benches : mapping of str to (sequence of str, str)
        Sources and module of tests by top module, that of the core itself first.
    kit : iterable of str
        Paths below ``bench/``, without their ending, of what the tests import.
    """
    lines = [
        "CAPI=2:",
        f"name: twinbar:cores:controller:{release}",
        "description: Controller of memristor crossbars",
        "",
    ]
    lines.append("filesets:")
    for top, (sources, _) in benches.items():
        lines += [f"  {top}:", "    files:", *(f"      - {source}" for source in sources)]
        lines += ["    file_type: verilogSource"]
        lines += [f"  {top}_constraints:", "    files:", f"      - constraints/{top}.sdc", "    file_type: SDC"]
    lines += ["  bench:", "    files:"]
    lines += [f"      - bench/{name}.py: {{copyto: {name}.py}}" for name in _bench_modules(benches, kit)]
    lines += ["    file_type: user", "", "targets:"]
    first = next(iter(benches))
    lines += ["  default:", f"    filesets: [{first}]", f"    toplevel: {first}"]
    for top, (_, tests) in benches.items():
        lines += [
            f"  lint_{top}:",
            "    flow: lint",
            "    flow_options: {tool: verilator, verilator_options: [--lint-only, -Wall]}",
            f"    filesets: [{top}]",
            f"    toplevel: {top}",
            f"  sim_{top}:",
            "    flow: sim",
            f'    flow_options: {{tool: icarus, cocotb_module: "{tests}", timescale: 1ns/1ps}}',
            f"    filesets: [{top}, bench]",
            f"    toplevel: {top}",
            f"  synth_{top}:",
            f"    filesets: [{top}, {top}_constraints]",
            f"    toplevel: {top}",
        ]
    return "\n".join(lines) + "\n"


def _bench_modules(benches: Mapping[str, tuple[Sequence[str], str]], kit: Iterable[str]) -> list[str]:
    tests = {module for _, modules in benches.values() for module in modules.split(",")}
    return sorted(tests | {"core_tests", "twinbar_protocol", *kit})
