"""The C header: what is checked in is what the register table says, and what a C compiler makes of it."""

import re

from native import FIRMWARE, STRICT, run, tool

from ranvier.firmware.header import NAME, header
from ranvier.hw.events import EventKind
from ranvier.hw.registers import COLUMN_BITS, INTERFACE_VERSION, AddressSpace, Register
from ranvier.parameters.record import COUNTERS


def test_the_checked_in_header_is_up_to_date():
    hint = f"run `python -m ranvier.firmware.header > firmware/{NAME}`"
    assert (FIRMWARE / NAME).read_text() == header(), hint


def expected() -> dict[str, int]:
    """Every number that a driver needs, straight from the table."""
    values = {"INTERFACE_VERSION": INTERFACE_VERSION, "COUNTERS": len(COUNTERS)}
    values |= {f"EVENT_{kind.name}": kind.value for kind in EventKind}
    values |= {f"COUNTER_{name.upper()}": n for n, name in enumerate(COUNTERS)}
    values |= {f"SPACE_{space.name}": space.value << COLUMN_BITS + 2 for space in AddressSpace if space.value}
    for register in Register:
        values[f"REG_{register.name}"] = 4 * register.value
        for field in register.fields:
            if field.width < 32:
                values[f"{register.name}_{field.name.upper()}_SHIFT"] = field.lsb
                values[f"{register.name}_{field.name.upper()}_MASK"] = (2**field.width - 1) * 2**field.lsb
    return values


def test_a_compiler_reads_the_numbers_of_the_table(tmp_path):
    values = expected()
    prints = "\n".join(f'printf("{name} %lu\\n", (unsigned long)RANVIER_{name});' for name in values)
    source = tmp_path / "print.c"
    source.write_text(f'#include <stdio.h>\n#include "{NAME}"\nint main(void) {{\n{prints}\nreturn 0;\n}}\n')
    run([tool("gcc"), *STRICT, f"-I{FIRMWARE}", str(source), "-o", str(tmp_path / "print")])
    lines = run([str(tmp_path / "print")]).splitlines()
    assert {name: int(value) for name, value in map(str.split, lines)} == values
    assert len(values) > 120


def test_no_name_is_defined_twice():
    names = re.findall(r"#define (\w+)", header())
    assert len(set(names)) == len(names) > 120
