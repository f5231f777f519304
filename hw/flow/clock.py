"""The clock of a board's core, domain `sync`: from a pin, through the phase-locked loop (PLL) of the family."""

from amaranth.hdl import ClockSignal, Const, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from ranvier.errors import RanvierError

__all__ = ["PLLS", "ClockError", "ECP5Clock", "ICE40Clock"]


class ClockError(RanvierError, ValueError):
    """A frequency that cannot be made; the message names the nearest."""


class _Clock(Elaboratable):
    """Clock and reset of `sync` from a PLL; in reset until it has locked.

    Parameters
    ----------
    source, output : float
        Frequencies in Hz of the oscillator on the board and of the clock.
    port : IOPort
        Pin of the oscillator.

    Raises
    ------
    ClockError
        If the PLL cannot make exactly `output`.
    """

    def __init__(self, source: float, output: float, port):
        self.output, self.port, self.settings = output, port, self.choose(source, output)

    @classmethod
    def choose(cls, source: float, output: float) -> tuple[int, ...]:
        """Settings of the PLL that make exactly `output`."""
        possible = cls.possible(source)
        if output in possible:
            return possible[output]
        near = min(possible, key=lambda frequency: abs(frequency - output))
        raise ClockError(f"clock={output / 1e6:g} MHz cannot be made: the nearest is {near / 1e6:g} MHz")

    @staticmethod
    def possible(source: float) -> dict[float, tuple[int, ...]]:
        """Frequency -> settings that make it."""
        raise NotImplementedError

    def elaborate(self, platform):
        m = Module()
        clock, locked = Signal(name="clock"), Signal(name="locked")
        m.submodules.pll = self._pll(m, clock, locked)
        # Before the PLL has locked its clock may be too fast for the core, which could then start in any state.
        m.submodules.reset = ResetSynchronizer(~locked)
        m.d.comb += ClockSignal().eq(clock)
        platform.add_clock_constraint(clock, self.output)  # nextpnr does not derive it from the settings
        return m

    def _pll(self, m, clock, locked):
        """The primitive, which drives `clock` and `locked`."""
        raise NotImplementedError


class ECP5Clock(_Clock):
    """EHXPLLL of an ECP5: ``output = source * feedback / reference`` (Lattice FPGA-TN-02200).

    Its oscillator runs at ``output * divider``.
    """

    OSCILLATOR = 400e6, 800e6
    SLOWEST_REFERENCE = 3.125e6

    @staticmethod
    def possible(source):
        """Frequency -> (reference, feedback, divider)."""
        least, most = ECP5Clock.OSCILLATOR
        settings: dict[float, tuple[int, ...]] = {}
        for reference in range(1, int(source // ECP5Clock.SLOWEST_REFERENCE) + 1):
            for feedback in range(1, 81):
                made = source * feedback / reference
                dividers = [divider for divider in range(1, 129) if least <= made * divider <= most]
                if dividers:
                    # The middle keeps the oscillator far from both ends of its range.
                    settings.setdefault(made, (reference, feedback, dividers[len(dividers) // 2]))
        return settings

    def _pll(self, m, clock, locked):
        reference, feedback, divider = self.settings
        m.submodules.pin = pin = io.Buffer("i", self.port)
        return Instance(
            "EHXPLLL",
            p_CLKI_DIV=reference,
            p_CLKFB_DIV=feedback,
            p_CLKOP_DIV=divider,
            p_CLKOP_CPHASE=divider // 2,
            p_CLKOP_ENABLE="ENABLED",
            p_FEEDBK_PATH="CLKOP",
            p_OUTDIVIDER_MUXA="DIVA",
            i_CLKI=pin.i,
            i_CLKFB=clock,
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=clock,
            o_LOCK=locked,
        )


class ICE40Clock(_Clock):
    """SB_PLL40_PAD of an iCE40, on its own pin (Lattice FPGA-TN-02052).

    ``output = source * (feedback + 1) / 2**divider``
    """

    OSCILLATOR = 533e6, 1066e6
    FILTER = 1  # for a source of 10 to 20 MHz, as on all boards so far

    @staticmethod
    def possible(source):
        """Frequency -> (feedback, divider)."""
        least, most = ICE40Clock.OSCILLATOR
        settings: dict[float, tuple[int, ...]] = {}
        for feedback in range(128):
            if least <= source * (feedback + 1) <= most:
                for divider in range(1, 7):
                    settings.setdefault(source * (feedback + 1) / 2**divider, (feedback, divider))
        return settings

    def _pll(self, m, clock, locked):
        feedback, divider = self.settings
        # This variant takes its pin itself, without an input buffer: its pad is wired to the PLL.
        return Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(0, 4),
            p_DIVF=Const(feedback, 7),
            p_DIVQ=Const(divider, 3),
            p_FILTER_RANGE=Const(self.FILTER, 3),
            i_PACKAGEPIN=self.port.io,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )


#: Family -> its clock generator.
PLLS = {"ecp5": ECP5Clock, "ice40": ICE40Clock}
