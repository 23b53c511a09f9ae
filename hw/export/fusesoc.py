"""The core file of FuseSoC (CAPI 2): file sets, and targets for each top module: lint, its bench, and synthesis."""

from collections.abc import Iterable, Mapping, Sequence


def fusesoc(release: str, benches: Mapping[str, Sequence[str]], bench: Iterable[str]) -> str:
    """Return the text of ``twinbar.core``.

    The bench is run by a script of its own, as by ``make``, and not by what FuseSoC does for cocotb: Edalize 0.6 starts
    cocotb 2.1 without the libraries that it asks for, and takes that for a bench that has passed.

    Parameters
    ----------
    release : str
        Version of the core.
    benches : mapping of str to sequence of str
        Sources by top module, that of the core itself first.
    bench : iterable of str
        Files of the bench.
    """
    lines = [
        "CAPI=2:",
        f"name: twinbar:cores:controller:{release}",
        "description: Controller of memristor crossbars",
        "",
    ]
    lines.append("filesets:")
    for top, sources in benches.items():
        lines += [f"  {top}:", "    files:", *(f"      - {source}" for source in sources)]
        lines += ["    file_type: verilogSource"]
        lines += [f"  {top}_constraints:", "    files:", f"      - constraints/{top}.sdc", "    file_type: SDC"]
    everything = dict.fromkeys(source for each in benches.values() for source in each)
    lines += ["  bench:", "    files:"]
    lines += [f"      - {name}: {{copyto: {name}}}" for name in (*sorted(bench), *everything)]
    lines += ["    file_type: user", "", "scripts:"]
    for top in benches:
        lines += [f"  bench_{top}:", f"    cmd: [python3, bench/run_bench.py, icarus, --top, {top}]"]
    first = next(iter(benches))
    lines += ["", "targets:", "  default:", f"    filesets: [{first}]", f"    toplevel: {first}"]
    for top in benches:
        lines += [
            f"  lint_{top}:",
            "    flow: lint",
            "    flow_options: {tool: verilator, verilator_options: [--lint-only, -Wall]}",
            f"    filesets: [{top}]",
            f"    toplevel: {top}",
            f"  sim_{top}:",
            "    flow: sim",
            "    flow_options: {tool: icarus, timescale: 1ns/1ps}",
            f"    filesets: [{top}, bench]",
            f"    hooks: {{post_build: [bench_{top}]}}",
            f"    toplevel: {top}",
            f"  synth_{top}:",
            f"    filesets: [{top}, {top}_constraints]",
            f"    toplevel: {top}",
        ]
    return "\n".join(lines) + "\n"
