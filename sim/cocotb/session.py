"""Running the cocotb scenarios on one core: build with Verilator, simulate, collect the counts."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from ranvier.device_base import DeviceError
from ranvier.hw.flow.verilog import module_name, write_verilog
from ranvier.parameters.config import CoreConfig
from ranvier.sim import verilator
from ranvier.sim.build import sources_digest
from ranvier.sim.cache import kept
from ranvier.sim.cocotb.scoreboard import Scoreboard, read_scoreboards

__all__ = ["SessionError", "run_scenarios", "simulate"]

#: Compiling costs as much as simulating here: little optimisation, one file, and only the ports visible to cocotb.
_VERILATE = [
    *("-Wno-fatal", "-Wno-lint", "--x-assign", "fast", "--x-initial", "unique", "--noassert"),
    *("--no-public-flat-rw", "--public-depth", "1", "--output-split", "0", "-CFLAGS", "-O1"),
]

#: Scenarios of each interface: modules of cocotb tests, run inside the simulator.
_SCENARIOS = {
    "core": ("ranvier.sim.cocotb.scenarios",),
    "axi": ("ranvier.sim.cocotb.interface_scenarios", "ranvier.sim.cocotb.axi_scenarios"),
    "wishbone": ("ranvier.sim.cocotb.interface_scenarios", "ranvier.sim.cocotb.wishbone_scenarios"),
    "uart": ("ranvier.sim.cocotb.uart_scenarios",),
}
#: Where they look for the configuration, see `ranvier.sim.cocotb.testbench.CONFIG`.
_CONFIG = "core.toml"


class SessionError(DeviceError, AssertionError):
    """A scenario failed, or the simulator did; of a simulated device, that it is gone."""


def run_scenarios(config: CoreConfig, folder: Path, seed: int, interface: str = "core") -> dict[str, Scoreboard]:
    """Run every scenario of one interface of the core for `config`, each compared with the golden model.

    Parameters
    ----------
    config : CoreConfig
        The core; its simulator is built on first use and kept.
    folder : Path
        Empty folder for configuration, log and counts.
    seed : int
        Seed of all stimuli and stalls.
    interface : str
        An interface that `ranvier.hw.flow.verilog` writes.

    Returns
    -------
    dict of str to Scoreboard
        Scenario -> its counts.

    Raises
    ------
    SessionError
        With the end of the log.
    VerilatorError
        If a tool is missing or fails.
    """
    simulate(config, folder, seed, interface, _SCENARIOS[interface])
    return read_scoreboards(folder)


def simulate(config: CoreConfig, folder: Path, seed: int, interface: str, modules: Sequence[str]) -> None:
    """Run all cocotb tests of some modules on an interface; `SessionError` with the end of the log unless all pass."""
    simulator, log = _simulator(config, interface), folder / "simulation.log"
    (folder / _CONFIG).write_text(config.to_toml())
    with _environment(verilator.environment()):
        try:
            results = get_runner("verilator").test(
                test_module=list(modules),
                hdl_toplevel=simulator.name,
                hdl_toplevel_lang="verilog",
                build_dir=simulator.parent,
                test_dir=folder,
                results_xml=str(folder / "results.xml"),
                seed=seed,
                test_args=["+verilator+rand+reset+2", f"+verilator+seed+{seed}"],  # undefined memories hold anything
                log_file=log,
            )
            tests, failed = get_results(results)
        except (SystemExit, RuntimeError):
            tests, failed = 0, 1
    if failed or not tests:
        raise SessionError(f"seed {seed}, {interface}, {config}\n{_end(log)}")


def _simulator(config: CoreConfig, interface: str) -> Path:
    """Path of the simulator for an interface of the core, building it first if it is not in the cache."""
    name = module_name(interface)

    def build(folder: Path) -> Path:
        source = folder / f"{name}.v"
        source.write_text(write_verilog(config, interface), encoding="utf-8")
        _build(source, folder)
        return folder / name

    return kept(verilator.cache_folder() / f"testbench-{sources_digest(config)}" / name, build)


def _build(source: Path, folder: Path) -> None:
    log = folder / "build.log"
    with _environment(verilator.environment()):
        try:
            get_runner("verilator").build(
                sources=[source],
                hdl_toplevel=source.stem,
                build_dir=folder,
                build_args=_VERILATE,
                timescale=("1ns", "1ps"),
                log_file=log,
            )
        except (SystemExit, RuntimeError):
            raise verilator.VerilatorError(f"the simulator could not be built:\n{_end(log)}") from None


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Replace `os.environ` within the block: cocotb's runner takes everything from there."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-6000:] if log.exists() else "no log"
