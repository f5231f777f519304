import tomllib
from dataclasses import fields

import numpy as np
import pytest

from ranvier.parameters.config import WIDEST, ConfigError, CoreConfig
from ranvier.parameters.presets import PRESETS, preset
from ranvier.parameters.qformat import QFormat

Q = QFormat.parse
CORE = {"inputs": 3, "neurons": 5, "outputs": 2}

REFUSED = [
    ({"inputs": 0}, "inputs=0 is out of range: give a whole number from 1 to 4096"),
    ({"inputs": -3}, "inputs=-3 is out of range"),
    ({"inputs": 3.0}, r"inputs=3\.0 is out of range"),
    ({"inputs": True}, "inputs=True is out of range"),
    ({"inputs": "3"}, "inputs='3' is out of range"),
    ({"neurons": 5000}, "neurons=5000 is out of range: give a whole number from 1 to 4096"),
    ({"outputs": 1}, "outputs=1 is out of range: give a whole number from 2 to 256"),
    ({"outputs": 257}, "outputs=257 is out of range"),
    ({"max_delay": 0}, "max_delay=0 is out of range: give a whole number from 1 to 1022"),
    ({"max_delay": 1023}, "max_delay=1023 is out of range"),
    ({"lanes": 32}, "lanes=32 is out of range: give a whole number from 1 to 16"),
    ({"lanes": 3}, "lanes=3 is not a power of two: choose 1, 2, 4, 8 or 16"),
    ({"kernel_radius": 4}, "kernel_radius=4 is out of range: give a whole number from 1 to 3"),
    ({"delay_fraction": 0}, "delay_fraction=0 is out of range: give a whole number from 1 to 12"),
    ({"delay_fraction": 13}, "delay_fraction=13 is out of range"),
    ({"delays": "some"}, "delays='some' is unknown: choose one of none, axonal, synaptic"),
    ({"delays": []}, r"delays=\[\] is unknown"),
    ({"feedback": "direct"}, "feedback='direct' is unknown: choose one of symmetric, random"),
    ({"memory": "triple"}, "memory='triple' is unknown: choose one of dual, single"),
    ({"reset": "hard"}, "reset='hard' is unknown: choose one of soft, soft now, zero"),
    ({"synapse": "alpha"}, "synapse='alpha' is unknown: choose one of delta, exponential"),
    ({"dormant": 1}, "dormant=1 is neither true nor false"),
    ({"prediction": "spikes"}, "prediction='spikes' is unknown: choose one of softmax, readout"),
    ({"recurrent": 1}, "recurrent=1 is neither true nor false: give one of them"),
    ({"learning": "no"}, "learning='no' is neither true nor false"),
    ({"threshold": 0.0}, r"threshold=0\.0 is out of range: give a positive number"),
    ({"threshold": -1.0}, r"threshold=-1\.0 is out of range"),
    ({"threshold": float("nan")}, "threshold=nan is out of range"),
    ({"threshold": "1"}, "threshold='1' is out of range"),
    ({"threshold": 10**400}, "threshold=1000.* is out of range"),
    ({"threshold": 0.75}, r"threshold=0\.75 is not a power of two: use 1\.0 and divide the weights by 0\.75"),
    ({"threshold": 64.0}, r"threshold=64\.0 does not fit potential=s5\.12: choose a threshold within it"),
    ({"threshold": 2.0**-13}, r"threshold=.* does not fit potential=s5\.12"),
    ({"surrogate_width": 0.7}, r"surrogate_width=0\.7 is not a power of two: choose 0\.5, 1\.0 or 2\.0"),
    (
        {"surrogate_width": 64.0},
        r"surrogate_width=64\.0 has fewer .* or exceeds potential=s5\.12: bring it nearer to 1",
    ),
    (
        {"surrogate_width": 2.0**-5},
        "surrogate_width=.* has fewer levels than .* take fraction bits from surrogate",
    ),
    ({"kernel_sigma": 0.1}, r"kernel_sigma=0\.1 is out of range: give 0\.25 to 8 steps, 1\.0 suits every radius"),
    ({"kernel_sigma": 9.0}, r"kernel_sigma=9\.0 is out of range"),
    ({"weight": "s3.12"}, "weight='s3.12' is not a number format: give a QFormat"),
    ({"signal": Q("s12.12")}, rf"signal=s12\.12 is 25 bits wide: give it at most {WIDEST}"),
    ({"weight": Q("u3.12")}, r"weight=u3\.12 must carry both signs: write s3\.12"),
    ({"potential": Q("u5.12")}, r"potential=u5\.12 must carry both signs: write s5\.12"),
    ({"error": Q("u1.10")}, r"error=u1\.10 must carry both signs: write s1\.10"),
    ({"signal": Q("u4.13")}, r"signal=u4\.13 must carry both signs: write s4\.13"),
    ({"step_weight": Q("u0.17")}, r"step_weight=u0\.17 must carry both signs: write s0\.17"),
    ({"step_delay": Q("u3.14")}, r"step_delay=u3\.14 must carry both signs: write s3\.14"),
    ({"step_readout": Q("u0.17")}, r"step_readout=u0\.17 must carry both signs: write s0\.17"),
    ({"decay": Q("s0.12")}, r"decay=s0\.12 is never negative: write u0\.12"),
    ({"trace": Q("s4.8")}, r"trace=s4\.8 is never negative: write u4\.8"),
    ({"surrogate": Q("s0.8")}, r"surrogate=s0\.8 is never negative: write u0\.8"),
    ({"decay": Q("u1.12")}, r"decay=u1\.12 never exceeds 1: write u0\.12"),
    ({"surrogate": Q("u1.0")}, r"surrogate=u1\.0 never exceeds 1: write u0\.1"),
    ({"potential": Q("s5.11")}, r"potential=s5\.11 has fewer fraction bits than weight=s3\.12: give it at least 12"),
    ({"potential": Q("s2.13")}, r"potential=s2\.13 is narrower than weight=s3\.12: give it at least 3 integer bits"),
    ({"trace": Q("u4.7")}, r"trace=u4\.7 is too coarse: .* at least 8 fraction bits and 1 integer bit"),
    ({"trace": Q("u0.8")}, r"trace=u0\.8 is too coarse"),
    ({"error": Q("s0.10")}, r"error=s0\.10 is out of range: .* give 1 integer and at most 14 fraction bits"),
    ({"error": Q("s1.15")}, r"error=s1\.15 is out of range"),
    ({"error": Q("s1.0")}, r"signal=s4\.13 has more fraction bits than weight=s3\.12 times error=s1\.0 .* at most 12"),
    ({"learning": False, "feedback": "random"}, 'feedback="random" needs a core that learns: set learning=true or'),
    ({"learning": False, "dormant": True}, "dormant=true needs a core that learns: set learning=true or dormant=false"),
    (
        {"step_weight": Q("s0.4")},
        r"step_weight=s0\.4 times trace=u4\.8 has 0 .* give step_weight from 5 to 20 fraction",
    ),
    ({"step_readout": Q("s0.22")}, r"step_readout=s0\.22 .* give step_readout from 5 to 20 fraction bits"),
    (
        {"step_delay": Q("s3.20")},
        r"step_delay=s3\.20 .* than delay=u5\.6, .* give step_delay from 0 to 14 fraction bits",
    ),
    ({"weight": Q("s2.5")}, r"step_weight=s0\.17 .* give step_weight from 0 to 13 fraction bits"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_refuses(change, message):
    with pytest.raises(ConfigError, match=f"^{message}") as caught:
        CoreConfig(**CORE | change)
    assert "\n" not in str(caught.value)


ACCEPTED = [
    {"inputs": 4096, "neurons": 4096, "outputs": 256, "max_delay": 1022, "lanes": 16},
    {"weight": Q("s2.5"), "learning": False},
    {"step_delay": Q("s3.20"), "delays": "none"},
    {"threshold": 0.25, "surrogate_width": 4.0},
    {"threshold": 1, "kernel_sigma": 2},
    {"weight": Q("s0.1"), "potential": Q("s22.1"), "signal": Q("s1.1"), "surrogate": Q("u0.1"), "error": Q("s1.0")}
    | {"step_weight": Q("s0.1"), "step_readout": Q("s0.1"), "decay": Q("u0.1")},
]


@pytest.mark.parametrize("change", ACCEPTED)
def test_accepts(change):
    config = CoreConfig(**CORE | change)
    assert CoreConfig.from_toml(config.to_toml()) == config


def test_derived_sizes():
    config = CoreConfig(inputs=3, neurons=5, outputs=7, recurrent=True, lanes=4, max_delay=6, kernel_radius=3)
    assert (config.rows, config.words, config.readout_words, config.slots, config.lag) == (8, 2, 2, 8, 2)
    assert (str(config.delay), config.delay_limit) == ("u3.6", 384)
    assert config.replace(recurrent=False).rows == 3
    assert [config.replace(max_delay=d).slots for d in (1, 2, 5, 7, 14, 15, 1022)] == [4, 4, 8, 16, 16, 32, 1024]
    assert config.replace(delays="none").slots == 2
    assert (config.threshold_raw, config.replace(surrogate_width=2.0).surrogate_raw) == (4096, 8192)


@pytest.mark.parametrize("sigma", [0.25, 0.5, 1.0, 1.7, 3.0, 8.0])
@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("fraction", [8, 12])
def test_kernel(radius, sigma, fraction):
    trace = QFormat(False, 3, fraction)
    config = CoreConfig(**CORE, learning=False, kernel_radius=radius, kernel_sigma=sigma, trace=trace)
    taps = np.array(config.kernel)
    assert 2 * taps @ np.arange(1, radius + 1) == 1 << fraction  # sum of u k(u) is 1, exactly
    assert (taps >= 0).all()
    assert 2 * taps.sum() <= 1 << fraction  # so a slope fits a signed trace
    u = np.arange(1, radius + 1)
    exact = u * np.exp(-(u**2) / (2 * sigma**2))
    exact /= 2 * (u * exact).sum()
    assert abs(taps / 2**fraction - exact).max() <= 3 * 2.0**-fraction


def test_kernel_by_hand():
    assert CoreConfig(**CORE).kernel == (128,)
    assert CoreConfig(**CORE, kernel_radius=2).kernel == (68, 30)
    assert CoreConfig(**CORE, kernel_radius=3).kernel == (63, 28, 3)


# -------------------------------------------------------------------- text forms


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_toml(name, tmp_path):
    reason, config = PRESETS[name]
    assert len(reason) > 40
    assert CoreConfig.from_toml(config.to_toml()) == config == preset(name)
    assert CoreConfig.from_dict(tomllib.loads(config.to_toml())).digest == config.digest
    (tmp_path / "core.toml").write_text(config.to_toml())
    assert CoreConfig.read(tmp_path / "core.toml") == config


def test_unknown_preset():
    with pytest.raises(ConfigError, match=f"unknown preset 'big': choose one of {', '.join(PRESETS)}"):
        preset("big")


MINIMAL = "inputs = 3\nneurons = 5\noutputs = 2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs = 3\nneurons = 5\n", "field 'outputs' is missing: a core needs inputs, neurons and outputs"),
        ("", "field 'inputs' is missing"),
        (MINIMAL + "lane = 2\n", "unknown field 'lane': the fields are inputs, neurons"),
        (MINIMAL + "[lanes]\n", r"lanes=\{\} is out of range: give a whole number"),
        (MINIMAL + "lanes = 2.0\n", r"lanes=2\.0 is out of range: give a whole number"),
        (MINIMAL + "recurrent = 1\n", "recurrent=1 is neither true nor false"),
        (MINIMAL + "threshold = true\n", "threshold=True is out of range: give a positive number"),
        (MINIMAL + "threshold = inf\n", "threshold=inf is out of range"),
        (MINIMAL + "weight = 3\n", "weight: 3 is not a fixed-point format: write s<integer>"),
        (MINIMAL + 'weight = "s3"\n', "weight: 's3' is not a fixed-point format"),
        (MINIMAL + 'weight = "s0.0"\n', "weight: format s0.0 has no usable bits"),
        (MINIMAL + "reset = 0\n", "reset=0 is unknown: choose one of soft, soft now, zero"),
        ("inputs = ", "not a TOML document"),
        ("inputs = 3\ninputs = 3\n", "not a TOML document"),
    ],
)
def test_malformed_text(text, message, tmp_path):
    with pytest.raises(ConfigError, match=f"^{message}"):
        CoreConfig.from_toml(text)
    path = tmp_path / "core.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"core\.toml: " + message):
        CoreConfig.read(path)


def test_unreadable_file(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent.toml", tmp_path, tmp_path / "binary.toml"):
        with pytest.raises(ConfigError, match="cannot read configuration"):
            CoreConfig.read(path)


@pytest.mark.parametrize("spelling", ["soft now", "soft-now", "soft_now"])
def test_one_spelling_of_soft_now(spelling):
    config = CoreConfig(**CORE, reset=spelling)
    assert config.reset == "soft now"
    assert config == CoreConfig.from_toml(MINIMAL + f'reset = "{spelling}"\n')
    assert 'reset = "soft now"\n' in config.to_toml()
    assert CoreConfig.from_toml(config.to_toml()).digest == config.digest != CoreConfig(**CORE).digest


@pytest.mark.parametrize("spelling", ["softnow", "Soft now", "soft  now", "soft now ", "-soft"])
def test_other_spellings_are_refused(spelling):
    with pytest.raises(ConfigError, match="is unknown: choose one of soft, soft now, zero"):
        CoreConfig(**CORE, reset=spelling)


def test_minimal_text_means_the_defaults():
    assert CoreConfig.from_toml(MINIMAL) == CoreConfig(**CORE)


OTHER = {
    "inputs": 4,
    "neurons": 6,
    "outputs": 3,
    "recurrent": True,
    "max_delay": 29,
    "delays": "axonal",
    "lanes": 2,
    "memory": "single",
    "learning": False,
    "feedback": "random",
    "reset": "zero",
    "synapse": "exponential",
    "dormant": True,
    "prediction": "readout",
    "threshold": 2.0,
    "surrogate_width": 2.0,
    "kernel_radius": 2,
    "kernel_sigma": 2.0,
    "weight": Q("s3.11"),
    "potential": Q("s6.12"),
    "decay": Q("u0.11"),
    "trace": Q("u3.8"),
    "surrogate": Q("u0.7"),
    "error": Q("s1.11"),
    "signal": Q("s4.12"),
    "step_weight": Q("s0.16"),
    "step_delay": Q("s3.13"),
    "step_readout": Q("s0.16"),
    "delay_fraction": 7,
}


def test_digest_differs_when_any_field_differs():
    config = CoreConfig(**CORE)
    assert set(OTHER) == {f.name for f in fields(CoreConfig)}
    digests = {config.digest} | {config.replace(**{name: value}).digest for name, value in OTHER.items()}
    assert len(digests) == 1 + len(OTHER)
    assert config.digest == CoreConfig(**CORE, threshold=1).digest


# -------------------------------------------------------------------- what the rules are for


def widest() -> CoreConfig:
    """The core with the largest products that the rules let through."""
    return CoreConfig(
        inputs=4096,
        neurons=4096,
        outputs=256,
        lanes=16,
        delay_fraction=12,
        max_delay=1022,
        weight=Q("s0.23"),
        potential=Q("s0.23"),
        threshold=0.5,
        decay=Q("u0.24"),
        trace=Q("u15.9"),
        surrogate=Q("u0.22"),
        error=Q("s9.14"),
        signal=Q("s23.0"),
        step_weight=Q("s0.23"),
        step_delay=Q("s4.19"),
        step_readout=Q("s0.23"),
    )


def test_no_product_overflows():
    c = widest()
    top = 1 << (WIDEST - 1)
    up = WIDEST - 1  # the most that `scale` shifts up: from no fraction bits to all
    products = {
        "leak": top << WIDEST,
        "learning signal": top * c.error.one * c.outputs,
        "m": top << WIDEST,
        "scale": top * 255 << up,
        "scale, rounding": 1 << (31 + up - 1),
        "weight change": top << WIDEST,
        "row credit": top * top * c.neurons,
        "delay change": top << WIDEST,
        "slope": sum(c.kernel) << WIDEST,
        "softmax exponent": 2 * top << 16,
        "softmax result": 1 << 33,
        "surrogate": top << WIDEST,
    }
    for name, product in products.items():
        assert product + (1 << 32) < 1 << 63, name


def test_every_shift_of_an_accepted_core_is_forward():
    rng = np.random.default_rng(0)
    accepted = refused = 0
    usual = CoreConfig(**CORE).formats()
    while accepted < 300:
        forms = {
            name: QFormat(usual[name].signed, int(rng.integers(0, 8)), int(rng.integers(1, 24)))
            for name in rng.choice(list(usual), 3, replace=False)
        }
        try:
            c = CoreConfig(**CORE, **forms, delay_fraction=int(rng.integers(1, 13)))
        except ConfigError:
            refused += 1
            continue
        accepted += 1
        assert c.potential.fraction >= c.weight.fraction
        assert c.weight.fraction + c.error.fraction >= c.signal.fraction
        assert c.surrogate_raw >= c.surrogate.one
        assert all(1 <= n <= 16 for n in (c.random_bits_weight, c.random_bits_delay, c.random_bits_readout))
        assert c.delay_fraction >= 1
        assert c.error.fraction <= 14
    print(accepted, "accepted,", refused, "refused")


HOSTILE_TEXT = {
    "nested": "inputs = " + "[" * 5000 + "]" * 5000,
    "nested half": "inputs = " + "[" * 5000,
    "tables": "[" + ".".join(["a"] * 5000) + "]",
    "dotted": "inputs" + ".a" * 5000 + " = 1\nneurons = 2\noutputs = 2",
    "inline": "inputs = " + "{a = " * 5000 + "1" + "}" * 5000,
    "digits": "inputs = " + "9" * 5000,
    "negative digits": "inputs = -" + "9" * 5000 + "\nneurons = 2\noutputs = 2",
    "hexadecimal": "inputs = 0x" + "f" * 5000 + "\nneurons = 2\noutputs = 2",
    "float": "threshold = " + "9" * 5000 + ".0\ninputs = 2\nneurons = 2\noutputs = 2",
    "format": 'inputs = 2\nneurons = 2\noutputs = 2\nweight = "s' + "9" * 5000 + '.3"',
    "name": "x" * 50_000 + " = 1",
    "quoted": '"' + "\\u00e9\\n" * 5000 + '" = 1',
    "long": "# " + "x" * 200_000,
    "date": "inputs = 1979-05-27T07:32:00Z\nneurons = 2\noutputs = 2",
    "not a number": "threshold = nan\ninputs = 2\nneurons = 2\noutputs = 2",
}


@pytest.mark.parametrize("what", HOSTILE_TEXT)
def test_hostile_text_is_one_short_line(what, tmp_path):
    path = tmp_path / "core.toml"
    path.write_text(HOSTILE_TEXT[what])
    for read, source in ((CoreConfig.from_toml, HOSTILE_TEXT[what]), (CoreConfig.read, path)):
        with pytest.raises(ConfigError) as caught:
            read(source)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700


def test_files_that_are_no_configuration(tmp_path):
    (tmp_path / "latin").write_bytes(b"# caf\xe9\n")
    for path, text in (
        (tmp_path / "latin", "not UTF-8 text"),
        ("/dev/zero", "at most"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigError, match=text):
            CoreConfig.read(path)


def test_text_is_utf8_whatever_the_terminal_is(tmp_path, monkeypatch):
    """And may have what an editor of another system leaves."""
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ascii")
    (tmp_path / "core.toml").write_bytes(("\ufeff# α, β\n" + preset("test").to_toml()).replace("\n", "\r\n").encode())
    assert CoreConfig.read(tmp_path / "core.toml") == preset("test")


@pytest.mark.parametrize(
    "values", [None, 3, [("inputs", 1)], "inputs = 1", {1: 2}, {"inputs": {}, "neurons": 1, "outputs": 2}]
)
def test_values_of_wrong_types(values):
    with pytest.raises(ConfigError):
        CoreConfig.from_dict(values)


@pytest.mark.parametrize("name", preset("test").to_dict())
@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"a"}, np.zeros(3), np.zeros((2, 2)), object(), 10**5000, 1j, b"s5.12", float("nan"), np.int8(-1)],
    ids=lambda value: type(value).__name__,
)
def test_every_field_of_a_wrong_type(name, value):
    with pytest.raises(ConfigError) as caught:
        CoreConfig.from_dict(preset("test").to_dict() | {name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_numbers_of_numpy_are_numbers():
    config = preset("test")
    same = config.replace(inputs=np.int32(5), threshold=np.float32(1), recurrent=np.True_, delays=np.str_("synaptic"))
    assert (same, same.to_toml(), same.digest) == (config, config.to_toml(), config.digest)
    assert {type(value) for value in same.to_dict().values()} == {int, float, bool, str}


@pytest.mark.parametrize("name", [3, None, [], {}, np.zeros(2), "x" * 10_000])
def test_presets_that_are_none(name):
    with pytest.raises(ConfigError, match="unknown preset") as caught:
        preset(name)
    assert len(str(caught.value)) < 300
