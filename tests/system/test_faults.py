"""Do the checks bite? Faults go into copies of the hardware, and ordinary random verification must find every one of them.

Each copy is imported as `ranvier.hw` by a process of its own (this file run as a script), which builds its core and holds it
against the golden model with `ranvier.verify`; nothing but the one line differs from the unmodified copy, which must pass.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults import Fault, check_places, result_of, use_hardware

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

SEED, SAMPLES = 1, 160

#: Cores that between them use every unit. The first has coarse numbers, which meet the threshold and their limits often.
CORES = {
    "synaptic": CoreConfig(
        inputs=4,
        neurons=5,
        outputs=3,
        recurrent=True,
        max_delay=6,
        lanes=2,
        kernel_radius=2,
        surrogate_width=2.0,
        weight=QFormat(True, 2, 4),
        potential=QFormat(True, 4, 4),
        surrogate=QFormat(False, 0, 4),
        step_weight=QFormat(True, 3, 10),
        step_readout=QFormat(True, 3, 10),
    ),
    "axonal": CoreConfig(
        inputs=4,
        neurons=6,
        outputs=3,
        max_delay=2,
        delays="axonal",
        lanes=4,
        feedback="random",
        reset="zero",
        synapse="exponential",
    ),
}
CORES["single port"] = CORES["synaptic"].replace(memory="single", dormant=True, reset="soft now")


@dataclass(frozen=True)
class CoreFault(Fault):
    """A fault that the core called `core` must show."""

    core: str = "synaptic"


FAULTS = [
    CoreFault(
        "stochastic rounding ignores the draw",
        "fixed.py",
        "return (value + draw[:bits]) >> bits",
        "return value >> bits",
    ),
    CoreFault(
        "rounding half up rounds down",
        "fixed.py",
        "return value if bits == 0 else (value + (1 << (bits - 1))) >> bits",
        "return value >> bits",
    ),
    CoreFault(
        "leak rounds down, not toward zero",
        "fixed.py",
        "return (value + Mux(value[-1], Const((1 << bits) - 1, bits), 0)) >> bits",
        "return value >> bits",
    ),
    CoreFault(
        "saturation wraps",
        "fixed.py",
        "clipped = Mux(fits, value, limit)[: fmt.width]",
        "clipped = Mux(fits, value, value + limit * 0)[: fmt.width]",
    ),
    CoreFault(
        "learned delay below zero wraps to the other end",
        "fixed.py",
        "return Mux(below, 0, Mux(above, most, value.as_unsigned()))",
        "return Mux(below, most, Mux(above, most, value.as_unsigned()))",
    ),
    CoreFault(
        "current arrives a step early",
        "delivery.py",
        "self.slots[lane].eq(self.slot + 1 + steps[lane].at(ready))",
        "self.slots[lane].eq(self.slot + steps[lane].at(ready))",
    ),
    CoreFault(
        "delay line keeps the current that was taken",
        "delay_line.py",
        "bank.write.eq(taking),",
        "bank.write.eq(0),",
    ),
    CoreFault(
        "delay line is not cleared after a sample",
        "core.py",
        "delay_line.take.eq(neurons.take | sequencer.clear),",
        "delay_line.take.eq(neurons.take),",
    ),
    CoreFault(
        "lanes swapped",
        "delay_line.py",
        "self.current[lane].eq(bank.value),",
        "self.current[lane ^ 1].eq(bank.value),",
    ),
    CoreFault(
        "hazard between additions not resolved",
        "accumulator.py",
        "base.eq(Mux(same(written), written.sum, Mux(same(past), past.sum, read.data))),",
        "base.eq(read.data),",
    ),
    CoreFault(
        "hazard between consecutive additions not resolved",
        "accumulator.py",
        "chained.eq(same(adding)),",
        "chained.eq(0),",
        core="axonal",
    ),
    CoreFault(
        "fires above the threshold, not at it",
        "neuron.py",
        "fires = (v >= c.threshold_raw).registered()",
        "fires = (v > c.threshold_raw).registered()",
    ),
    CoreFault(
        "spiking neuron is not reset to zero",
        "neuron.py",
        "return Mux(spiked, 0, leaked)",
        "return leaked",
        core="axonal",
    ),
    CoreFault(
        "threshold is subtracted after the leak, not before it",
        "neuron.py",
        "self.alpha << exact_log2(c.threshold_raw)",
        "Const(c.threshold_raw << c.decay.fraction, width)",
        core="single port",
    ),
    CoreFault(
        "what a soft reset now leaves is rounded up",
        "neuron.py",
        "Mux(spiked, -theta, below)",
        "Mux(spiked, (1 << c.decay.fraction) - 1 - theta, below)",
        core="single port",
    ),
    CoreFault(
        "lanes beyond the last neuron earn credit",
        "neuron.py",
        "Mux(e, psi, 0)",
        "psi",
    ),
    CoreFault(
        "readout does not leak",
        "readout.py",
        "bank.write.eq(leaking.at(leaked.clock)),",
        "bank.write.eq(leaking.at(leaked.clock) & self.clear),",
    ),
    CoreFault(
        "neuron projects onto itself",
        "synapse.py",
        "~own & (neuron < c.neurons)",
        "neuron < c.neurons",
    ),
    CoreFault(
        "softmax does not subtract the largest",
        "softmax.py",
        "(self.largest - value).as_unsigned()",
        "(c.potential.max - value).as_unsigned()",
    ),
    CoreFault(
        "softmax leaves the last output out of its sum",
        "softmax.py",
        "        with m.If(store.en):\n",
        "        with m.If(store.en & (store.addr != c.outputs - 1)):\n",
    ),
    CoreFault(
        "learning signal goes on from neuron to neuron",
        "learning_signal.py",
        "total.eq(Mux(first, 0, total) + word.value)",
        "total.eq(total + word.value)",
    ),
    CoreFault(
        "two spikes of a unit on one step count as one",
        "presynaptic_trace.py",
        "Mux(before.arrived == most, most, before.arrived + 1)",
        "1",
    ),
    CoreFault(
        "kernel has the wrong sign",
        "presynaptic_trace.py",
        "(tap * (window[radius + u] - window[radius - u])",
        "(tap * (window[radius - u] - window[radius + u])",
    ),
    CoreFault(
        "stale traces of an earlier sample are used",
        "eligibility.py",
        "lambda steps, age: steps < age",
        "lambda steps, age: steps >= 0",
    ),
    CoreFault(
        "sum over a row goes on into the next",
        "eligibility.py",
        "total.eq(Mux(first, 0, total) + word.value),",
        "total.eq(total + word.value),",
        core="axonal",
    ),
    CoreFault(
        "weights move uphill",
        "eligibility.py",
        "(weights[lane] - change)",
        "(weights[lane] + change)",
    ),
    CoreFault(
        "random generators step once too often",
        "learner.py",
        "random.advance.eq(learning.advance | signal.advance),",
        "random.advance.eq(learning.advance | signal.advance | self.control.update),",
    ),
    CoreFault(
        "credit of the last word is not stored",
        "learner.py",
        "learning.flush.eq(control.signal & control.credited),",
        "learning.flush.eq(0),",
    ),
    CoreFault(
        "lagging updates do not catch up at the end",
        "sequencer.py",
        "with m.If(self.learn & (lagging != 0)):",
        "with m.If(self.learn & (lagging > self.config.lag)):",
    ),
    CoreFault(
        "presynaptic current decays like the trace",
        "presynaptic_trace.py",
        "self._leaky(before.current, self.beta, arriving)",
        "self._leaky(before.current, self.alpha, arriving)",
        core="axonal",
    ),
    CoreFault(
        "dormant synapses learn",
        "eligibility.py",
        "(weight.any() if self.config.dormant else 1)",
        "1",
        core="single port",
    ),
    CoreFault(
        "single-ported words are read on every clock",
        "row_memory.py",
        "m.d.sync += turn.eq(~turn | hold)",
        "m.d.sync += turn.eq(1)",
        core="single port",
    ),
    CoreFault(
        "single-ported words are written on the clocks of reads",
        "row_memory.py",
        "return (latency + 1) % 2 if",
        "return latency % 2 if",
        core="single port",
    ),
    CoreFault(
        "lanes beyond the last neuron get what memory held at power-up",
        "synapse.py",
        "~own & (neuron < c.neurons)",
        "~own",
        core="single port",
    ),
    CoreFault(
        "the dither of the learning signal is never taken",
        "learning_signal.py",
        "m.d.sync += dither.eq(self.draw[0])",
        "m.d.sync += dither.eq(0)",
    ),
    CoreFault(
        "one bit of the dither too few",
        "step_size.py",
        "*(n < eta.shift for n in range(31))",
        "*(n + 1 < eta.shift for n in range(31))",
    ),
    CoreFault(
        "W etaD m is rounded by the low bits of the dither",
        "eligibility.py",
        "m.d.sync += dither.eq(self.draw[0] >> (32 - len(dither)))",
        "m.d.sync += dither.eq(self.draw[0])",
    ),
    CoreFault(
        "the dither is drawn on steps without credit too",
        "eligibility.py",
        "dithering.eq(delayed(m, self.start, 1) & (self.count != 0))",
        "dithering.eq(delayed(m, self.start, 1))",
        core="axonal",
    ),
    CoreFault(
        "underflow is counted where a value was 0 already",
        "fixed.py",
        "return anything & ~narrow.any() & ~clipped",
        "return ~narrow.any() & ~clipped",
    ),
    CoreFault(
        "lanes beyond the last output get what memory held at power-up",
        "readout.py",
        "bank.add.eq(add & exists),",
        "bank.add.eq(add),",
        core="single port",
    ),
]


def verified(hardware: Path, core: str) -> dict:
    """Result of verifying the hardware in a folder."""
    return result_of(__file__, hardware, core, timeout=600)


def test_every_fault_changes_exactly_one_place():
    check_places(FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_the_unmodified_copy_passes(core, hardware_copy, record_property):
    found = verified(hardware_copy(), core)
    record_property(
        "evidence", f"unmodified, {core}: {found['mismatches']} mismatches / {found['compared']:,} values compared"
    )
    record_property("compared", found["compared"])
    assert found["mismatches"] == 0
    assert found["samples"] == SAMPLES
    assert found["compared"] > 20_000
    assert min(found["spikes"], found["weights_moved"], found["delays_moved"]) > 50


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=[f.name for f in FAULTS])
def test_a_fault_is_found(fault, hardware_copy, record_property):
    found = verified(hardware_copy(fault), fault.core)
    record_property("evidence", f"{fault.name}: {found['first']}")
    assert found["mismatches"] > 0
    assert found["first"]


def main(hardware: Path, core: str) -> None:
    """Verify the core as built from the folder `hardware`, and print the result as JSON."""
    use_hardware(hardware)

    from ranvier.golden.core import GoldenCore
    from ranvier.sim.build import library
    from ranvier.sim.device import SimulatedCore
    from ranvier.verification.verify import verify

    config = CORES[core]
    device = SimulatedCore(config, library(config, optimise=False))
    result = verify(GoldenCore(config), device, seed=SEED, samples=SAMPLES)
    print(json.dumps(result.summary() | {"first": result.first and str(result.first)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
