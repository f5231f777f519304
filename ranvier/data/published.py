"""Where data sets are published, and the checksums of their files."""

from dataclasses import dataclass

__all__ = ["PUBLISHED", "File", "Published"]


@dataclass(frozen=True)
class File:
    """A file that can be downloaded.

    Parameters
    ----------
    name : str
        Its name.
    url : str
        Its address.
    md5 : str
        Its checksum, 32 hexadecimal digits.
    """

    name: str
    url: str
    md5: str


@dataclass(frozen=True)
class Published:
    """A published data set.

    Parameters
    ----------
    address : str
        Web page.
    licence : str
        Its licence.
    files : tuple of File
        What to download; empty if the published files must be converted first.
    expected : str
        Files that the folder must contain in the end.
    """

    address: str
    licence: str
    files: tuple[File, ...]
    expected: str


HEIDELBERG = "https://zenkelab.org/datasets/"


def _heidelberg(**checksums: str) -> Published:
    files = tuple(File(f"{name}.h5.zip", f"{HEIDELBERG}{name}.h5.zip", md5) for name, md5 in checksums.items())
    expected = ", ".join(f"{name}.h5" for name in checksums)
    return Published(HEIDELBERG, "CC BY 4.0", files, expected)


#: Data set by name. The checksums of the Heidelberg files are those that other loaders have pinned for years.
PUBLISHED = {
    "shd": _heidelberg(
        shd_train="f3252aeb598ac776c1b526422d90eecb",
        shd_test="1503a5064faa34311c398fb0a1ed0a6f",
    ),
    "ssc": _heidelberg(
        ssc_train="d102be95e7144fcc0553d1f45ba94170",
        ssc_valid="b4eee3516a4a90dd0c71a6ac23a8ae43",
        ssc_test="a35ff1e9cffdd02a20eb850c17c37748",
    ),
    "braille": Published(
        "https://doi.org/10.5281/zenodo.6556273",
        "CC BY 4.0",
        (),
        "braille_taxels.npz with taxels [samples, 76, 12], letter [samples] and letters, made from the recordings there",
    ),
}
