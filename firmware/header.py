"""The C header of the register table: ``python -m ranvier.firmware.header > firmware/ranvier_registers.h``."""

import sys
from collections.abc import Iterable, Iterator

from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import ADDRESS_BITS, INTERFACE_VERSION, MAGIC, AddressSpace, Register, word_address
from ranvier.parameters.config import CHOICES
from ranvier.parameters.record import COUNTERS

__all__ = ["NAME", "header"]

#: File name of the header.
NAME = "ranvier_registers.h"

_GUARD = "RANVIER_REGISTERS_H"
_WORD = 32


def header() -> str:
    """The whole text of `NAME`, for every core alike: what differs between cores is read from their registers.

    Per register a byte address ``RANVIER_REG_<REGISTER>``, and per field that is not the whole word
    ``RANVIER_<REGISTER>_<FIELD>_SHIFT`` and ``_MASK`` (in place); per window ``RANVIER_SPACE_<WINDOW>``, the byte address of
    its first column.
    """
    lines = [
        "/* Registers of a Ranvier core. Generated from hw/registers.py; do not edit.",
        " *",
        " * SPDX-License-Identifier: Apache-2.0",
        " */",
        f"#ifndef {_GUARD}",
        f"#define {_GUARD}",
        "",
        "/* Version of this table, and what tells a Ranvier core from anything else. */",
        *_table([("RANVIER_INTERFACE_VERSION", f"{INTERFACE_VERSION}u"), ("RANVIER_MAGIC", f"{MAGIC:#x}u")]),
        "",
        "/* Bytes of the address space. */",
        *_table([("RANVIER_SPAN", f"{1 << ADDRESS_BITS:#x}u")]),
        *_windows(),
        *_counters(),
        *_kinds("EVENT", "Kinds of an event", [(kind.name, kind.value) for kind in EventKind]),
        *_kinds("OUTPUT", "Kinds of an output", [(kind.name, kind.value) for kind in OutputKind]),
        *_kinds("DELAYS", "FEATURES.delays", [(name.upper(), n) for n, name in enumerate(CHOICES["delays"])]),
    ]
    for register in Register:
        lines += _register(register)
    lines += ["", f"#endif /* {_GUARD} */"]
    return "\n".join(lines) + "\n"


def _table(entries: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Definitions in columns: name, value, and what it is if there is a third."""
    for name, value, *text in entries:
        line = f"#define {name:<43} {value:<11}"
        yield f"{line} /* {text[0]} */" if text else line.rstrip()


def _windows() -> Iterator[str]:
    yield from (
        "",
        "/* Windows: byte address of the first column, a word each. REG_ROW chooses the row, if any. */",
    )
    for space in AddressSpace:
        if space is not AddressSpace.REGISTER:
            shown = f"{space.text}, by {space.column}; {space.access.value}"
            yield from _table([(f"RANVIER_SPACE_{space.name}", f"{word_address(space, 0) << 2:#07x}u", shown)])


def _counters() -> Iterator[str]:
    yield from ("", "/* Counters: how many, and which word from REG_COUNTER each is. */")
    yield from _table([("RANVIER_COUNTERS", f"{len(COUNTERS)}u")])
    yield from _table((f"RANVIER_COUNTER_{name.upper()}", f"{n}u") for n, name in enumerate(COUNTERS))


def _kinds(group: str, text: str, members: Iterable[tuple[str, int]]) -> Iterator[str]:
    yield from ("", f"/* {text}. */")
    yield from _table((f"RANVIER_{group}_{name}", f"{value}u") for name, value in members)


def _register(register: Register) -> Iterator[str]:
    yield from ("", f"/* {register.name}: {register.text} ({register.access.value}) */")
    whole = [field.text for field in register.fields if field.width == _WORD]
    yield from _table([(f"RANVIER_REG_{register.name}", f"{register.address:#07x}u", *whole)])
    for field in register.fields:
        name = f"RANVIER_{register.name}_{field.name.upper()}"
        if field.width < _WORD:
            yield from _table(
                [(f"{name}_SHIFT", f"{field.lsb}u", field.text), (f"{name}_MASK", f"{field.mask:#010x}u")]
            )


if __name__ == "__main__":
    sys.stdout.write(header())
