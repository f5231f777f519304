"""Yin-Yang on 60 steps, where fewer points of different classes are the same spikes."""

from functools import partial

from ranvier.data.registry import NamedDataset, register
from ranvier.data.yinyang import CLASSES, SAMPLES, yin_yang

register(
    NamedDataset(
        spelled="yinyang60",
        load=partial(yin_yang, span=60),
        what="The same on 60 steps",
        classes=len(CLASSES),
        samples=SAMPLES,
    )
)
