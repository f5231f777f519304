"""The main job, end to end: a network learns Yin-Yang on the simulated RTL while the golden model checks every value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranvier.data import yin_yang
from ranvier.device import open_device
from ranvier.files.output import check_output, output_folder, write_text
from ranvier.learners.online import OnlineTraining, train
from ranvier.parameters.presets import preset
from ranvier.recipes import FROM_ZERO, initial_network
from ranvier.verification.verify import Mismatch, Twin

__all__ = ["Demo", "demo"]

#: Every delay starts at 0, so that every delay at the end was learned; few samples, so step sizes start high and fall fast.
RECIPE = FROM_ZERO["yinyang"].replace(epochs=3, decay=0.4, eta_delay=10.0)


@dataclass(frozen=True)
class Demo:
    """Outcome of `demo`.

    Parameters
    ----------
    training : OnlineTraining or None
        What was learned; None if the devices disagreed before the end.
    compared, mismatches : int
        Values compared between the devices, and those that differed.
    first : str or None
        The first difference.
    files : list of Path
        What was written.
    """

    training: OnlineTraining | None
    compared: int
    mismatches: int
    first: str | None
    files: list[Path]

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "compared": self.compared,
            "mismatches": self.mismatches,
            "first": self.first,
            "files": [str(path) for path in self.files],
            "training": self.training.summary() if self.training else None,
        }

    def lines(self) -> list[str]:
        """Report in lines."""
        lines = [
            "Yin-Yang, 60 neurons, all delays 0 at first; weights and delays learned on the device, golden model beside it"
        ]
        if self.training:
            epoch = self.training.epochs[-1]
            learned, tested = epoch.train.samples, epoch.test.samples
            lines.append(f"accuracy {epoch.test.accuracy:.1%} on {tested} test samples, after learning {learned}")
            if delays := self.training.delays:
                lines += [f"delays moved by {delays.mean:.2f} steps on average", *delays.lines()]
            for what, done in (("learning", epoch.train), ("inference", epoch.test)):
                cycles = f"{done.cycles_per_sample:,.0f} cycles" if done.cycles_per_sample else "no clock"
                lines.append(f"{what}: {cycles} per sample, {done.samples / done.seconds:.0f} samples per second")
        lines.append(f"{self.mismatches} mismatches / {self.compared:,} values compared")
        if self.first:
            lines.append(f"first difference: {self.first}")
        return lines + [f"wrote {path}" for path in self.files]


def demo(
    out: str | Path = "out",
    *,
    device: str = "sim",
    samples: int = 1500,
    tests: int = 300,
    seed: int = 0,
    progress: bool = False,
) -> Demo:
    """Learn Yin-Yang on `device` in parallel with the golden model; write the network and Verilog into the folder `out`.

    Parameters
    ----------
    out : path
        Folder for what is written; made if missing.
    device : str
        Device under test, see `ranvier.device.open_device`.
    samples, tests : int
        Samples to learn, three times each, and to test on.
    seed : int
        Of the initial network and the order of the samples.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Raises
    ------
    OutputError
        If `out` cannot be written to.
    """
    from ranvier.hw.flow.verilog import write_verilog

    out = output_folder(out)
    config = preset("yinyang")
    model, verilog, waveform = (
        check_output(out / name) for name in ("yinyang.npz", "ranvier_yinyang.v", "mismatch.vcd")
    )
    with Twin(open_device("golden", config), open_device(device, config), every=100) as twin:
        try:
            training = train(
                twin,
                initial_network(config, RECIPE, seed),
                yin_yang(train=samples, test=tests),
                RECIPE,
                seed,
                progress=progress,
            )
        except Mismatch as mismatch:
            drawn = mismatch.waveform(waveform)
            return Demo(None, twin.compared, twin.mismatches, str(mismatch.first), [drawn] if drawn else [])
    training.network.save(model)
    write_text(verilog, write_verilog(config))
    return Demo(training, twin.compared, twin.mismatches, None, [model, verilog])
