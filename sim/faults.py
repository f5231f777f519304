"""Fault injection: a faulty copy of the hardware, verilated and held against the golden model like the real one."""

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import ranvier.hw

__all__ = ["FAULTS", "Fault", "inject"]


@dataclass(frozen=True)
class Fault:
    """A change of one line of the hardware that must not go unnoticed.

    Parameters
    ----------
    name : str
        What is wrong.
    file : str
        Module of `ranvier.hw`.
    old, new : str
        Text to replace, which occurs there exactly once, and its replacement.
    """

    name: str
    file: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Change the copy of the hardware in `folder`; `ValueError` if the text does not occur exactly once."""
        path = folder / f"{self.file}.py"
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"fault {self.name!r}: {self.old!r} occurs {text.count(self.old)} times in {self.file}.py")
        path.write_text(text.replace(self.old, self.new))


def inject(fault: Fault | None, folder: Path) -> None:
    """Make `ranvier.hw` in this process a copy in `folder` with the `fault` (none: an unchanged copy).

    To be called in a process of its own, before anything imports a module of `ranvier.hw`.
    """
    shutil.copytree(Path(ranvier.hw.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if fault:
        fault.apply(folder)
    spec = importlib.util.spec_from_file_location(
        "ranvier.hw", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ranvier.hw"] = ranvier.hw = module


FAULTS = (
    Fault("leak rounds down", "fixed", "Mux(value[-1], Const((1 << bits) - 1, bits), 0)", "0"),
    Fault("half up becomes truncation", "fixed", "(value + (1 << (bits - 1))) >> bits", "value >> bits"),
    Fault("stochastic rounding ignores the draw", "fixed", "(value + draw[:bits]) >> bits", "value >> bits"),
    Fault("saturation wraps", "fixed", "Mux(fits, value, limit)[: fmt.width]", "value[: fmt.width]"),
    Fault("delivery is a slot late", "delivery", "self.slot + 1 + steps", "self.slot + 2 + steps"),
    Fault("ring slot is not cleared when taken", "delay_line", "bank.write.eq(taking)", "bank.write.eq(0)"),
    Fault("two lanes swapped", "delay_line", "bank.addend.eq(self.weights[lane])", "bank.addend.eq(self.weights[lane ^ 1])"),
    Fault("hazard not forwarded", "accumulator", "chained.eq(same(adding))", "chained.eq(0)"),
    Fault("no reset after a spike", "neuron", "Mux(spiked, c.threshold_raw, 0) if", "0 * spiked if"),
    Fault("a neuron projects onto itself", "synapse", "delayed(m, ~own, self.LATENCY)", "delayed(m, own == own, self.LATENCY)"),
    Fault("kernel sign", "trace", "window[radius + u] - window[radius - u]", "window[radius - u] - window[radius + u]"),
    Fault("stale trace: age ignored", "eligibility", "delayed(m, steps < held, 1 + TraceLine.LATENCY)", "delayed(m, steps >= 0, 1 + TraceLine.LATENCY)"),
    Fault("delay not clipped at Dmax", "fixed", "~value[-1] & (value > most)", "Const(0)"),
    Fault("error without its target", "learning_signal", "self.probability - hit", "self.probability - 0"),
    Fault("last credit word not flushed", "credit_list", "any_credit & (self.flush | ", "any_credit & ("),
    Fault("generators advance once too often", "core", "unit.advance | self.signal.advance", "unit.advance | self.signal.advance | self.begin_credit"),
)  # fmt: skip
