import pytest

from ranvier.hw.flow.clock import ClockError, ECP5Clock, ICE40Clock


@pytest.mark.parametrize("output", [25e6, 40e6, 50e6, 62.5e6, 75e6, 80e6, 90e6, 100e6])
def test_the_loop_of_an_ecp5_makes_the_frequency_within_its_limits(output):
    reference, feedback, divider = ECP5Clock.choose(25e6, output)
    assert 25e6 * feedback / reference == output
    assert 400e6 <= output * divider <= 800e6
    assert 25e6 / reference >= 3.125e6
    assert 1 <= divider <= 128


@pytest.mark.parametrize("output", [12e6, 15e6, 24e6, 30e6, 48e6])
def test_the_loop_of_an_ice40_makes_the_frequency_within_its_limits(output):
    feedback, divider = ICE40Clock.choose(12e6, output)
    oscillator = 12e6 * (feedback + 1)
    assert oscillator / 2**divider == output
    assert 533e6 <= oscillator <= 1066e6
    assert feedback < 128
    assert 1 <= divider <= 6


@pytest.mark.parametrize("clock", [ECP5Clock, ICE40Clock])
def test_what_cannot_be_made_is_refused_with_a_way_out(clock):
    with pytest.raises(ClockError, match=r"clock=33.3333 MHz cannot be made: the nearest is 3[23]"):
        clock.choose(12e6, 33.3333e6)
