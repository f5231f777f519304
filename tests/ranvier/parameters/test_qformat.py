import numpy as np
import pytest

from ranvier.parameters.qformat import QFormat


@pytest.mark.parametrize(
    ("text", "width", "least", "most", "one"),
    [
        ("s5.12", 18, -(2**17), 2**17 - 1, 4096),
        ("u4.8", 12, 0, 4095, 256),
        ("u0.8", 8, 0, 255, 256),
        ("s0.1", 2, -2, 1, 2),
        ("s3.0", 4, -8, 7, 1),
        ("u1.0", 1, 0, 1, 1),
    ],
)
def test_limits(text, width, least, most, one):
    form = QFormat.parse(text)
    assert (str(form), form.width, form.min, form.max, form.one) == (text, width, least, most, one)


@pytest.mark.parametrize("text", ["", "5.12", "q5.12", "s5", "s5.", "s.5", "s-1.2", "s5.12 ", "s9999.1", 5.12, None])
def test_parse_refuses(text):
    with pytest.raises(ValueError, match=r"is not a fixed-point format: write s<integer>\.<fraction>"):
        QFormat.parse(text)


@pytest.mark.parametrize(
    "parts", [(True, 0, 0), (False, -1, 4), (True, 3, -1), (True, 3.0, 2), (1, 3, 2), (True, 3, True)]
)
def test_refuses(parts):
    with pytest.raises(ValueError, match="format"):
        QFormat(*parts)


def test_quantise_rounds_ties_to_even_and_saturates():
    real = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 1e9, -1e9, np.inf, -np.inf]
    np.testing.assert_array_equal(QFormat(True, 2, 0).quantise(real), [0, 2, 2, 0, -2, 0, 3, -4, 3, -4])
    np.testing.assert_array_equal(QFormat(False, 0, 2).quantise([-0.25, 0.3, 0.75, 1.0]), [0, 1, 3, 3])


def test_to_float_inverts_quantise():
    form = QFormat(True, 3, 4)
    raw = np.arange(form.min, form.max + 1)
    np.testing.assert_array_equal(form.quantise(form.to_float(raw)), raw)


@pytest.mark.parametrize(
    "text", ["s" + "9" * 5000 + ".1", "s999.999", "s40.23", "s\u0665.\u0661", "s1.1\n", 5, None, ["s5.12"]]
)
def test_absurd_texts_are_refused_in_a_short_line(text):
    with pytest.raises(ValueError, match="format") as caught:
        QFormat.parse(text)
    assert len(str(caught.value)) < 200


def test_the_widest_format_holds_its_limits():
    form = QFormat(True, 40, 22)
    assert form.quantise([-1e30, 1e30]).tolist() == [form.min, form.max]
    with pytest.raises(ValueError, match="too wide: give at most 62"):
        QFormat(True, 10**5000, 1)
