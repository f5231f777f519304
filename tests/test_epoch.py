"""The same seeds give the same spikes, weights and delays over a whole training epoch of Braille, to the bit."""

import pytest

from ranvier.bench import Material
from ranvier.bench.devices import PAIRS, Agreement


@pytest.mark.slow
@pytest.mark.parametrize(("reference", "device"), PAIRS)
def test_epoch_of_braille(reference, device, recordings, record_property):
    result = Agreement(reference, device).result(Material.open(recordings)).row
    assert result["mismatches"] == 0, result["first"]
    assert result["samples"] == 864 + 216
    assert result["compared"] > 500_000
    record_property(
        "evidence",
        f"Braille, one epoch and test, {reference} = {device}: {result['samples']:,} samples, "
        f"{result['mismatches']} mismatches / {result['compared']:,} values compared",
    )
