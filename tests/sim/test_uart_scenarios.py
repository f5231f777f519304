"""The core behind its UART under cocotb, with the UART of `cocotbext-uart` on its pins."""

from pathlib import Path

from ranvier.parameters.config import CoreConfig
from ranvier.sim.cocotb.scoreboard import Tally
from ranvier.sim.cocotb.session import run_scenarios
from ranvier.sim.cocotb.uart_scenarios import NAMES

CONFIG = CoreConfig(inputs=4, neurons=6, outputs=3, recurrent=True, max_delay=6, lanes=2)
SEED = 20251124


def test_somebody_elses_uart_on_the_pins(tmp_path: Path, record_property) -> None:
    tallies = run_scenarios(CONFIG, tmp_path, SEED, "uart")
    total = sum(tallies.values(), Tally())
    for scenario, tally in tallies.items():
        print(f"{scenario:<20} {tally}")
    record_property("evidence", f"UART pins, seed {SEED}: {total}")
    assert set(tallies) == set(NAMES)
    assert total.counters["spikes"] > 10
    assert min(total.values, total.weights_moved) > 40
    assert total.errors > 60
