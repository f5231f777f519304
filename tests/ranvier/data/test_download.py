"""Downloads from a server on loopback: right and wrong checksums, lost connections that are resumed, and no server."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from refusal import refused

import ranvier.data.download as downloads
from ranvier.cli import main
from ranvier.data.download import DownloadError, download
from ranvier.data.published import PUBLISHED, File, Published

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "shd_train.h5.zip"


@dataclass
class Server:
    """Serves `content` as every file; hangs up after `limit` bytes of a body, and may ignore ranges."""

    address: str = ""
    content: bytes = CONTENT
    limit: int = 10**9
    ranges: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.ranges else 0
            body = state.content[start:]
            status = state.status if state.status != 200 else 206 if start else 200
            self.send_response(416 if start >= len(state.content) else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.limit])

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        state.address = f"http://127.0.0.1:{serving.server_address[1]}"
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield state
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of one data set, with the checksum of what the server has."""
    file = File(NAME, f"https://example.invalid/{NAME}", hashlib.md5(CONTENT).hexdigest())
    monkeypatch.setitem(PUBLISHED, "shd", Published("https://example.invalid/", "CC BY 4.0", (file,), "shd_train.h5"))


def test_download(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert download("shd", folder, mirror=server.address) == [folder / NAME]
    assert (folder / NAME).read_bytes() == CONTENT
    assert list(folder.iterdir()) == [folder / NAME]
    download("shd", folder, mirror=server.address + "/")
    assert server.asked == [None], "downloaded again what is there and right"


def test_an_unpacked_file_is_enough(server: Server, tmp_path: Path) -> None:
    (tmp_path / "shd_train.h5").write_text("unpacked")
    assert download("shd", tmp_path, mirror=server.address) == [tmp_path / "shd_train.h5"]
    assert server.asked == []


def test_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match="wrong checksum, nothing was kept"):
        download("shd", tmp_path / "folder", mirror=server.address)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT[:1000])
    download("shd", tmp_path, mirror=server.address)
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_resumes(ranges: bool, server: Server, tmp_path: Path) -> None:
    """Twice the connection is lost; a server without ranges sends everything again."""
    server.limit, server.ranges = 2 * downloads.CHUNK, ranges
    for attempt in (1, 2):
        with pytest.raises(DownloadError, match=r"connection lost after .* bytes: run the same command to go on"):
            download("shd", tmp_path, mirror=server.address)
        assert [path.name for path in tmp_path.iterdir()] == [f".{NAME}.part"]
        got = (tmp_path / f".{NAME}.part").stat().st_size
        assert got == server.limit * (attempt if ranges else 1)
    server.limit = 10**9
    download("shd", tmp_path, mirror=server.address)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / NAME]
    assert server.asked == [None, "bytes=131072-", "bytes=262144-" if ranges else "bytes=131072-"]


@pytest.mark.parametrize(("size", "kept"), [(300_000, True), (400_000, False)])
def test_a_part_as_long_as_the_file_or_longer(size: int, kept: bool, server: Server, tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.part").write_bytes((CONTENT * 2)[:size])
    if kept:
        download("shd", tmp_path, mirror=server.address)
        assert (tmp_path / NAME).read_bytes() == CONTENT
    else:
        with pytest.raises(DownloadError, match="wrong checksum"):
            download("shd", tmp_path, mirror=server.address)
        assert list(tmp_path.iterdir()) == []


def test_a_part_of_something_else(server: Server, tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="wrong checksum"):
        download("shd", tmp_path, mirror=server.address)
    assert list(tmp_path.iterdir()) == []
    download("shd", tmp_path, mirror=server.address)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_command_line(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "shd", "--out", str(tmp_path), "--mirror", server.address]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == str(tmp_path / NAME)
    assert "CC BY 4.0" in out
    assert f"use it: --data shd:{tmp_path}" in out
    assert err == "", "a progress bar off a terminal"


def test_command_line_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "download", "shd", "--out", str(tmp_path / "folder"), "--mirror", "http://127.0.0.1:9")
    assert "cannot reach http://127.0.0.1:9/shd_train.h5.zip" in line
    assert f"elsewhere and put {NAME} into {tmp_path}/folder" in line
    assert list(tmp_path.iterdir()) == []


def test_command_line_where_the_server_refuses(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 404
    line = refused(capsys, "download", "shd", "--out", str(tmp_path), "--mirror", server.address)
    assert f"{server.address}/{NAME}: 404 Not Found: download" in line
    assert list(tmp_path.iterdir()) == []


def test_command_line_of_what_must_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "download", "braille", "--out", str(tmp_path / "folder"))
    assert "https://doi.org/10.5281/zenodo.6556273" in line
    assert "put braille_taxels.npz with taxels" in line
    assert f"choose from {str([*PUBLISHED])[1:-1]}" in refused(capsys, "download", "mnist", "--out", str(tmp_path))


def test_ctrl_c_keeps_the_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(downloads.tqdm):  # type: ignore[misc, name-defined]
        def update(self, count: float = 1) -> None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "tqdm", Interrupting)
        assert main(["download", "shd", "--out", str(tmp_path), "--mirror", server.address]) == 130
    assert "repeat the same command to continue" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [f".{NAME}.part"]
    download("shd", tmp_path, mirror=server.address)
    assert server.asked == [None, f"bytes={downloads.CHUNK}-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_published_files() -> None:
    """Addresses and checksums are well-formed; whether they are right only the real server can tell."""
    files = PUBLISHED["ssc"].files
    assert [file.name for file in files] == ["ssc_train.h5.zip", "ssc_valid.h5.zip", "ssc_test.h5.zip"]
    assert len({file.md5 for file in files}) == 3
    assert all(len(bytes.fromhex(file.md5)) == 16 and file.url.endswith(file.name) for file in files)


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads.Resuming, "_append", full)
    with pytest.raises(
        DownloadError, match=r"cannot write into .*: No space left on device: make room or give another"
    ):
        download("shd", tmp_path, mirror=server.address)


def test_an_unknown_data_set(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"unknown data set 'mnist': choose one of {', '.join(PUBLISHED)}"):
        download("mnist", tmp_path)
