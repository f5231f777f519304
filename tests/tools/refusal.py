"""How the command line refuses: in one line, with nothing on stdout, and with no file written or changed."""

from pathlib import Path

import pytest

from ranvier.cli import main


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line with which a command refuses its arguments."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ranvier: ")
    assert err.count("\n") == 1
    return err


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Of all plain files in a folder; None for what is none."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}
