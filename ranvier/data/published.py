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
        Page for people.
    licence : str
        What may be done with it.
    files : tuple of File
        What to download; empty if what is published there has to be converted first.
    expected : str
        What has to lie in the folder in the end.
    """

    address: str
    licence: str
    files: tuple[File, ...]
    expected: str


#: Data set -> where it is published, as `ranvier.data.registry.register` got it.
PUBLISHED: dict[str, Published] = {}
