"""The loop around the epochs of every learner: validation, checkpoints, Ctrl-C, warnings and result."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.learners import diagnosis
from ranvier.learners.checkpoint import Arrays, Checkpoint, fingerprint, network_arrays, network_from, plain
from ranvier.learners.validation import best, check_kept, column, hold_out
from ranvier.plasticity.deep_r import DeepR
from ranvier.recipes.schedule import Schedule

__all__ = ["LEGEND", "Report", "Training", "TrainingLoop"]

#: Columns of a table of epochs.
LEGEND = (
    "learned: share of the training samples predicted correctly while they were being learned, over the epoch",
    "tested, validated: afterwards, without learning, on test samples and held-out training samples; *: best so far",
)

AnyNetwork = Any  # Network or FloatNetwork, one of them throughout a training


class AnyEpoch(Protocol):
    """One pass of learning and the tests that followed it: the part common to all learners.

    `tested` is the accuracy on the test samples, `validated` that on held-out training samples; None without them.
    """

    @property
    def tested(self) -> float: ...
    @property
    def validated(self) -> float | None: ...
    def summary(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Training(ABC):
    """Outcome of a training.

    Parameters
    ----------
    initial, network : Network or FloatNetwork
        Before the first epoch, and after the one that was kept.
    epochs : list
        Finished epochs, in order.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    kept : int
        Index of the epoch of `network`: the best one on the validation samples, the last one without them.
    warnings : list of str
        One line for each problem; see `ranvier.learners.diagnosis`.
    """

    initial: AnyNetwork
    network: AnyNetwork
    epochs: Sequence[Any]
    interrupted: bool = False
    kept: int = -1
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", range(len(self.epochs))[self.kept])

    @property
    def accuracy(self) -> float:
        """Test accuracy of `network`."""
        return self.curve[self.kept]

    @property
    def curve(self) -> list[float]:
        """Test accuracy after every epoch."""
        return [epoch.tested for epoch in self.epochs]

    @property
    def validated(self) -> list[float]:
        """Accuracy on the validation samples after every epoch; empty if there are none."""
        return [epoch.validated for epoch in self.epochs if epoch.validated is not None]

    @property
    def saturated(self) -> dict[str, int]:
        """Counters of quantities that saturated; empty in float, where nothing does."""
        return {}

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "accuracy": self.accuracy,
            "interrupted": self.interrupted,
            "kept_epoch": self.kept + 1,
            "warnings": self.warnings,
            "epochs": [epoch.summary() for epoch in self.epochs],
        }

    @abstractmethod
    def head(self) -> list[str]:
        """Heading of the table of epochs."""

    @abstractmethod
    def row(self, number: int) -> str:
        """Line of the table for the epoch of this index."""

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        why = f"the best on validation ({self.validated[self.kept]:.1%})" if self.validated else "the last one"
        return [f"kept the network of epoch {self.kept + 1}, {why}: {self.accuracy:.1%} of the test samples are right"]

    def lines(self) -> list[str]:
        """Lines for people, warnings aside."""
        return [*self.head(), *(self.row(n) for n in range(len(self.epochs))), *self.closing()]

    def cell(self, number: int) -> str:
        """Cell of the table with the validation accuracy of the epoch of this index."""
        return column(self.validated, number)


#: Called with the training so far after every epoch, and once with that of an existing checkpoint.
Report = Callable[[Any], None]


class TrainingLoop(ABC):
    """A training under way: `result` after the last finished epoch, and `last`, the network for the next one.

    Parameters
    ----------
    initial : Network or FloatNetwork
        Initial network.
    dataset : Dataset
        Learned from, and tested on after every epoch.
    recipe : Schedule
        Number of epochs and step sizes.
    seed : int
        Seed of order, augmentation and validation.
    validation : float
        Share of the training samples to hold out.
    plasticity : DeepR, optional
        Structural plasticity, whose state is included in a checkpoint.

    Raises
    ------
    DataError
        If no validation samples can be held out.
    """

    #: Unit of the progress bar.
    unit: str

    def __init__(
        self,
        initial: AnyNetwork,
        dataset: Dataset,
        recipe: Schedule,
        seed: int,
        validation: float,
        plasticity: DeepR | None,
    ):
        self.initial = self.last = initial
        self.dataset, self.recipe, self.seed, self.validation = dataset, recipe, seed, validation
        self.plasticity = plasticity
        self.learned, self.held = hold_out(dataset, validation, seed)
        self.result: Any = None

    def run(
        self, checkpoint: str | Path | None, report: Report | None, progress: bool, keep_partial: bool = True
    ) -> Any:
        """Run the remaining epochs and return the `Training`.

        Parameters
        ----------
        checkpoint : path, optional
            File that is written after every epoch. If it exists, its training is resumed.
        report : callable, optional
            Called with the `Training` so far after every epoch, and once with that of an existing checkpoint.
        progress : bool
            Show a progress bar if stderr is a terminal.
        keep_partial : bool
            Whether Ctrl-C returns the `Training` so far, once the first epoch is finished.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C with no `Training` to return.
        """
        saved = Checkpoint(checkpoint, self._about(), self.initial, self.plasticity) if checkpoint else None
        if found := saved.read() if saved else None:
            assert saved
            with saved.damage():
                self._resume(*found)
        else:
            self.begin()
        if report and self.result:
            report(self.result)
        try:
            with self._bar(progress) as bar:
                for number in range(self.finished, self.recipe.epochs):
                    bar.set_description(f"epoch {number + 1} of {self.recipe.epochs}")
                    self._add(self.epoch(number, bar, saved is not None))
                    if saved:
                        self._keep(saved)
                    if report:
                        report(self.result)
                    bar.set_postfix(accuracy=f"{self.result.curve[-1]:.1%}")
            return self._end()
        except KeyboardInterrupt:
            if not (self.result and keep_partial):
                raise
            return replace(self.result, interrupted=True, warnings=self.warnings())

    @property
    def finished(self) -> int:
        """Number of finished epochs."""
        return len(self.result.epochs) if self.result else 0

    # ---------------------------------------------------------------- specific to a learner

    @abstractmethod
    def begin(self) -> None:
        """Prepare the first epoch."""

    @abstractmethod
    def resume(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Prepare the next epoch from `last` and the saved `values` and `arrays`; any error means that they are damaged."""

    @abstractmethod
    def epoch(self, number: int, bar: "tqdm[Any]", resumable: bool) -> AnyEpoch:
        """One pass over the training samples and the tests that follow it; leaves the network in `last`.

        `resumable` says whether the next epoch may have to start from a checkpoint.
        """

    @abstractmethod
    def training(self, network: AnyNetwork, epochs: Sequence[AnyEpoch], kept: int) -> Training:
        """The training of the epochs so far."""

    @abstractmethod
    def read_epoch(self, values: Mapping[str, Any]) -> AnyEpoch:
        """From the result of `dataclasses.asdict`; `TypeError` or `ValueError` if the values are invalid."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], Arrays]:
        """State that the next epoch depends on in addition to `last`: plain values and arrays, for `resume`."""

    @abstractmethod
    def about(self) -> tuple[str, dict[str, Any]]:
        """Name of the learner, and its values that determine a training, for `Checkpoint`."""

    @abstractmethod
    def silent(self, network: AnyNetwork, dataset: Dataset) -> int:
        """Neurons that never spike on the test samples of a data set."""

    @abstractmethod
    def etas(self) -> dict[str, float]:
        """Step size of each array in the first epoch."""

    @property
    @abstractmethod
    def sparse(self) -> bool:
        """Whether synapses of weight 0 are dormant."""

    def work(self) -> int:
        """Units of the progress bar per epoch."""
        return 1

    def counted(self) -> list[str]:
        """Warnings from counters."""
        return []

    @abstractmethod
    def end(self, result: Training) -> None:
        """Called at the end of a complete training, before `result` is returned."""

    # ---------------------------------------------------------------- common to all learners

    def warnings(self) -> list[str]:
        """Warnings that need no further run."""
        result = self.result
        curve = result.validated or result.curve
        return [
            *diagnosis.accuracy_warnings(curve, result.kept, result.accuracy, self.dataset, self.held),
            *self.counted(),
            *diagnosis.moving_warnings(self.initial, result.network, self.etas(), self.learned.train, self.sparse),
        ]

    def _add(self, epoch: AnyEpoch) -> None:
        epochs = [*(self.result.epochs if self.result else []), epoch]
        validated = [epoch.validated for epoch in epochs if epoch.validated is not None]
        kept = best(validated) if validated else len(epochs) - 1
        network = self.last if kept == len(epochs) - 1 or not self.result else self.result.network
        self.result = self.training(network, epochs, kept)

    def _end(self) -> Training:
        """The result with all warnings."""
        result: Training = replace(self.result, warnings=self.warnings())
        silent = self.silent(result.network, self.held or self.dataset)
        firing = diagnosis.firing_warnings(
            self.learned.train, self.dataset.inputs, silent, result.network.config.neurons
        )
        self.end(result)
        return replace(result, warnings=[*result.warnings, *firing])

    def _bar(self, progress: bool) -> "tqdm[Any]":
        """A progress bar over the remaining work, on stderr, only if requested and only on a terminal."""
        total = self.recipe.epochs * self.work()
        done = self.finished * self.work()
        return tqdm(total=total, initial=done, unit=f" {self.unit}", leave=False, disable=not progress or None)

    # ---------------------------------------------------------------- checkpoint

    def _about(self) -> dict[str, Any]:
        """Values that identify this training in a checkpoint."""
        learner, others = self.about()
        return plain(
            learner=learner,
            data=f"{self.dataset.name} {self.dataset.digest()[:16]}",
            start=fingerprint(self.initial),
            seed=self.seed,
            validation=self.validation,
            core=self.initial.config.to_dict(),
            recipe=asdict(self.recipe),
            rewiring=str(self.plasticity.recipe) if self.plasticity else None,
            **others,
        )

    def _resume(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Resume from the content of a checkpoint."""
        self.last = network_from("last", arrays, self.initial)
        kept = network_from("kept", arrays, self.initial)
        epochs = [self.read_epoch(epoch) for epoch in values["epochs"]]
        check_kept(epochs, values, self.recipe.epochs)
        self.resume(values, arrays)
        self.result = self.training(kept, epochs, values["kept"])

    def _keep(self, saved: Checkpoint) -> None:
        """Write the checkpoint of the last epoch."""
        values, arrays = self.state()
        values |= {"epochs": [asdict(epoch) for epoch in self.result.epochs], "kept": self.result.kept}
        networks = network_arrays("last", self.last) | network_arrays("kept", self.result.network)
        saved.write(values | {"finished": self.finished}, networks | arrays)
