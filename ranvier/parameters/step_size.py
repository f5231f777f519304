"""Step sizes as the chip holds them."""

from dataclasses import dataclass

import numpy as np

from ranvier.errors import shown

__all__ = ["StepSize"]


@dataclass(frozen=True)
class StepSize:
    """Step size ``eta = mantissa * 2**-shift`` as the chip holds it; a mantissa of 0 freezes the parameter.

    Parameters
    ----------
    mantissa : int
        0 to 255.
    shift : int
        0 to 31.
    """

    mantissa: int = 0
    shift: int = 0

    def __post_init__(self) -> None:
        for name, most in (("mantissa", 255), ("shift", 31)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 0 <= value <= most:
                raise ValueError(
                    f"step size {shown(self.mantissa)} * 2**-{shown(self.shift)}: mantissa is a whole number to 255, shift "
                    "to 31"
                )
            object.__setattr__(self, name, int(value))  # integers of NumPy become those of Python

    @classmethod
    def of(cls, value: float) -> "StepSize":
        """The step size nearest to `value` (within 0.4 % from 1e-7 up); `ValueError` outside [0, 255]."""
        if (
            not isinstance(value, int | float | np.integer | np.floating)
            or isinstance(value, bool)
            or not 0 <= value <= 255
        ):
            raise ValueError(f"step size {shown(value)} is out of range: give 0 to 255")
        value = float(value)
        for shift in range(31, -1, -1):
            mantissa = round(value * 2**shift)
            if mantissa <= 255:
                return cls(mantissa, shift if mantissa else 0)
        raise AssertionError("unreachable: value <= 255 fits at shift 0")

    def __float__(self) -> float:
        return self.mantissa * 2.0**-self.shift
