"""Whether a core fits a board, and how large it could be there."""

import re
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from amaranth.back import rtlil

from ranvier.hw.bus.axi import AxiPeripheral
from ranvier.hw.core import Core
from ranvier.hw.flow.board import Board, netlist_of
from ranvier.hw.flow.flat import Flat
from ranvier.hw.flow.place import DEVICES
from ranvier.hw.flow.synthesis import Resources, synthesise
from ranvier.hw.row_memory import SINGLE_PORTED
from ranvier.parameters.config import LIMITS, CoreConfig

__all__ = ["Fit", "fit", "fit_part", "memory_blocks"]

#: What a device has, in the units of `ranvier.hw.flow.synthesis.FAMILIES`.
CAPACITIES = {
    **dict.fromkeys(("12k", "25k"), Resources(24_288, 24_288, 56, 28, None, None)),
    "45k": Resources(43_848, 43_848, 108, 72, None, None),
    "85k": Resources(83_640, 83_640, 208, 156, None, None),
    "up5k": Resources(5_280, 5_280, 30, 8, None, 4),
    "xc7a35ticsg324-1L": Resources(20_800, 41_600, 100, 90, 6_400, None),
    "xc7a100tcsg324-1": Resources(63_400, 126_800, 270, 240, 19_008, None),
}

#: Depths and widths that a block RAM can take.
SHAPES = {
    "ecp5": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
    "ice40": ((2048, 2), (1024, 4), (512, 8), (256, 16)),
}
#: The shape of an SPRAM.
SPRAM = (16384, 16)

#: Memories of fewer words or bits go into LUTs.
SMALLEST = {"ecp5": (65, 1024), "ice40": (2, 512)}

MOST_NEURONS = LIMITS["neurons"][1]


def _blocks(depth: int, width: int, shapes: tuple[tuple[int, int], ...]) -> int:
    return min(ceil(depth / words) * ceil(width / bits) for words, bits in shapes)


def memory_blocks(config: CoreConfig, family: str) -> tuple[int, int]:
    """(block RAMs, SPRAMs) for the memories of a core, from their shapes alone.

    Exact where synthesis takes each memory by itself and the cheapest shape for it, as Yosys does.
    """
    text = rtlil.convert(Flat(Core(config)), name="core", emit_src=False)
    attribute = "".join(rf'attribute \\{name} "{value}"\s+' for name, value in SINGLE_PORTED.items())
    found = re.findall(rf"({attribute})?memory width (\d+) size (\d+) ", text)
    words, bits = SMALLEST[family]
    block = single = 0
    for huge, width, depth in ((huge, int(width), int(depth)) for huge, width, depth in found):
        if huge and family == "ice40":
            single += _blocks(depth, width, (SPRAM,))
        elif depth >= words and depth * width >= bits:
            block += _blocks(depth, width, SHAPES[family])
    return block, single


@dataclass(frozen=True)
class Fit:
    """Outcome of `fit`.

    Parameters
    ----------
    needed, available : Resources
        What the core takes behind what connects it there, before place and route; what the board has.
    lacking : tuple of str
        Resources of which there are not enough; empty if it fits.
    largest : int or None
        Most neurons that such a core could have there, by its memories; None if it lacks anything else, or if nobody knows
        how the board's tools map memories.
    """

    needed: Resources
    available: Resources
    lacking: tuple[str, ...]
    largest: int | None

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"fits": not self.lacking}

    def text(self, config: CoreConfig) -> list[str]:
        """In lines."""
        needed, available = asdict(self.needed), asdict(self.available)
        rows = [(name, count, available[name]) for name, count in needed.items() if available[name] is not None]
        lines = [f"  {name.replace('_', ' '):<18} {count:>8,} of {there:,}" for name, count, there in rows]
        if self.lacking:
            lines.append(f"does not fit: not enough {', '.join(name.replace('_', ' ') for name in self.lacking)}")
        else:
            lines.append("fits")
        if self.lacking and self.largest is None:
            lines.append("choose fewer lanes, narrower formats, or learning=false")
        elif self.largest is not None:
            lines.append(f"largest of its kind: {self.largest} neurons (this one has {config.neurons})")
        return lines


def fit(board: Board, config: CoreConfig) -> Fit:
    """Synthesise `config` for `board` and compare; `ToolError` if Yosys is missing or fails."""
    family, available = DEVICES[board.device], CAPACITIES[board.device]
    needed = netlist_of(board, config)
    lacking = _lacking(needed, available)
    memories = {"block_rams", "single_port_rams"}
    largest = None if set(lacking) - memories else _largest(config, family, needed, available)
    return Fit(needed, available, lacking, largest)


def fit_part(part: str, config: CoreConfig) -> Fit:
    """The same for a part of `ranvier.hw.flow.vivado.PARTS` and the core behind AXI, as Yosys maps it, not Vivado."""
    needed, available = synthesise(Flat(AxiPeripheral(config)), "xc7"), CAPACITIES[part]
    return Fit(needed, available, _lacking(needed, available), None)


def _lacking(needed: Resources, available: Resources) -> tuple[str, ...]:
    have, need = asdict(available), asdict(needed)
    return tuple(name for name, there in have.items() if there is not None and need[name] > there)


def _largest(config: CoreConfig, family: str, needed: Resources, available: Resources) -> int | None:
    """Most neurons whose memories fit into what the others leave."""
    others = needed.block_rams - memory_blocks(config, family)[0]

    def fits(neurons: int) -> bool:
        block, single = memory_blocks(config.replace(neurons=neurons), family)
        return block + others <= available.block_rams and single <= (available.single_port_rams or 0)

    least, most = 0, config.neurons  # fits, perhaps not
    while most <= MOST_NEURONS and fits(most):
        least, most = most, 2 * most
    most = min(most, MOST_NEURONS + 1)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return least or None
