"""The report of a bench: one object, written as JSON, as Markdown and as an HTML page with figures."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ranvier.bench.pictures import accuracy_plot, connectivity_plot, curve_plot, delay_plot
from ranvier.bench.suite import OBSERVED, SUITES, Run, Setting, Values
from ranvier.bench.tables import DELAYS, accuracy_rows, difference_rows, tables
from ranvier.data import Dataset
from ranvier.device import open_device
from ranvier.files.output import write_text
from ranvier.learners import LEARNERS
from ranvier.parameters.network import Network
from ranvier.plot.charts import Raster, rasters
from ranvier.plot.page import page
from ranvier.plot.table import Table, markdown

__all__ = ["Report"]

#: Packages whose version can change a result.
PACKAGES = ("ranvier", "numpy", "scipy", "numba", "torch", "distributed", "matplotlib")


@dataclass(frozen=True)
class Report:
    """Result of `ranvier.bench.run_suite`.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    suite : str
        Its suite.
    folder : Path
        Folder of networks and report.
    finished : list of (Run, dict)
        Every training and its values.
    agreement, speed : list of dict
        One row per pair of devices, and per device.
    simulated : dict
        Setting -> clock cycles per sample measured on the simulated RTL.
    notes : list of str
        Omissions and failures.
    failures : int
        Runs that could not be finished.
    repeated : int
        Experiments that had to be run.
    """

    dataset: Dataset
    suite: str
    folder: Path
    finished: list[tuple[Run, Values]]
    agreement: list[Values]
    speed: list[Values]
    simulated: dict[Setting, float]
    notes: list[str]
    failures: int
    repeated: int

    @property
    def bad(self) -> bool:
        """Whether runs failed or devices disagreed."""
        return bool(self.failures or any(row["mismatches"] for row in self.agreement))

    def accuracy(self) -> list[Values]:
        """One row per `Setting`."""
        rows = accuracy_rows(self.finished)
        for row in rows if self.simulated else ():
            setting = Setting(**{name: row[name] for name in Setting._fields})
            row["simulated_cycles_per_sample"] = self.simulated.get(setting)
        return rows

    def summary(self) -> Values:
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
        """Notes, and the number of runs with each kind of warning."""
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

    def markdown(self) -> str:
        """The report without its pictures."""
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

    def _tables(self) -> list[Table]:
        return tables(self.accuracy(), difference_rows(self.finished), self.agreement, self.speed, bool(self.simulated))

    def _legend(self) -> str:
        return (
            "Golden is the bit-exact fixed-point model of the core, float is float64. Cycles by formula are those "
            f"of ranvier info for the work of {OBSERVED} test samples; tests hold the RTL to them. Networks of offline "
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
        if spikes := self._rasters(shown):
            text = "Spikes of the first test sample, golden: input and hidden spikes of the trained networks."
            figures.append((f"Spikes of a test sample, {name}", text, rasters(spikes)))
        return figures

    def _shown(self) -> list[tuple[Run, Values]]:
        """Runs of the size to draw: that of the suite with all synapses, or the largest if that was omitted."""
        sizes = {_size(run) for run, _ in self.finished}
        size = Setting("", *SUITES[self.suite].shown, "")
        if size not in sizes:
            size = max(sizes, key=lambda found: (found.connectivity, found.neurons, found))
        return [(run, row) for run, row in self.finished if _size(run) == size]

    def _rasters(self, shown: Sequence[tuple[Run, Values]]) -> list[Raster]:
        """For every learner the network with the first seed, with learned synaptic delays if there is one."""
        chosen: dict[str, tuple[Run, Values]] = {}
        for run, row in sorted(shown, key=lambda pair: (pair[0].delays != "synaptic", pair[0].seed)):
            chosen.setdefault(run.learner, (run, row))
        sample, label = self.dataset.test[0], self.dataset.classes[int(self.dataset.test_labels[0])]
        found = []
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
            found.append(Raster(title, arrived, hidden, sizes))
        return found

    @property
    def files(self) -> list[Path]:
        """Files that `write` writes."""
        return [self.folder / f"report.{kind}" for kind in ("html", "md", "json")]

    def write(self) -> None:
        """Write report.html, report.md and report.json."""
        contents = (self.html(), self.markdown() + "\n", json.dumps(self.summary(), indent=1) + "\n")
        for path, content in zip(self.files, contents, strict=True):
            write_text(path, content)


def _size(run: Run) -> Setting:
    """Setting without learner and delays."""
    return run.setting()._replace(learner="", delays="")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _some(runs: Sequence[Run], count: int = 3) -> str:
    names = [str(run) for run in runs[:count]]
    return ", ".join(names) + (" and others" if len(runs) > count else "")
