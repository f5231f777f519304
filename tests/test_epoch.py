"""The same seeds give the same spikes, weights and delays over a whole training epoch of Braille, to the bit."""

from pathlib import Path

import pytest

from ranvier.bench import PAIRS, Agreement

DATA = Path(__file__).parents[2] / "shared" / "data" / "braille" / "braille_taxels.npz"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason=f"needs the Braille recordings at {DATA}")
@pytest.mark.parametrize(("reference", "device"), PAIRS)
def test_epoch_of_braille(reference, device):
    result = Agreement(f"braille:{DATA}", reference, device, samples=None).result()
    print(f"\n{reference} = {device}: {result}")
    assert result["mismatches"] == 0, result["first"]
    assert result["samples"] == 864 + 216
    assert result["compared"] > 500_000
