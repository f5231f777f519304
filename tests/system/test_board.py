"""From a configuration to a bitstream, end to end with the real tools, and to the files for Vivado."""

import json

import pytest

from ranvier.cli import main
from ranvier.hw.flow.board import BOARDS
from ranvier.parameters.config import CoreConfig

SMALL = CoreConfig(inputs=3, neurons=4, outputs=2, max_delay=2, lanes=1)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "core.toml"
    path.write_text(SMALL.to_toml())
    return str(path)


@pytest.mark.slow
def test_a_bitstream_for_ulx3s(config, tmp_path, capsys, record_property):
    out = tmp_path / "made"
    assert main(["build", "--board", "ulx3s-12f", "--config", config, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    bitstream = (out / "ranvier-ulx3s-12f.bit").read_bytes()
    assert bitstream.startswith(b"\xff\x00")
    assert b"Part: LFE5U-12F" in bitstream[:400]
    assert len(bitstream) > 50_000
    assert said["placement"]["fmax"] >= BOARDS["ulx3s-12f"].clock / 1e6 == said["placement"]["target"]
    assert CoreConfig.read(out / "ranvier-ulx3s-12f.toml") == SMALL
    assert sorted(path.name for path in out.iterdir()) == ["ranvier-ulx3s-12f.bit", "ranvier-ulx3s-12f.toml"]
    used = said["placement"]["used"]
    record_property(
        "evidence",
        f"bitstream of {len(bitstream):,} bytes for ulx3s-12f, place and route: {said['placement']['fmax']} MHz, "
        f"{used['TRELLIS_COMB'][0]:,} LUT, {used['TRELLIS_FF'][0]:,} FF, {used['DP16KD'][0]} block RAMs",
    )


def test_missing_the_clock_is_an_error_and_leaves_no_file(config, tmp_path, capsys, monkeypatch):
    from ranvier.hw.flow import board
    from ranvier.hw.flow.place import Hop, Placement
    from ranvier.hw.flow.synthesis import Resources

    slow = Placement(60.0, 80.0, 1, {}, (Hop("here", "LUT", 1.0, 1.0), Hop("there", "setup", 1.0, 0.0)))
    monkeypatch.setattr(board, "place_and_route", lambda *_, **__: slow)
    monkeypatch.setattr(board, "synthesise_rtlil", lambda *_: Resources(1, 1, 1, 1, None, None))
    assert main(["build", "--board", "ulx3s-85f", "--config", config, "--out", str(tmp_path / "made")]) == 2
    complaint = capsys.readouterr().err
    assert "60.0 MHz after place and route but the board's clock is 80.0 MHz" in complaint
    assert "here -> there" in complaint
    assert complaint.count("\n") == 1
    assert list((tmp_path / "made").iterdir()) == []


def test_arty_gets_verilog_and_a_script(config, tmp_path, capsys):
    assert main(["build", "--board", "arty-a7-35", "--config", config, "--out", str(tmp_path / "ip")]) == 0
    assert {path.name for path in (tmp_path / "ip").iterdir()} == {"ranvier_axi.v", "package_ip.tcl"}
    assert capsys.readouterr().out.count("wrote") == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--board", "toaster"], "unknown board 'toaster': choose one of ulx3s-12f"),
        (["--board", "icebreaker", "--baud", "7000000"], "baud=7000000 is out of reach"),
    ],
)
def test_what_cannot_be_built_is_refused(config, arguments, complaint, tmp_path, capsys):
    code = main(["build", "--config", config, "--out", str(tmp_path / "made"), *arguments])
    assert code == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
