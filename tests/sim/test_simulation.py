"""Functions of a simulation are called with what was opened, which is freed once and refused from then on."""

import ctypes
from pathlib import Path
from unittest.mock import Mock

import pytest

from ranvier.sim.simulation import Simulation


def test_a_simulation_is_freed_once_and_refused_from_then_on(monkeypatch):
    library, freed = Mock(), []
    library.part_open = Mock(return_value=1 << 40)
    library.part_close = Mock(side_effect=lambda pointer: freed.append(pointer.value))
    library.part_run = Mock(side_effect=lambda pointer, clocks: (pointer.value >> 40) + clocks)
    library.part_cycles = Mock(return_value=7)
    monkeypatch.setattr(ctypes, "CDLL", {"lib.so": library}.get)
    with Simulation(Path("lib.so"), "part", LookupError, "it was closed") as simulation:
        assert library.part_open.restype is ctypes.c_void_p  # an int by default, which has no room for an address
        assert library.part_cycles.restype is ctypes.c_uint64
        assert (simulation.call("run", 4), simulation.cycles(), freed) == (5, 7, [])
    for _ in range(2):
        simulation.close()
        for use in (lambda: simulation.call("run", 4), simulation.cycles):
            with pytest.raises(LookupError, match="it was closed"):
                use()
    assert freed == [1 << 40]
