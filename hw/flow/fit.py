"""Whether a core fits a board, and the largest core of its kind that does."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from amaranth.hdl import Fragment, Shape
from amaranth.lib.memory import Memory

from ranvier.hw.bus.axi import AxiPeripheral
from ranvier.hw.core import Core
from ranvier.hw.flow.bitstream import board_resources
from ranvier.hw.flow.board import Board, OpenBoard
from ranvier.hw.flow.flat import Flat
from ranvier.hw.flow.fpga import Family, Resources
from ranvier.hw.flow.synthesis import synthesise
from ranvier.hw.row_memory import SINGLE_PORTED
from ranvier.parameters.config import LIMITS, CoreConfig

__all__ = ["Utilisation", "fit", "memory_blocks"]

MOST_NEURONS = LIMITS["neurons"][1]


def memory_blocks(config: CoreConfig, family: Family) -> tuple[int, int]:
    """(block RAMs, single-ported RAMs) for the memories of a core, from their shapes alone.

    Exact for tools that map each memory separately and to its cheapest shape, as Yosys does. The core is elaborated but not
    synthesised, which takes a tenth of the time.
    """
    words, bits = family.smallest
    block = single = 0
    for memory in _memories(Fragment.get(Core(config), None)):
        depth, width = memory.depth, Shape.cast(memory.shape).width
        if family.single_port_ram and memory.attrs.items() >= SINGLE_PORTED.items():
            single += _blocks(depth, width, (family.single_port_ram,))
        elif depth >= words and depth * width >= bits:
            block += _blocks(depth, width, family.block_ram)
    return block, single


def _memories(fragment: Fragment) -> Iterator[Memory]:
    """All memories of an elaborated design."""
    yield from (origin for origin in fragment.origins or () if isinstance(origin, Memory))
    for inner, *_ in fragment.subfragments:
        yield from _memories(inner)


def _blocks(depth: int, width: int, shapes: tuple[tuple[int, int], ...]) -> int:
    return min(ceil(depth / words) * ceil(width / bits) for words, bits in shapes)


@dataclass(frozen=True)
class Utilisation:
    """Utilisation of a board's FPGA by a core.

    Parameters
    ----------
    needed, available : Resources
        Resources of the core and its interface before place and route, and those of the FPGA.
    lacking : tuple of str
        Resources that do not suffice; empty if the core fits.
    largest : int or None
        Most neurons for which the memories of such a core fit; None if other resources do not suffice, or if the memory
        mapping of the board's tools is unknown.
    """

    needed: Resources
    available: Resources
    lacking: tuple[str, ...]
    largest: int | None

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"fits": not self.lacking}

    def lines(self, config: CoreConfig) -> list[str]:
        """A line for each resource, whether `config` fits, and the largest core that would."""
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


def fit(board: Board, config: CoreConfig) -> Utilisation:
    """Synthesise `config` for `board` and compare; `ToolError` if Yosys is missing or fails.

    For boards of Vivado this is the core behind AXI as Yosys maps it, not Vivado.
    """
    family, available = board.fpga.family, board.fpga.available
    if isinstance(board, OpenBoard):
        needed = board_resources(board, config)
    else:
        needed = synthesise(Flat(AxiPeripheral(config)), family.name)
    lacking = _lacking(needed, available)
    only_memories = set(lacking) <= {"block_rams", "single_port_rams"}
    largest = _largest(config, family, needed, available) if family.block_ram and only_memories else None
    return Utilisation(needed, available, lacking, largest)


def _lacking(needed: Resources, available: Resources) -> tuple[str, ...]:
    have, need = asdict(available), asdict(needed)
    return tuple(name for name, there in have.items() if there is not None and need[name] > there)


def _largest(config: CoreConfig, family: Family, needed: Resources, available: Resources) -> int | None:
    """Most neurons whose memories fit beside the others."""
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
