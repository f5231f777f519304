"""What a bench says: one object, as JSON, as Markdown and as an HTML page with pictures."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ranvier.bench.page import page
from ranvier.bench.suite import OBSERVED, SUITES, Place, Row, Run
from ranvier.bench.tables import DELAYS, accuracy_rows, difference_rows, markdown, tables
from ranvier.data import Dataset
from ranvier.device import open_device
from ranvier.files.output import write_text
from ranvier.learners import LEARNERS
from ranvier.parameters.network import Network

__all__ = ["Report"]

#: Packages whose version can change a result.
PACKAGES = ("ranvier", "numpy", "numba", "torch", "distributed", "matplotlib")


@dataclass(frozen=True)
class Report:
    """Outcome of `ranvier.bench.bench`.

    Parameters
    ----------
    dataset : Dataset
        What was learned.
    suite : str
        Its suite.
    folder : Path
        Where the networks are and the report goes.
    finished : list of (Run, dict)
        Every training and its values.
    agreement, speed : list of dict
        One row per pair of devices, and per device.
    simulated : dict
        Row -> clocks per sample measured on the simulated RTL.
    notes : list of str
        What was left out or went wrong.
    failures : int
        Runs that could not be finished.
    repeated : int
        Tasks that were not found finished.
    """

    dataset: Dataset
    suite: str
    folder: Path
    finished: list[tuple[Run, Row]]
    agreement: list[Row]
    speed: list[Row]
    simulated: dict[Place, float]
    notes: list[str]
    failures: int
    repeated: int

    @property
    def bad(self) -> bool:
        """Whether runs failed or devices disagreed."""
        return bool(self.failures or any(row["mismatches"] for row in self.agreement))

    def accuracy(self) -> list[Row]:
        """One row per `Place`."""
        rows = accuracy_rows(self.finished)
        for row in rows if self.simulated else ():
            place = Place(**{name: row[name] for name in Place._fields})
            row["simulated_cycles_per_sample"] = self.simulated.get(place)
        return rows

    def summary(self) -> Row:
        """Plain values for a report."""
        return {
            "suite": self.suite,
            "about": dict(self._about()),
            "notes": self.all_notes(),
            "failures": self.failures,
            "accuracy": self.accuracy(),
            "differences": difference_rows(self.finished),
            "agreement": self.agreement,
            "speed": self.speed,
            "files": [str(path) for path in self.files],
            "runs": [asdict(run) | row for run, row in self.finished],
        }

    def _about(self) -> list[tuple[str, str]]:
        d, runs = self.dataset, [run for run, _ in self.finished]
        cut = dict.fromkeys(run.epochs for run in runs if run.epochs is not None)
        seeds = ", ".join(map(str, sorted({run.seed for run in runs})))
        return [
            ("data", f"{d.name}: {len(d.train):,} training and {len(d.test):,} test samples, {len(d.classes)} classes"),
            ("runs", f"{len(runs)} trainings" + "".join(f", cut to {epochs} epochs" for epochs in cut)),
            ("learners", ", ".join(dict.fromkeys(LEARNERS[run.learner].label for run in runs))),
            ("seeds", seeds),
            ("arithmetic", "golden: bit-exact fixed-point model of the core; float: float64. Nothing ran on a board"),
            ("versions", ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))),
            (
                "machine",
                f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            ),
        ]

    def all_notes(self) -> list[str]:
        """Notes, and in how many runs there was each kind of warning."""
        warned = [run for run, row in self.finished if row["warnings"]]
        saturated = [run for run, row in self.finished if row["saturated"]]
        notes = [*self.dataset.notes, *self.notes]
        if warned:
            notes.append(
                f"{len(warned)} of {len(self.finished)} runs ended with a warning, see report.json: {_some(warned)}"
            )
        if saturated:
            notes.append(
                f"in {len(saturated)} of {len(self.finished)} runs a quantity saturated, see report.json: {_some(saturated)}"
            )
        return notes

    def text(self) -> str:
        """Markdown."""
        about = [f"* {name}: {text}" for name, text in self._about()]
        notes = [f"> {note}" for note in self.all_notes()]
        return "\n\n".join(
            [
                f"# {self._title()}",
                "\n".join(about),
                *notes,
                *(markdown(table) for table in self._tables()),
                self._legend(),
            ]
        )

    def _title(self) -> str:
        return f"Ranvier bench: {self.suite}"

    def _tables(self) -> list[Any]:
        return tables(self.accuracy(), difference_rows(self.finished), self.agreement, self.speed, bool(self.simulated))

    def _legend(self) -> str:
        return (
            "Golden is the bit-exact fixed-point model of the core, float is float64. Cycles by formula are what "
            f"ranvier info says for the work of {OBSERVED} test samples; tests hold the RTL to that. Networks of offline "
            "learners are for a core without learning units, those of online learners for one that learns, with its memory."
        )

    def html(self) -> str:
        """The page."""
        return page(
            self._title(),
            self._about(),
            [*self.all_notes(), *([] if find_spec("matplotlib") else ["no pictures: install ranvier[bench]"])],
            self.figures() if find_spec("matplotlib") and self.finished else [],
            self._tables(),
            self._legend(),
        )

    def figures(self) -> list[tuple[str, str, str]]:
        """Title, caption and SVG of every picture."""
        from ranvier.bench.plots import accuracy_plot, connectivity_plot, curve_plot, delay_plot, raster_plot

        shown, accuracy = self._shown(), self.accuracy()
        name = f"{shown[0][0].neurons} {shown[0][0].wiring} neurons"
        if sparse := shown[0][0].sparse:
            name += f", {sparse.connectivity:.0%} of the synapses, {shown[0][0].structure}"
        delayed = [(run, row) for run, row in shown if row["histogram"] and run.delays != "fixed"]
        figures = [
            (
                f"Learning curves, {name}",
                "Test accuracy after every epoch, mean and standard deviation over the seeds.",
                curve_plot(shown),
            ),
        ]
        if any(row["connectivity"] < 1 for row in accuracy):
            text = "Golden, mean and standard deviation over the seeds; solid: rewired by DEEP R, dotted: static."
            figures.insert(0, ("Accuracy against connectivity", text, connectivity_plot(accuracy)))
        if dense := [row for row in accuracy if row["connectivity"] == 1]:
            text = (
                "Golden: on the core's arithmetic. Mean and standard deviation over the seeds; weights, delays and readout "
                "weights count, learned or not."
            )
            figures.insert(0, ("Accuracy against parameters", text, accuracy_plot(dense)))
        if delayed:
            text = "Share of the delays per bin, before and after training, all seeds together; as the core holds them."
            figures.append((f"Delays before and after, {name}", text, delay_plot(delayed)))
        rasters = self._rasters(shown)
        if rasters:
            text = "Spikes of the first test sample, golden: what arrives and what the trained networks make of it."
            figures.append((f"Spikes of a test sample, {name}", text, raster_plot(rasters)))
        return figures

    def _shown(self) -> list[tuple[Run, Row]]:
        """Runs of the size that is drawn: the suite's with all synapses, or the largest there is if that was left out."""
        sizes = {_size(run) for run, _ in self.finished}
        size = Place("", *SUITES[self.suite].shown, "")
        if size not in sizes:
            size = max(sizes, key=lambda found: (found.connectivity, found.neurons, found))
        return [(run, row) for run, row in self.finished if _size(run) == size]

    def _rasters(self, shown: Sequence[tuple[Run, Row]]) -> list[Any]:
        """Of every learner the network with the first seed, with learned synaptic delays if there is one."""
        from ranvier.bench.plots import Raster

        chosen: dict[str, tuple[Run, Row]] = {}
        for run, row in sorted(shown, key=lambda pair: (pair[0].delays != "synaptic", pair[0].seed)):
            chosen.setdefault(run.learner, (run, row))
        sample, label = self.dataset.test[0], self.dataset.classes[int(self.dataset.test_labels[0])]
        rasters = []
        for learner, (run, row) in chosen.items():
            network = Network.read(self.folder / row["network"])
            with open_device("golden", network.config) as device:
                device.load(network)
                record = device.run(sample, record=["spikes"])
            predicted = self.dataset.classes[record.prediction]
            title = f"{LEARNERS[learner].label}, {DELAYS[run.delays]}\n{label}, predicted {predicted}"
            hidden = np.argwhere(record.steps["spikes"])
            arrived = np.stack([sample.times, sample.units], axis=1)
            sizes = (self.dataset.inputs, network.config.neurons, sample.steps)
            rasters.append(Raster(title, arrived, hidden, sizes))
        return rasters

    @property
    def files(self) -> list[Path]:
        """What `write` writes."""
        return [self.folder / f"report.{kind}" for kind in ("html", "md", "json")]

    def write(self) -> None:
        """Write report.html, report.md and report.json."""
        contents = (self.html(), self.text() + "\n", json.dumps(self.summary(), indent=1) + "\n")
        for path, content in zip(self.files, contents, strict=True):
            write_text(path, content)


def _size(run: Run) -> Place:
    """All of its row but learner and delays."""
    return run.place()._replace(learner="", delays="")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _some(runs: Sequence[Run], count: int = 3) -> str:
    names = [str(run) for run in runs[:count]]
    return ", ".join(names) + (" and others" if len(runs) > count else "")
