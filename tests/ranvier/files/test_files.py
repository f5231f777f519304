"""Every writer: plain files are replaced as a whole, links followed, and what is not a plain file is written into."""

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ranvier.files.output import check_output, output_folder
from ranvier.files.replacing import OutputError, replacing, write_bytes
from ranvier.nir.exporter import export_graph
from ranvier.nir.graph import write_graph
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.record import Record
from ranvier.verification.waveform import write_waveform

NETWORK = Network.zeros(preset("test"))
RECORD = Record(0, np.zeros(3, np.int64), 0, {"spikes": np.zeros((4, 7), np.int64)}, None)
WRITERS = {
    "bytes": lambda path: write_bytes(path, bytes(100_000)),
    "network": NETWORK.save,
    "float": FloatNetwork.of(NETWORK).save,
    "nir": lambda path: write_graph(path, export_graph(FloatNetwork.of(NETWORK), dt=1e-3).graph),
    "waveform": lambda path: write_waveform(path, {"golden": RECORD}),
}


@pytest.fixture(params=WRITERS)
def write(request):
    """Each of the writers."""
    return WRITERS[request.param]


def test_a_link_stays_and_its_target_is_replaced(write, tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    link.symlink_to("there/target")  # leads nowhere as yet
    check_output(link)
    assert not target.exists()
    write(link)
    size = target.stat().st_size
    target.write_text("old")
    write(link)
    assert os.readlink(link) == "there/target"
    assert target.stat().st_size == size > 100
    assert sorted(path.name for path in (*tmp_path.iterdir(), *target.parent.iterdir())) == ["link", "target", "there"]


def test_a_fifo_is_written_into(write, tmp_path):
    fifo, copy = tmp_path / "fifo", tmp_path / "copy"
    os.mkfifo(fifo)
    check_output(fifo)  # would wait forever if it opened it
    got = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    write(fifo)
    reader.join(20)
    write(copy)
    assert fifo.is_fifo()
    assert len(got[0]) == copy.stat().st_size


@pytest.mark.parametrize("name", ["null", "full"])
def test_devices_stay(write, name, tmp_path):
    """Root gets a device of its own: a fault here could replace that of the machine."""
    node, device = tmp_path / name, tmp_path / "device"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.stat(f"/dev/{name}").st_rdev)
        with open(node, "rb"):
            pass
    except OSError:  # not root, or no devices there
        node.unlink(missing_ok=True)
        node = Path("/dev", name)
    device.symlink_to(node)
    check_output(device)
    if name == "null":
        write(device)
    else:
        with pytest.raises(OutputError, match=r"cannot write .*device: No space left on device"):
            write(device)
    assert device.is_symlink()
    assert stat.S_ISCHR(os.stat(node).st_mode)


def test_a_descriptor_is_used_as_it_is(write, tmp_path):
    """Opened anew, the file would be written over from its beginning."""
    path = tmp_path / "log"
    with path.open("wb") as log:
        log.write(b"precious")
        log.flush()
        check_output(f"/dev/fd/{log.fileno()}")
        write(f"/dev/fd/{log.fileno()}")
    assert path.read_bytes().startswith(b"precious")
    assert path.stat().st_size > 100
    with pytest.raises(OutputError, match="Bad file descriptor"):
        check_output("/dev/fd/987")


def test_standard_output_is_a_dash(write, capfdbinary, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(check_output("-"))
    assert len(capfdbinary.readouterr().out) > 100
    write(check_output("./-"))
    assert capfdbinary.readouterr().out == b""
    assert (tmp_path / "-").stat().st_size > 100
    with pytest.raises(OutputError, match="a folder is needed"):
        output_folder("-")


def test_the_mode_stays(write, tmp_path):
    path = tmp_path / "file"
    write(path)
    os.umask(mask := os.umask(0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_full_disk_leaves_the_old_file_and_nothing_else(write, tmp_path):
    """The kernel refuses at 64 bytes, after the file was opened and begun."""
    path = tmp_path / "file"
    path.write_text("precious")
    before, old = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*file: File too large"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_name_is_no_problem(write, tmp_path):
    path = tmp_path / ("n" * 255)
    write(check_output(path))
    assert path.stat().st_size > 100
    with pytest.raises(OutputError, match="File name too long"):
        check_output(tmp_path / ("n" * 256))
    with pytest.raises(OutputError, match="File name too long"):
        write(tmp_path / ("n" * 256))


def test_bytes_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: order.append(os.fstat(number).st_size) or fsync(number))
    monkeypatch.setattr(os, "replace", lambda *names: order.append("rename") or replace(*names))
    write_bytes(tmp_path / "file", b"12345")
    assert order == [5, "rename"]


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("precious")

    def interrupted():
        with replacing(tmp_path / "file") as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "file").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_write_protected_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("precious")
    path.chmod(0o444)
    access = os.access
    monkeypatch.setattr(os, "access", lambda name, mode: Path(name) != path and access(name, mode))  # root may all
    for refused in (check_output, NETWORK.save):
        with pytest.raises(OutputError, match="it is write-protected"):
            refused(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("loop", "Too many levels"),
        ("folder", "is a folder"),
        ("", "is a folder"),
        ("nowhere/file", "nowhere is not a folder"),
        ("plain/file", "plain is not a folder"),
        ("/proc/file", "cannot write /proc/file"),
        ("a\0b", "null"),
    ],
)
def test_refused_before_the_work_and_when_written(name, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    Path("plain").write_text("precious")
    with pytest.raises(OutputError, match=text):
        check_output(name)
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(name, b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "loop", "plain"]


def test_a_name_that_ends_like_a_folder_is_no_file(tmp_path):
    (tmp_path / "there").write_text("old")
    for name in ("there", "new"):
        with pytest.raises(OutputError, match="is a folder: give the name of a file in it"):
            check_output(f"{tmp_path / name}/")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_tool_that_cannot_write_its_temporary_files(tmp_path: Path) -> None:
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "from ranvier.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "verilog", "--preset", "test", "-o", "x.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("ranvier: Yosys cannot write Verilog: ")
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []
