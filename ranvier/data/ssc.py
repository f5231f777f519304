"""Spiking Speech Commands (SSC): spoken words as spikes of 700 cochlea channels, see `ranvier.data.heidelberg`."""

from functools import partial
from pathlib import Path

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.heidelberg import BINNED, combined, published, read_parts, with_options
from ranvier.data.packed import Binning
from ranvier.data.registry import NamedDataset, Option, register

__all__ = ["ssc"]

#: English words.
CLASSES = 35


def ssc(
    folder: str | Path,
    *,
    binning: Binning = Binning(),
    augmentation: Augmentation = Augmentation(),
    test: str = "test",
) -> Dataset:
    """Spiking Speech Commands: 35 English words, 75,466 samples for training, 9,981 for validation and 20,382 for testing.

    Parameters
    ----------
    folder : str or Path
        Holds `ssc_train.h5` and `ssc_test.h5` or `ssc_valid.h5`, or their `.gz` or `.zip`. One of them is enough to evaluate
        on. Or one file of any name: all of it is to test on.
    binning, augmentation
        As those of `shd`.
    test : {"test", "valid"}
        File to test on.

    Raises
    ------
    DataError
        If a file is missing or malformed, or an option makes no sense.
    """
    if test not in ("test", "valid"):
        raise DataError(f"test={test!r}: choose test or valid")
    parts = read_parts(Path(folder), "ssc", CLASSES, ("train", test), binning)
    return combined("ssc", parts["train"], parts[test], binning, augmentation)


register(
    NamedDataset(
        spelled="ssc:FOLDER?OPTIONS",
        load=partial(with_options, ssc),
        what="Spiking Speech Commands (Cramer et al. 2020)",
        classes=CLASSES,
        samples="75,466 / 20,382, and 9,981 for validation",
        options={"test": Option(str, "test", "`valid` tests on the validation file"), **BINNED},
        published=published(
            ssc_train="d102be95e7144fcc0553d1f45ba94170",
            ssc_valid="b4eee3516a4a90dd0c71a6ac23a8ae43",
            ssc_test="a35ff1e9cffdd02a20eb850c17c37748",
        ),
    )
)
