import pytest

from ranvier.hw.clock import ClockError, ECP5Clock, ICE40Clock, PinClock


@pytest.mark.parametrize("output", [25e6, 40e6, 50e6, 62.5e6, 75e6, 80e6, 90e6, 100e6])
def test_the_loop_of_an_ecp5_makes_the_frequency_within_its_limits(output):
    clock = ECP5Clock(25e6, output)
    assert 25e6 * clock.feedback / clock.reference == output
    assert 400e6 <= output * clock.divider <= 800e6
    assert 25e6 / clock.reference >= 3.125e6
    assert 1 <= clock.divider <= 128


@pytest.mark.parametrize("output", [12e6, 15e6, 24e6, 30e6, 48e6])
def test_the_loop_of_an_ice40_makes_the_frequency_within_its_limits(output):
    clock = ICE40Clock(12e6, output)
    oscillator = 12e6 * (clock.feedback + 1)
    assert oscillator / 2**clock.divider == output
    assert 533e6 <= oscillator <= 1066e6
    assert clock.feedback < 128
    assert 1 <= clock.divider <= 6


@pytest.mark.parametrize("clock", [ECP5Clock, ICE40Clock, PinClock])
def test_what_cannot_be_made_is_refused_with_a_way_out(clock):
    with pytest.raises(ClockError, match=r"clock=33.3333 MHz.*(nearest is 3[23]|use 12)"):
        clock(12e6, 33.3333e6)
