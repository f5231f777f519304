"""A sample: spikes of the input units over T steps, and the steps on which the readout is scored."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.errors import RanvierError, shown
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.record import TRACED, Traced
from ranvier.parameters.scalars import is_flag, is_whole

__all__ = ["Sample", "SampleError", "check_record", "check_run"]


#: Largest number of spikes of a sample: more would fill the memory.
MOST_SPIKES = 1 << 27


class SampleError(RanvierError, ValueError):
    """A sample that is malformed or does not fit the core."""


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    """`values` as an array; `SampleError` if that is impossible, as for lists of different lengths."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise SampleError(f"{name} is not an array of numbers: {error}") from None


def _mask(values: ArrayLike) -> NDArray[np.bool_]:
    """`values` as a flag per step; `SampleError` if they are anything else."""
    array = _array(values, "scored")
    if array.dtype.kind not in "biuf":
        raise SampleError(f"scored must hold true or false for every step, not {array.dtype} values")
    return np.array(array, np.bool_)


def _whole(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """`values` as whole numbers; `SampleError` if they are anything else."""
    array = _array(values, name)
    if array.dtype.kind not in "biuf" or not (np.isfinite(array) & (array == np.trunc(array))).all():
        raise SampleError(f"{name} must hold whole numbers, not {array.dtype} values: round or count them first")
    return np.array(array, np.int64)


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy of an array."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Sample:
    """Input spikes in arrival order.

    Its arrays are read-only copies that stay as they were checked, since compiled cores use them as indices unchecked.

    Parameters
    ----------
    times : int array [spikes]
        Step of each spike, ascending; spikes of one step arrive in array order, and a unit may spike more than once.
    units : int array [spikes]
        Input unit of each spike.
    scored : bool array [steps]
        Steps on which the target is valid: their readouts are accumulated, and learning happens there. Its length is the
        length T of the sample.
    """

    times: NDArray[np.int64]
    units: NDArray[np.int64]
    scored: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("times", "units"):
            object.__setattr__(self, name, _fixed(_whole(getattr(self, name), name)))
        object.__setattr__(self, "scored", _fixed(_mask(self.scored)))
        if self.times.ndim != 1 or self.times.shape != self.units.shape:
            raise SampleError(f"times {self.times.shape} and units {self.units.shape} must be two lists of one length")
        if self.scored.ndim != 1 or not len(self.scored):
            raise SampleError("scored must list at least one step")
        if len(self.times) and (np.diff(self.times) < 0).any():
            raise SampleError("spikes must be in order of time: sort them by step first")
        if len(self.times) and not (self.times[0] >= 0 and self.times[-1] < self.steps):
            raise SampleError(
                f"spikes run from step {self.times[0]} to {self.times[-1]} but the sample has {self.steps} steps"
            )
        if len(self.units) and self.units.min() < 0:
            raise SampleError(f"input unit {self.units.min()} is negative")

    def __reduce__(self) -> tuple[type["Sample"], tuple[NDArray[Any], ...]]:
        return Sample, (self.times, self.units, self.scored)  # copies that pickle makes are checked and read-only too

    @classmethod
    def from_raster(cls, raster: ArrayLike, scored: ArrayLike | None = None) -> "Sample":
        """From spike counts [steps, inputs]; `scored` defaults to every step."""
        counts = _whole(raster, "a raster")
        if counts.ndim != 2 or (counts < 0).any():
            raise SampleError(f"a raster is spike counts [steps, inputs], not an array of shape {counts.shape}")
        times, units = np.nonzero(counts)
        repeat = counts[times, units]
        if (total := repeat.sum(dtype=np.float64)) > MOST_SPIKES:
            raise SampleError(f"a raster of {total:,.0f} spikes: a sample has at most {MOST_SPIKES:,}")
        mask = np.ones(len(counts), bool) if scored is None else _mask(scored)
        if mask.shape != counts.shape[:1]:
            raise SampleError(f"scored has {mask.size} steps but the raster has {len(counts)}")
        return cls(np.repeat(times, repeat), np.repeat(units, repeat), mask)

    @property
    def steps(self) -> int:
        """Length T in steps."""
        return len(self.scored)

    def later(self, lag: int) -> "Sample":
        """The same spikes followed by `lag` silent steps, with every step scored `lag` steps later.

        A network that answers `lag` steps late needs this in place of the sample.
        """
        if not lag:
            return self
        return Sample(self.times, self.units, np.concatenate([np.zeros(lag, np.bool_), self.scored]))

    def offsets(self) -> NDArray[np.int64]:
        """[steps + 1]: spikes ``offsets[t]`` up to ``offsets[t + 1]`` arrive on step t."""
        return np.searchsorted(self.times, np.arange(self.steps + 1))

    def arriving(self) -> Sequence[NDArray[np.int64]]:
        """For every step the input units that spike, in arrival order."""
        return np.split(self.units, self.offsets()[1:-1])


def check_run(config: CoreConfig, sample: Sample, target: int | None, learn: bool) -> None:
    """Refuse a run that the core cannot do, with a `SampleError` that states why and what to do instead."""
    if not isinstance(sample, Sample):
        raise SampleError(
            f"sample is a {type(sample).__name__}, not a Sample: give Sample.from_raster(counts) or "
            "Sample(times, units, scored)"
        )
    if len(sample.units) and sample.units.max() >= config.inputs:
        raise SampleError(f"the sample has input {sample.units.max()} but this core has inputs={config.inputs}")
    classes = f"classes are 0 to {config.outputs - 1}"
    if not (target is None or is_whole(target)):
        raise SampleError(f"target={shown(target)} but a class is a whole number: {classes}")
    if target is not None and not 0 <= target < config.outputs:
        raise SampleError(f"target={target} but this core has outputs={config.outputs}: {classes}")
    if not is_flag(learn):
        raise SampleError(f"learn={shown(learn)} is neither True nor False")
    if (scored := int(sample.scored.sum())) > config.max_scored:
        raise SampleError(
            f"the sample has {scored} scored steps but the scores of this core hold {config.max_scored}: score fewer steps, "
            f"or build it with a narrower {'error' if config.prediction == 'softmax' else 'potential'} format"
        )
    if learn and not config.learning:
        raise SampleError("this core was built without learning: rebuild with learning=true or run with learn=False")
    if learn and target is None:
        raise SampleError("learning needs a target: give the class of the sample")


def check_record(record: Collection[Traced]) -> tuple[Traced, ...]:
    """The quantities to record; `SampleError` if that is no collection of names of `TRACED`."""
    if isinstance(record, str) or not isinstance(record, Iterable):
        raise SampleError(
            f"record={shown(record)} is not a list of quantities: give some of {', '.join(TRACED)}, as record=['spikes']"
        )
    names = tuple(record)
    for name in names:
        if not isinstance(name, str) or name not in TRACED:
            raise SampleError(f"record={shown(name)} is unknown: choose from {', '.join(TRACED)}")
    return names
