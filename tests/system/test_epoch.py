"""The same seeds give the same spikes, weights and delays over an epoch of Braille, to the bit; all of it if asked."""

from pathlib import Path

import pytest

from ranvier.bench import Material
from ranvier.bench.devices import PAIRS, Agreement

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
@pytest.mark.parametrize("samples", [100, pytest.param(None, marks=pytest.mark.prove)])
@pytest.mark.parametrize(("reference", "device"), PAIRS)
def test_epoch_of_braille(reference, device, samples, recordings, record_property):
    result = Agreement(reference, device).result(Material.open(recordings, samples)).row
    assert result["mismatches"] == 0, result["first"]
    assert result["samples"] == (200 if samples else 864 + 216)
    assert result["compared"] > 400 * result["samples"]
    assert samples or f"0 mismatches / {result['compared']:,} values" in README.read_text()
    record_property("compared", result["compared"])
    record_property(
        "evidence",
        f"Braille, one epoch and test, {reference} = {device}: {result['samples']:,} samples, "
        f"{result['mismatches']} mismatches / {result['compared']:,} values compared",
    )
