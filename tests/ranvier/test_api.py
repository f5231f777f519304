"""The front door: the usage in its docstring runs, and every public name exists."""

import doctest

import ranvier


def test_usage_in_the_docstring() -> None:
    result = doctest.testmod(ranvier)
    assert result.attempted >= 9
    assert result.failed == 0


def test_public_names() -> None:
    assert len(set(ranvier.__all__)) == len(ranvier.__all__)
    assert all(hasattr(ranvier, name) for name in ranvier.__all__)
