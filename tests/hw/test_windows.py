import numpy as np
import pytest
from pysim import clocked

from ranvier.hw.registers import AddressSpace
from ranvier.hw.windows import Windows
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=7, outputs=5, max_delay=6, recurrent=True, feedback="random")
#: Windows that can be written, and the port that writes them.
WRITES = {
    AddressSpace.WEIGHT: "write_synapses.weight",
    AddressSpace.DELAY: "write_synapses.delay",
    AddressSpace.READOUT: "write_weights",
    AddressSpace.FEEDBACK: "write_feedback",
}


def answers(lanes):
    """What each window holds, lane by lane, and how its memory says so."""
    held = {space: [10 * space.value + lane for lane in range(lanes)] for space in AddressSpace}
    held[AddressSpace.SPIKED] = [lane % 2 for lane in range(lanes)]
    names = {AddressSpace.POTENTIAL: "potential", AddressSpace.SPIKED: "spiked"}
    names |= {AddressSpace.SURROGATE: "surrogate", AddressSpace.READOUT_TRACE: "readout_trace"}
    state = [{name: held[space][lane] for space, name in names.items()} for lane in range(lanes)]
    ports = {
        "register": held[AddressSpace.REGISTER][0],
        "trace": held[AddressSpace.TRACE][0],
        "synapses": {
            "synapses": {"weight": held[AddressSpace.WEIGHT], "delay": held[AddressSpace.DELAY], "targets": 0}
        },
        "weights": {"values": held[AddressSpace.READOUT]},
        "feedback": {"values": held[AddressSpace.FEEDBACK]},
        "neurons": {"state": state},
        "readout": {"values": held[AddressSpace.READOUT_VALUE]},
    }
    return held, ports


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_column_is_a_lane_of_a_word(lanes):
    config, rng = CORE.replace(lanes=lanes), np.random.default_rng(lanes)
    held, ports = answers(lanes)
    spaces = [space for space in AddressSpace if space is not AddressSpace.SCORE]
    host = [
        {"space": spaces[n % len(spaces)], "row": int(rng.integers(7)), "column": int(rng.integers(5)), "data": n}
        | {"write": int(rng.integers(2))}
        for n in range(200)
    ]
    watched = [f"{port}.{member}" for port in WRITES.values() for member in ("lanes", "row", "word", "values")]
    words = ["synapses.row", "synapses.word", "weights.row", "weights.word", "feedback.row", "feedback.word"]
    words += ["neurons.word", "readout.word", "trace_row"]
    stimulus = [ports, *({"host": request} for request in host), {}]
    value, *seen = clocked(Windows(config), stimulus, "host.value", *watched, *words)
    seen, compared = dict(zip([*watched, *words], seen, strict=True)), 0
    for clock, request in enumerate(host, 1):
        word, lane = divmod(request["column"], lanes)
        plain = request["space"] in (AddressSpace.REGISTER, AddressSpace.TRACE)
        assert value[clock + 1] == held[request["space"]][0 if plain else lane], request
        for port in ("synapses", "weights", "feedback", "neurons", "readout"):
            assert seen[f"{port}.word"][clock] == word
        assert (
            seen["synapses.row"][clock] == seen["weights.row"][clock] == seen["feedback.row"][clock] == request["row"]
        )
        assert seen["trace_row"][clock] == request["column"]
        for space, port in WRITES.items():
            writes = request["write"] and request["space"] is space
            assert seen[f"{port}.lanes"][clock] == (1 << lane if writes else 0), request
            assert (seen[f"{port}.row"][clock], seen[f"{port}.word"][clock]) == (request["row"], word)
            if writes and space is not AddressSpace.DELAY:
                assert seen[f"{port}.values"][clock].tolist() == [request["data"]] * lanes
                compared += 1
    assert compared > 10
