"""The clock of a board's core, domain `sync`: from a pin, through a phase-locked loop where the family has one."""

from dataclasses import dataclass

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import Component, In

__all__ = ["ClockError", "ECP5Clock", "ICE40Clock", "PinClock"]


class ClockError(ValueError):
    """A frequency that cannot be made; the message names the nearest."""


def _nearest(settings: dict[float, tuple[int, ...]], output: float) -> tuple[int, ...]:
    """The settings that give `output` Hz exactly."""
    if output in settings:
        return settings[output]
    near = min(settings, key=lambda frequency: abs(frequency - output))
    raise ClockError(f"clock={output / 1e6:g} MHz cannot be made: the nearest is {near / 1e6:g} MHz")


class PinClock(Component):
    """Clock and reset of `sync` straight from a pin; `STARTUP` clocks in reset.

    Attributes
    ----------
    pin : In(1)
        The oscillator.
    """

    STARTUP = 1 << 10

    def __init__(self, source: float, output: float):
        if source != output:
            raise ClockError(f"clock={output / 1e6:g} MHz: this board has no phase-locked loop, use {source / 1e6:g}")
        super().__init__({"pin": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.domains.boot = boot = ClockDomain(reset_less=True)
        waited = Signal(range(self.STARTUP + 1))
        m.d.comb += [ClockSignal().eq(self.pin), boot.clk.eq(self.pin)]
        with m.If(waited != self.STARTUP):
            m.d.boot += waited.eq(waited + 1)
        m.submodules.reset = ResetSynchronizer(waited != self.STARTUP)
        return m


@dataclass(frozen=True)
class _Loop:
    """Limits of a phase-locked loop, in Hz."""

    slowest: float
    fastest: float


class ECP5Clock(Component):
    """Clock and reset of `sync` on an ECP5 from its EHXPLLL; in reset until that has locked.

    ``output = source * feedback / reference``, with an oscillator at ``output * divider`` within 400 to 800 MHz (Lattice
    FPGA-TN-02200).

    Parameters
    ----------
    source, output : float
        Frequencies in Hz.

    Attributes
    ----------
    pin : In(1)
        The oscillator.

    Raises
    ------
    ClockError
        If the loop cannot make `output`.
    """

    OSCILLATOR = _Loop(400e6, 800e6)
    COMPARED = 3.125e6  # slowest reference that the phase detector compares

    def __init__(self, source: float, output: float):
        settings: dict[float, tuple[int, ...]] = {}
        for reference in range(1, int(source // self.COMPARED) + 1):
            for feedback in range(1, 81):
                made = source * feedback / reference
                dividers = [d for d in range(1, 129) if self.OSCILLATOR.slowest <= made * d <= self.OSCILLATOR.fastest]
                if dividers:
                    settings.setdefault(made, (reference, feedback, dividers[len(dividers) // 2]))
        self.reference, self.feedback, self.divider = _nearest(settings, output)
        self.output = output
        super().__init__({"pin": In(1)})

    def elaborate(self, platform):
        m = Module()
        clock = Signal()
        locked = Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            p_CLKI_DIV=self.reference,
            p_CLKFB_DIV=self.feedback,
            p_CLKOP_DIV=self.divider,
            p_CLKOP_CPHASE=self.divider // 2,
            p_CLKOP_ENABLE="ENABLED",
            p_FEEDBK_PATH="CLKOP",
            p_OUTDIVIDER_MUXA="DIVA",
            i_CLKI=self.pin,
            i_CLKFB=clock,
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=clock,
            o_LOCK=locked,
        )
        m.submodules.reset = ResetSynchronizer(~locked)
        m.d.comb += ClockSignal().eq(clock)
        if platform is not None:
            platform.add_clock_constraint(clock, self.output)
        return m


class ICE40Clock(Component):
    """Clock and reset of `sync` on an iCE40 from its SB_PLL40_CORE; in reset until that has locked.

    ``output = source * (feedback + 1) / 2**divider / (reference + 1)``, with an oscillator within 533 to 1,066 MHz (Lattice
    FPGA-TN-02052).

    Parameters
    ----------
    source, output : float
        Frequencies in Hz.

    Attributes
    ----------
    pin : In(1)
        The oscillator.

    Raises
    ------
    ClockError
        If the loop cannot make `output`.
    """

    OSCILLATOR = _Loop(533e6, 1066e6)
    FILTER = 1  # for the 10 to 20 MHz that the boards' oscillators have

    def __init__(self, source: float, output: float):
        settings: dict[float, tuple[int, ...]] = {}
        for feedback in range(128):
            oscillator = source * (feedback + 1)
            if self.OSCILLATOR.slowest <= oscillator <= self.OSCILLATOR.fastest:
                for divider in range(1, 7):
                    settings.setdefault(oscillator / 2**divider, (feedback, divider))
        self.feedback, self.divider = _nearest(settings, output)
        self.output = output
        super().__init__({"pin": In(1)})

    def elaborate(self, platform):
        m = Module()
        clock = Signal()
        locked = Signal()
        m.submodules.pll = Instance(
            "SB_PLL40_CORE",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(0, 4),
            p_DIVF=Const(self.feedback, 7),
            p_DIVQ=Const(self.divider, 3),
            p_FILTER_RANGE=Const(self.FILTER, 3),
            i_REFERENCECLK=self.pin,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )
        m.submodules.reset = ResetSynchronizer(~locked)
        m.d.comb += ClockSignal().eq(clock)
        if platform is not None:
            platform.add_clock_constraint(clock, self.output)
        return m
