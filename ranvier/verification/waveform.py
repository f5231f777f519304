"""Recorded steps of several devices side by side, as a waveform for any VCD viewer."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from vcd import VCDWriter

from ranvier.files.output import write_text
from ranvier.parameters.record import Record

__all__ = ["write_waveform"]


def write_waveform(
    path: str | Path, records: Mapping[str, Record], *, around: int | None = None, window: int = 16
) -> None:
    """Write ``.vcd``: one scope per device, one group per recorded quantity, one signal per unit; a step lasts 1 us.

    Parameters
    ----------
    path : path
        File to write.
    records : mapping of str to Record
        Records of the same sample by device name.
    around : int, optional
        Step in the middle of the window; without it the window ends with the sample.
    window : int
        Steps to write.
    """
    text = StringIO()
    steps = max((len(values) for record in records.values() for values in record.steps.values()), default=0)
    first = max(0, steps - window if around is None else around - window // 2)
    with VCDWriter(
        text, timescale="1 us", date="", comment=f"steps {first} to {min(first + window, steps) - 1}"
    ) as writer:
        signals = [
            (writer.register_var(f"{device}.{name}", f"{name}_{unit}", "integer", size=32), values[:, unit])
            for device, record in records.items()
            for name, values in record.steps.items()
            for unit in range(values.shape[1])
        ]
        for step in range(first, min(first + window, steps)):
            for variable, values in signals:
                writer.change(variable, step, int(values[step]))
        writer.close(min(first + window, steps))
    write_text(path, text.getvalue())
