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


#: Data set -> where it is published, as `ranvier.data.registry.register` got it.
PUBLISHED: dict[str, Published] = {}
