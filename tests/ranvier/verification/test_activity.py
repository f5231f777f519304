"""Work of a sample, counted by hand."""

import numpy as np

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.verification.activity import ObservedCore

CONFIG = CoreConfig(inputs=3, neurons=6, outputs=2, lanes=2, max_delay=6)


def test_work_of_a_sample_by_hand() -> None:
    """Two inputs at step 0 excite neurons 0 and 1, which sit in one word, to half their threshold at step 1."""
    network = Network.zeros(CONFIG, alpha=0.5, kappa=0.5)
    weight, readout = np.zeros((3, 6), np.int64), np.zeros((6, 2), np.int64)
    weight[:2, :2] = CONFIG.weight.one // 4
    readout[:, 0] = CONFIG.weight.one
    eta = StepSize.of(1.0)
    network = network.replace(weight=weight, readout=readout, eta_weight=eta, eta_delay=eta, eta_readout=eta)
    sample = Sample(np.array([0, 0]), np.array([0, 1]), np.array([False, True, False]))
    with ObservedCore(CONFIG) as core:
        core.load(network)
        learning = core.observe(sample, 1, learn=True)
        running = core.observe(sample)
    assert running.input_spikes.tolist() == learning.input_spikes.tolist() == [2, 0, 0]
    assert running.scored.tolist() == learning.scored.tolist() == [False, True, False]
    assert not running.spikes.any() | learning.spikes.any()
    # psi = 1/2 for two neurons on the one scored step; both rows are awake on all three steps, one word has credit on one
    assert learning.credited.tolist() == [0, 2, 0]
    assert (learning.awake.tolist(), learning.credit_words.tolist()) == ([2, 2, 2], [0, 1, 0])
    assert not running.credited.any()
    assert len(running.awake) == len(running.credit_words) == 0
