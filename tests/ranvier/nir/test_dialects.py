"""Graphs as each simulator writes them become networks that spike as the simulator does, by its own equations."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from refusal import refused

from ranvier.cli import main
from ranvier.device import open_device
from ranvier.golden.float_core import FloatCore
from ranvier.nir.dialects import DIALECTS, chosen_step, rockpool_steps
from ranvier.nir.graph import NirError, write_graph
from ranvier.nir.importer import import_graph
from ranvier.nir.sums import reach_exactly
from ranvier.parameters.config import CHOICES
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.sample import Sample
from ranvier.quantisation.quantise import quantised

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")

STEPS, IN, HIDDEN, OUT = 80, 4, 6, 3
ZERO, ONE = np.zeros(HIDDEN), np.ones(HIDDEN)


def graph_of(
    neurons: Any, first: np.ndarray, *, loop: np.ndarray | None = None, readout: Any = None, out: Any = None
) -> Any:
    """Input, weights, neurons, perhaps weights and a readout behind them, output."""
    size = OUT if out is not None else HIDDEN
    nodes = {"in": nir.Input(np.array([IN])), "fc": nir.Affine(first, np.zeros(HIDDEN)), "n": neurons}
    nodes["out"] = nir.Output(np.array([size]))
    edges = [("in", "fc"), ("fc", "n")]
    if loop is not None:
        nodes["loop"] = nir.Linear(loop)
        edges += [("n", "loop"), ("loop", "n")]
    if out is None:
        edges += [("n", "out")]
    else:
        nodes |= {"fo": nir.Linear(out), "y": readout}
        edges += [("n", "fo"), ("fo", "y"), ("y", "out")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def lif(tau: float, r: float, **changes: Any) -> Any:
    given = {"tau": tau * ONE, "r": r * ONE, "v_leak": ZERO, "v_threshold": ONE, "v_reset": ZERO}
    return nir.LIF(**given | changes)


def cuba(tau_syn: float, tau_mem: float, r: float, w_in: float = 1.0) -> Any:
    times = {"tau_syn": tau_syn * ONE, "tau_mem": tau_mem * ONE}
    return nir.CubaLIF(**times, r=r * ONE, w_in=w_in * ONE, v_leak=ZERO, v_threshold=ONE, v_reset=ZERO)


# -------------------------------------------------------------------- simulators, as their sources put it: one step each
# `S` is what arrives; state is (I, v, z); every one returns the new state.


def snntorch_leaky(beta: float) -> Any:
    """snn.Leaky, reset by subtraction, reset_delay: theta goes a step after the spike, after the leak."""

    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741 (the current)
        v = beta * v + S - z
        return I, v, (v > 1).astype(float)

    return step


def snntorch_at_once(beta: float) -> Any:
    """snn.Leaky with reset_delay=False."""

    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        v = beta * v + S
        z = (v > 1).astype(float)
        return I, v - z, z

    return step


def snntorch_synaptic(alpha: float, beta: float) -> Any:
    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        I = alpha * I + S  # noqa: E741
        v = beta * v + I - z
        return I, v, (v > 1).astype(float)

    return step


def norse_lif(tau_syn_inv: float, tau_mem_inv: float, dt: float) -> Any:
    """lif_feed_forward_step: the jump first, the voltage hears it, then the current decays."""

    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        jump = I + S
        v = v + dt * tau_mem_inv * (jump - v)
        z = (v > 1).astype(float)
        return jump - dt * tau_syn_inv * jump, (1 - z) * v, z

    return step


def norse_box(tau_mem_inv: float, dt: float) -> Any:
    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        v = v + dt * tau_mem_inv * (S - v)
        z = (v > 1).astype(float)
        return I, (1 - z) * v, z

    return step


def rockpool_lif(alpha: float, beta: float) -> Any:
    """LIFTorch: the current takes what arrives and decays, the membrane decays and takes the current."""

    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        I = (I + S) * beta  # noqa: E741
        v = v * alpha + I
        z = (v >= 1).astype(float)
        return I, v - z, z

    return step


def rockpool_neuron(alpha: float) -> Any:
    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        v = v * alpha + S
        z = (v >= 1).astype(float)
        return I, v - z, z

    return step


def sinabs_lif(tau: float, *, norm_input: bool) -> Any:
    alpha = np.exp(-1 / tau)

    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        v = alpha * v + ((1 - alpha) * S if norm_input else S)
        z = (v >= 1).astype(float)
        return I, v - z, z

    return step


def spikingjelly_lif(tau: float, *, decay_input: bool) -> Any:
    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        v = v + (S - v) / tau if decay_input else v - v / tau + S
        z = (v >= 1).astype(float)
        return I, v * (1 - z), z

    return step


def spikingjelly_cuba(c_decay: float, v_decay: float) -> Any:
    def step(S: Any, I: Any, v: Any, z: Any) -> Any:  # noqa: E741
        I = c_decay * I + S  # noqa: E741
        v = v_decay * v + I
        z = (v >= 1).astype(float)
        return I, v * (1 - z), z

    return step


def rockpool_r(tau: float, dt: float) -> float:
    return float(np.float32(tau * np.exp(-dt / tau) / dt))


#: Name -> simulator, its neurons as it writes them, its equations, how large its weights are, options beside --from.
CASES: dict[str, tuple[str, Any, Callable[..., Any], float, dict[str, Any]]] = {
    "snntorch Leaky": ("snntorch", lambda: lif(1e-3, 10.0), snntorch_leaky(0.9), 1.0, {}),
    "snntorch Leaky at once": ("snntorch", lambda: lif(1e-3, 10.0), snntorch_at_once(0.9), 1.0, {"reset": "soft-now"}),
    "snntorch Synaptic": ("snntorch", lambda: cuba(5e-4, 1e-3, 10.0, 5.0), snntorch_synaptic(0.8, 0.9), 0.3, {}),
    "norse LIF": ("norse", lambda: cuba(5e-3, 1e-2, 1.0), norse_lif(200, 100, 1e-3), 4.0, {}),
    "norse LIF in its own units": ("norse", lambda: cuba(5e-6, 1e-5, 1.0), norse_lif(200, 100, 1e-3), 4.0, {}),
    "norse LIFBox": ("norse", lambda: lif(1e-2, 1.0), norse_box(100, 1e-3), 10.0, {}),
    "rockpool LIF": (
        "rockpool",
        lambda: cuba(1e-2, 2e-2, rockpool_r(2e-2, 2e-3)),
        rockpool_lif(np.exp(-0.1), np.exp(-0.2)),
        0.4,
        {},
    ),
    "rockpool LIFNeuron": (
        "rockpool",
        lambda: lif(2e-2, rockpool_r(2e-2, 1e-3)),
        rockpool_neuron(np.exp(-0.05)),
        1.0,
        {},
    ),
    "sinabs LIF": ("sinabs", lambda: lif(8.0, 1.0), sinabs_lif(8.0, norm_input=True), 7.0, {}),
    "sinabs LIF without norm_input": (
        "sinabs",
        lambda: lif(8.0, 1.0),
        sinabs_lif(8.0, norm_input=False),
        1.0,
        {"spike": "jump"},
    ),
    "spikingjelly LIF": ("spikingjelly", lambda: lif(2e-3, 1.0), spikingjelly_lif(20.0, decay_input=True), 20.0, {}),
    "spikingjelly LIF as it comes": (
        "spikingjelly",
        lambda: lif(2e-3, 20.0),
        spikingjelly_lif(20.0, decay_input=False),
        1.0,
        {},
    ),
    "spikingjelly CUBALIF": ("spikingjelly", lambda: cuba(5e-4, 1e-3, 10.0, 5.0), spikingjelly_cuba(0.8, 0.9), 0.3, {}),
}


def drawn(scale: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, weights of a loop, and input spikes; never near twice the threshold, where some spike twice."""
    rng = np.random.default_rng(seed)
    loop = scale * rng.normal(-0.05, 0.1, (HIDDEN, HIDDEN))
    np.fill_diagonal(loop, 0)
    return scale * rng.uniform(-0.15, 0.45, (HIDDEN, IN)), loop, (rng.random((STEPS, IN)) < 0.5).astype(int)


def simulated(step: Any, weight: np.ndarray, loop: np.ndarray | None, raster: np.ndarray) -> np.ndarray:
    I = v = z = np.zeros(HIDDEN)  # noqa: E741
    spikes = []
    for row in raster:
        arriving = weight @ row + (loop @ z if loop is not None else 0)
        I, v, z = step(arriving, I, v, z)  # noqa: E741
        spikes.append(z)
    return np.array(spikes)


def run(network: FloatNetwork, raster: np.ndarray) -> Any:
    core = FloatCore(network.config)
    core.load_real(network)
    return core.run(Sample.from_raster(raster), record=["spikes", "readout"])


@pytest.mark.parametrize("loops", [False, True], ids=["feedforward", "recurrent"])
@pytest.mark.parametrize("name", CASES)
def test_a_dialect_spikes_as_its_simulator(name: str, loops: bool) -> None:
    dialect, neurons, step, scale, options = CASES[name]
    weight, loop, raster = drawn(scale)
    graph = graph_of(neurons(), weight, loop=loop if loops else None)
    result = import_graph(graph, dialect=dialect, **options)
    expected = simulated(step, weight, loop if loops else None, raster)
    spikes = run(result.network, raster).steps["spikes"]
    assert result.network.lag == 1
    assert len(spikes) == STEPS + 1
    np.testing.assert_array_equal(spikes[1:], expected)
    assert 0.03 < expected.mean() < 0.7
    assert not any("--from" in note for note in result.notes)


@pytest.mark.parametrize("name", [name for name in CASES if "Leaky at" not in name and "norm" not in name])
def test_without_its_dialect_it_spikes_otherwise_and_the_report_says_so(name: str) -> None:
    """Else the cases above would show nothing. What NIR's own equations give is the same only where they are meant."""
    dialect, neurons, step, scale, _ = CASES[name]
    weight, _, raster = drawn(scale)
    theirs = import_graph(graph_of(neurons(), weight), dialect=dialect)
    plain = import_graph(graph_of(neurons(), weight), dt=theirs.values["dt"])
    spikes = run(plain.network, raster).steps["spikes"][1:]
    same = np.array_equal(spikes, simulated(step, weight, None, raster))
    assert same == (dialect == "spikingjelly" or name == "norse LIFBox")
    assert any("--from" in note and "reset" in note for note in plain.notes)
    far = not 0.5 <= plain.values["weight_factor"][0] <= 2
    assert far == any("jump by the weight" in note for note in plain.notes)


def test_the_command_line_takes_dialects(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    weight, _, raster = drawn(4.0)
    write_graph(tmp_path / "n.nir", graph_of(cuba(5e-3, 1e-2, 1.0), weight))
    line = ["nir", "import", str(tmp_path / "n.nir"), "-o", str(tmp_path / "n.npz")]
    assert main([*line, "--from", "norse"]) == 0
    assert "note: dt is 0.001 s, as norse has it; --dt gives another" in capsys.readouterr().out
    spikes = run(FloatNetwork.read(tmp_path / "n.npz"), raster).steps["spikes"][1:]
    np.testing.assert_array_equal(spikes, simulated(norse_lif(200, 100, 1e-3), weight, None, raster))
    assert main([*line, "--from", "rockpool"]) == 2  # r = 1 says no step
    assert "is not a gain of Rockpool" in capsys.readouterr().err
    assert main([*line, "--from", "rockpool", "--dt", "1e-3"]) == 0
    assert "note: n: r=1 is not a gain of Rockpool and encodes no step" in capsys.readouterr().out
    assert FloatNetwork.read(tmp_path / "n.npz").config.reset == "soft now"
    for spelling in ("soft-now", "soft_now", "soft now"):
        assert main([*line, "--from", "norse", "--reset", spelling, "--spike", "step"]) == 0
        assert FloatNetwork.read(tmp_path / "n.npz").config.reset == "soft now"
    capsys.readouterr()
    err = refused(capsys, *line, "--from", "nengo")
    assert all(name in err for name in DIALECTS)


def test_every_option_says_what_it_takes() -> None:
    graph = graph_of(lif(1e-2, 1.0), drawn(1.0)[0])
    for options, message in (
        ({"dialect": "lava"}, "choose one of snntorch, norse, rockpool, sinabs, spikingjelly"),
        ({"spike": "hop"}, "choose one of step, jump"),
        ({"reset": "softnow"}, f"choose one of {', '.join(CHOICES['reset'])}"),
        ({"integration": "rk4"}, "choose one of euler, exp"),
    ):
        with pytest.raises(NirError, match=message):
            import_graph(graph, dt=1e-3, **options)


#: Steps that somebody may have chosen, in seconds.
CHOSEN = (1e-3, 5e-4, 1.5e-2, 1e-4, 1.25e-3, 3.33e-3, 1 / 128, 1 / 64, 1 / 60, 1 / 44, 1 / 3000, 2.718e-3, 1.0)


@pytest.mark.parametrize("dt", CHOSEN)
def test_a_step_is_found_in_rockpool_s_r(dt: float) -> None:
    tau = np.array([2e-2, 5e-2])
    steps = rockpool_steps(tau, np.array([rockpool_r(t, dt) for t in tau]))
    assert chosen_step(steps) == pytest.approx(dt, rel=1e-12)
    assert chosen_step(rockpool_steps(tau, tau / dt)) is None  # what others write is not taken for it
    assert np.isnan(rockpool_steps(np.array([np.inf, 1.0, 1.0, 1.0]), np.array([1.0, 0.0, -1.0, np.inf]))).all()


@pytest.mark.parametrize("dt", [*CHOSEN, 1.2345678e-3])
@pytest.mark.parametrize("single", [False, True])
def test_rockpool_s_r_says_dt(dt: float, single: bool) -> None:
    """Also one that nobody would guess, of a single neuron."""
    graph = graph_of(cuba(5 * dt, 2e-2, rockpool_r(2e-2, dt)), drawn(0.4)[0])
    if single:
        for name in ("tau_mem", "r"):
            value = getattr(graph.nodes["n"], name)
            setattr(graph.nodes["n"], name, np.float32(value))
    network = import_graph(graph, dialect="rockpool").network
    assert network.alpha == pytest.approx(np.exp(-dt / 2e-2), rel=1e-6)
    assert network.beta == pytest.approx(np.exp(-0.2), rel=1e-6)
    assert import_graph(graph, dialect="rockpool", dt=dt).network.alpha == pytest.approx(network.alpha, rel=1e-6)
    with pytest.raises(NirError, match=r"dt=\S+ s is not the step .* says \S+ s: leave out --dt"):
        import_graph(graph, dialect="rockpool", dt=1.1 * dt)


def test_gains_that_are_not_rockpool_s_are_refused() -> None:
    weight, rs = drawn(0.4)[0], np.full(HIDDEN, rockpool_r(2e-2, 1e-3))
    rs[2] *= 1.01
    for r in (rs, 20.0, 1.0, 0.0, -3.0, np.inf):
        with pytest.raises(NirError, match=r"n: r=.* is not a gain of Rockpool") as caught:
            import_graph(graph_of(lif(2e-2, r), weight), dialect="rockpool")
        assert "\n" not in str(caught.value)
    li = nir.LI(tau=np.full(OUT, 1e-2), r=np.full(OUT, rockpool_r(1e-2, 5e-3)), v_leak=np.zeros(OUT))
    graph = graph_of(lif(2e-2, rockpool_r(2e-2, 2e-3)), weight, readout=li, out=np.ones((OUT, HIDDEN)))
    with pytest.raises(NirError, match=r"n: r encodes a step of 0\.002 s, that of y one of 0\.005 s"):
        import_graph(graph, dialect="rockpool")


def test_a_rockpool_readout_leaks_on_its_own_step() -> None:
    """ExpSynTorch: ``y = (y + S) exp(-dt / tau)``."""
    rng, (weight, _, raster) = np.random.default_rng(0), drawn(0.4)
    out, tau = rng.normal(0, 1, (OUT, HIDDEN)), 1e-2
    li = nir.LI(tau=np.full(OUT, tau), r=np.full(OUT, rockpool_r(tau, 2e-3)), v_leak=np.zeros(OUT))
    graph = graph_of(cuba(1e-2, 2e-2, rockpool_r(2e-2, 2e-3)), weight, readout=li, out=out)
    record = run(import_graph(graph, dialect="rockpool").network, raster)
    y, kappa = np.zeros(OUT), np.exp(-0.2)
    for t, z in enumerate(simulated(rockpool_lif(np.exp(-0.1), np.exp(-0.2)), weight, None, raster)):
        y = (y + out @ z) * kappa
        np.testing.assert_allclose(record.steps["readout"][t + 1], y, atol=1e-9)


# -------------------------------------------------------------------- what is said where readings differ


def test_small_decays_and_sums_at_the_threshold_are_said() -> None:
    weight = np.full((HIDDEN, IN), 0.2)
    weight[:, :2] = 0.5  # two of them are the threshold
    result = import_graph(graph_of(lif(1.02e-3, 1.02), weight), dt=1e-3)
    assert any("alpha is 0.0196, read with integration euler" in note and "0.375" in note for note in result.notes)
    assert result.values["exactly_at_threshold"] == HIDDEN
    assert any("add up to the threshold exactly" in note for note in result.notes)
    quiet = import_graph(graph_of(lif(1e-2, 10.0), weight + 0.01), dt=1e-3, integration="euler")
    assert not any("exactly" in note or "integration" in note for note in quiet.notes)
    above = import_graph(graph_of(lif(1e-3, 10.0), weight), dialect="snntorch")
    assert any("snntorch only above it" in note for note in above.notes)
    at = import_graph(graph_of(lif(2e-3, 20.0), weight), dialect="spikingjelly")
    assert not any("exactly" in note for note in at.notes)


@pytest.mark.parametrize(
    ("weights", "reached"),
    [
        ([1.0], True),
        ([0.75], False),
        ([0.75, 0.25], True),
        ([0.5, 0.75, -0.25], True),
        ([1.5, -0.5], True),
        ([2.0, 0.3], False),
        ([0.1] * 10, True),
        ([0.1] * 9, False),
        ([1 / 3, 1 / 3, 1 / 3], True),
        ([0.31415, 0.68585001], False),
        ([1.0, 0.31415], True),
        ([], False),
        ([-1.0], False),
        ([0.0], False),
    ],
)
def test_sums_that_reach_a_threshold(weights: list[float], reached: bool) -> None:
    assert reach_exactly(np.array(weights).reshape(-1, 1), 1.0) == int(reached)
    assert reach_exactly(4 * np.array(weights).reshape(-1, 1), 4.0) == int(reached)


@pytest.mark.parametrize(
    ("dialect", "neurons", "options", "words"),
    [
        ("snntorch", lambda: lif(5e-3, 5.0), {}, r"n: r=5 .* multiplied by 0\.1; .* give --dt 0\.001 if"),
        ("snntorch", lambda: lif(5e-3, 50.0), {"dt": 1e-3}, r"n: r=50 .* multiplied by 10; .* give --dt 0\.0001 if"),
        (
            "snntorch",
            lambda: cuba(5e-4, 1e-3, 10.0, 2.0),
            {},
            r"n: w_in=2 .* multiplied by 0\.4; .* a step of 0\.00025 s",
        ),
        ("snntorch", lambda: lif(5e-3, 1.0), {}, r"n: r=1 is not what snntorch writes, tau / dt: .* by 0\.02"),
        ("spikingjelly", lambda: lif(5e-3, 5.0), {}, r"n: r=5 .* tau / dt or 1: .* by 0\.1; .* give --dt 0\.001 if"),
        ("norse", lambda: lif(1e-2, 10.0), {}, "n: r=10 is not what norse writes, 1: weights are multiplied by 1"),
        ("norse", lambda: cuba(5e-3, 1e-2, 1.0, 5.0), {}, "n: w_in=5 is not what norse writes, 1: .* by 5"),
        (
            "rockpool",
            lambda: cuba(1e-2, 2e-2, rockpool_r(2e-2, 1e-3), 5.0),
            {},
            "n: w_in=5 is not what rockpool writes, 1: weights are multiplied by 5",
        ),
        ("sinabs", lambda: lif(2e-2, 5.0), {}, "n: r=5 is not what sinabs writes, 1: weights are multiplied by 5"),
        ("sinabs", lambda: lif(2e-2, 1.0), {}, "alpha is 1.93e-22: .* in steps of 1 s, .*: are they in another unit"),
    ],
)
def test_what_contradicts_a_dialect_is_said(dialect: str, neurons: Any, options: Any, words: str) -> None:
    notes = import_graph(graph_of(neurons(), drawn(1.0)[0]), dialect=dialect, **options).notes
    assert any(re.search(words, note) for note in notes), notes
    plain = import_graph(graph_of(neurons(), drawn(1.0)[0]), dt=1e-4, integration="exp")
    assert "odd_gains" not in plain.values


def test_a_readout_that_contradicts_a_dialect_is_said() -> None:
    li = nir.LI(tau=np.full(OUT, 8.0), r=np.full(OUT, 3.0), v_leak=np.zeros(OUT))
    notes = import_graph(
        graph_of(lif(8.0, 1.0), drawn(7.0)[0], readout=li, out=np.ones((OUT, HIDDEN))), dialect="sinabs"
    ).notes
    assert any("y: r=3 is not what sinabs writes" in note for note in notes)


@pytest.mark.parametrize("name", CASES)
def test_what_simulators_write_contradicts_nothing(name: str) -> None:
    dialect, neurons, _, scale, options = CASES[name]
    notes = import_graph(graph_of(neurons(), drawn(scale)[0]), dialect=dialect, **options).notes
    assert not any("is not what" in note or "another unit" in note or "no gain" in note for note in notes)


def test_who_subtracts_the_threshold_when_is_said() -> None:
    for options, said in (({"reset": "soft"}, True), ({"reset": "soft now"}, False), ({"dialect": "snntorch"}, False)):
        notes = import_graph(graph_of(lif(1e-3, 10.0), drawn(1.0)[0]), dt=1e-4, **options).notes
        assert any("--reset soft-now" in note and "sinabs" in note for note in notes) == said


@pytest.mark.parametrize("reset", ["soft", "soft now"])
def test_rests_and_resets_mean_nothing_where_the_threshold_is_subtracted(reset: Any) -> None:
    for changes in ({"v_leak": 0.2 * ONE, "v_reset": 0.2 * ONE}, {"v_leak": 0.2 * ONE}, {"v_reset": -0.3 * ONE}):
        with pytest.raises(NirError, match=r"n: v_leak=.* and v_reset=.* mean nothing when a spike subtracts"):
            import_graph(graph_of(lif(1e-3, 10.0, **changes), drawn(1.0)[0]), dt=1e-4, reset=reset)


# -------------------------------------------------------------------- lag: samples are extended


def relay() -> Any:
    """Two layers that pass every spike on at once, the second to the output."""

    def pass_on() -> Any:
        return nir.LIF(*(np.full(2, value) for value in (1e-3, 1.0, 0.0, 0.5, 0.0)))

    nodes = {"in": nir.Input(np.array([2])), "a": nir.Linear(np.eye(2)), "l1": pass_on()}
    nodes |= {"b": nir.Linear(np.eye(2)), "l2": pass_on(), "out": nir.Output(np.array([2]))}
    names = ["in", "a", "l1", "b", "l2", "out"]
    return nir.NIRGraph(nodes, list(pairwise(names)), type_check=False)


#: Unit 0 spikes once early, unit 1 three times at the very end: cut short, the class is 0.
LATE = Sample(np.array([0, 7, 8, 9]), np.array([0, 1, 1, 1]), np.ones(10, bool))


def test_no_spike_is_lost_at_the_end_in_float() -> None:
    result = import_graph(relay(), dt=1e-3)
    assert result.values["lag"] == result.network.lag == 2
    assert any("samples are extended by 2 steps automatically" in line for line in result.lines())
    core = FloatCore(result.network.config)
    core.load_real(result.network)
    record = core.run(LATE, record=["spikes"])
    assert record.steps["spikes"].shape == (12, 4)
    assert record.steps["spikes"][:, 2:].sum(axis=0).tolist() == [1, 3]
    assert record.prediction == 1
    assert record.scores.tolist() == [1, 3]
    assert core.network().lag == 2


@pytest.mark.parametrize("device", ["golden", "golden:plain", "float64"])
def test_no_spike_is_lost_at_the_end_on_a_device(device: str, tmp_path: Any) -> None:
    """Through a file, as `ranvier eval` reads it."""
    quantised(import_graph(relay(), dt=1e-3).network).save(tmp_path / "n.npz")
    network = Network.read(tmp_path / "n.npz")
    assert network.lag == 2
    with open_device(device, network.config) as core:
        core.load(network)
        assert core.run(LATE, record=["spikes"]).steps["spikes"].shape == (12, 4)
        assert core.run(LATE).prediction == 1
        assert core.network().lag == 2
        core.load(network.replace(lag=0))  # the fault that this is about
        assert core.run(LATE).prediction == 0


def test_only_what_the_graph_scores_is_scored() -> None:
    """A step that is scored in the graph is scored when its spikes have arrived, and none before."""
    result = import_graph(relay(), dt=1e-3)
    core = FloatCore(result.network.config)
    core.load_real(result.network)
    sample = Sample(LATE.times, LATE.units, np.arange(10) == 8)
    assert core.run(sample).scores.tolist() == [0, 1]
    early = Sample(LATE.times, LATE.units, np.arange(10) == 0)
    assert core.run(early).scores.tolist() == [1, 0]


@pytest.mark.parametrize("lag", [-1, 4097, 1.5, True, "2"])
def test_a_lag_is_a_number_of_steps(lag: Any) -> None:
    network = import_graph(relay(), dt=1e-3).network
    with pytest.raises(NetworkError, match="lag"):
        network.replace(lag=lag)
    with pytest.raises(NetworkError, match="lag"):
        quantised(network).replace(lag=lag)


def test_files_without_a_lag_have_none(tmp_path: Any) -> None:
    real = import_graph(relay(), dt=1e-3).network
    for network, kind in ((real, FloatNetwork), (quantised(real), Network)):
        network.save(tmp_path / "n.npz")
        with np.load(tmp_path / "n.npz") as file:
            content = {name: file[name] for name in file.files if name != "lag"}
        np.savez(tmp_path / "old.npz", **content)
        assert (kind.read(tmp_path / "n.npz").lag, kind.read(tmp_path / "old.npz").lag) == (2, 0)
