"""Optional packages: what is missing is said in one line, and nothing needs them that should not."""

import subprocess
import sys
from pathlib import Path

import pytest

from ranvier.cli import main
from ranvier.extras import ExtraError, extra


def test_what_is_there_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extra("json", "data").loads("1") == 1
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraError, match=r"^h5py is missing .*: install ranvier\[data\]$"):
        extra("h5py", "data")


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shd_train.h5").touch()
    for missing, line in (("h5py", f"train --data shd:{tmp_path}"), ("pooch", f"download shd --out {tmp_path}")):
        monkeypatch.setitem(sys.modules, missing, None)
        assert main(line.split()) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert f"{missing} is missing" in err
        assert "install ranvier[data]" in err


def test_importing_needs_none_of_them() -> None:
    blocked = ("h5py", "pooch", "requests", "tonic", "torch", "nir", "dask")
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked}))"
    code = f"{block}; import ranvier.cli; print(ranvier.yin_yang(train=2, test=1).inputs)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr
