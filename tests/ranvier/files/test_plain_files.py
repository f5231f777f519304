"""What is read must be a plain file: a device may have no end, and nobody may ever write to a pipe."""

import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset

#: Address space of a command, in bytes, and the seconds it may take.
MEMORY, SECONDS = 4 << 30, 60

COMMANDS = (
    "eval {} --data yinyang",
    "eval m.npz --data braille:{}",
    "train --data yinyang --epochs 1 --from {} --out n.npz",
    "quantise {} -o n.npz",
    "nir export {} --dt 1e-3 -o n.nir",
    "nir import {} --dt 1e-3 -o n.npz",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_devices_and_pipes_are_refused_at_once(command: str, tmp_path: Path) -> None:
    Network.zeros(preset("braille")).save(tmp_path / "m.npz")
    os.mkfifo(tmp_path / "pipe")
    script = "import sys; from ranvier.cli import main; sys.exit(main(sys.argv[1:]))"
    for path, kind in (("/dev/zero", "a character device"), ("pipe", "a pipe")):
        done = subprocess.run(
            [sys.executable, "-c", script, *command.format(path).split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"{path}: this is {kind}: give a plain file" in done.stderr


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    network, path = Network.zeros(preset("yinyang").replace(neurons=3)), tmp_path / "m.npz"
    network.save(path, "abc")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("weight.npy", file.read("weight.npy"))
    for read in (Network.read, Network.read_classes):
        with pytest.raises(NetworkError, match=f"{path}: "):
            read(path)
    assert np.load(path)["weight"].shape == network.weight.shape  # which nothing but the second name is wrong with
