"""Yin-Yang on 60 steps: with steps half as long, time constants and delays are twice as many steps."""

from ranvier.parameters.config import CoreConfig
from ranvier.recipes.registry import register
from ranvier.recipes.yinyang import BPTT, EVENTPROP, ONLINE, RULE, SUITE

FINE = ONLINE.replace(alpha=0.975, kappa=0.95, eta_delay=2.0, eta_axonal=2.0)

register(
    "yinyang60",
    why="The same on a grid of half the step, for learners that reach what 30 steps allow.",
    core=CoreConfig(inputs=5, neurons=30, outputs=3, max_delay=62, lanes=4),
    recipes={
        "online": FINE,
        "eventprop": EVENTPROP.replace(  # currents last twice as long
            alpha=0.975, beta=0.83, kappa=0.95, weight_mean=0.15, weight_std=0.15, eta_weight=0.0025, eta_delay=0.2
        ),
        "bptt": BPTT.replace(epochs=30, eta_delay=0.2, decay=0.95),
    },
    from_zero={"online": FINE.replace(delay_span=0.0, eta_delay=12.0)},
    rules={"eventprop": RULE, "bptt": {"sigma": 6.0, "spreading": 0.7}},
    suite=SUITE,
)
