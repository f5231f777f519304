"""The register table in the formats of other tools and for people: Markdown, CMSIS-SVD, SystemRDL and LiteX' csr.csv.

All four describe the same core: registers with their fields, and its windows. Addresses are byte addresses, relative to the
base address of the core.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ranvier.hw.registers import (
    ADDRESS_BITS,
    COLUMN_BITS,
    INTERFACE_VERSION,
    AccessRight,
    AddressSpace,
    Field,
    Owner,
    Register,
    constants,
    word_address,
)
from ranvier.parameters.config import CoreConfig

__all__ = ["FORMATS", "Window", "Word", "litex_csv", "markdown", "svd", "system_rdl", "windows", "words"]

_NAME = "ranvier"
_WORD_BYTES = 4


@dataclass(frozen=True)
class Word:
    """A register word by name; `reset` is its value after reset, None where that is not fixed."""

    name: str
    address: int
    register: Register
    reset: int | None


@dataclass(frozen=True)
class Window:
    """A window of a core; `columns` words from `address` show one of `rows` rows."""

    name: str
    address: int
    space: AddressSpace
    rows: int
    columns: int

    @property
    def size(self) -> int:
        """Bytes."""
        return _WORD_BYTES * self.columns


def words(config: CoreConfig) -> Iterator[Word]:
    """All register words of a core, in order of address; an array has one for each element."""
    shown = constants(config)
    for register in Register:
        stored = register.access in (AccessRight.RW, AccessRight.W1C)
        reset = shown.get(register, register.reset if stored else None)
        for n, element in enumerate(register.elements or [""]):
            name = f"{register.name}_{element.upper()}" if element else register.name
            yield Word(name, register.address + _WORD_BYTES * n, register, reset)


def windows(config: CoreConfig) -> Iterator[Window]:
    """The windows that a core has, in order of address."""
    for space in AddressSpace:
        if space is not AddressSpace.REGISTER and space.exists(config):
            yield Window(space.name, word_address(space, 0) << 2, space, *space.extent(config))


# -------------------------------------------------------------------- Markdown

_INTRODUCTION = """\
# Registers

Generated from [`hw/registers.py`](../hw/registers.py) by `ranvier registers --format markdown`; do not edit. The same table
is available as CMSIS-SVD, SystemRDL and LiteX's `csr.csv` (`--format svd | systemrdl | csv`). This page shows a core of
{inputs} inputs, {neurons} neurons and {outputs} outputs; `--preset` or `--config` selects another. Addresses are the same in
every core.

## Addresses

A core takes {size} KiB. Words have 32 bits; addresses are byte addresses and multiples of 4.

| bits of the address | name | meaning |
|---|---|---|
| {space_bits} | space | 0: registers; others: windows |
| {column_bits} | column | register; or neuron, output or unit of the window |

## Refused accesses

Every access is answered. A refused access changes nothing; it is answered with a bus error (see
[interfaces.md](interfaces.md) for each bus), sets a bit of [ERROR](#error) and leaves its address in
[ERROR_ADDRESS](#error_address):

* an address that does not exist: no such register, or a column, row or window that this core lacks;
* a read of a write-only register, a write to a read-only register or window;
* a write of a part of a word (one of no byte at all is answered and does nothing);
* a value outside the range of its window;
* an event with a unit or class that this core lacks, or any event while CONTROL.loading is set;
* an access that has to wait for the core while the core waits for a consumer of its output stream.

Accesses to registers of the core and to windows are answered once all events before them have been handled: a read returns
the state after them, and a write takes effect on the events after it. A write of [EVENT](#event) waits while the queue is
full. All other accesses are answered at once, even while the core is busy.

"""


def markdown(config: CoreConfig) -> str:
    """The reference page: addresses, refused accesses, registers with their fields, windows."""
    c = config
    top = COLUMN_BITS + 2
    text = _INTRODUCTION.format(
        inputs=c.inputs,
        neurons=c.neurons,
        outputs=c.outputs,
        size=1 << (ADDRESS_BITS - 10),
        space_bits=_bits(top, ADDRESS_BITS - top),
        column_bits=_bits(2, COLUMN_BITS),
    )
    text += "## Windows\n\n"
    text += (
        "Where a window has rows, [ROW](#row) selects the one whose columns it shows. Values are raw\n"
        "integers in the given [format](arithmetic.md), sign-extended to 32 bits.\n\n"
    )
    text += _table("address", "name", "access", "rows", "columns", "format", "written", "what")
    for window in windows(config):
        space, rows = window.space, str(window.rows) if window.space.has_rows else "–"
        limits = "{} to {}".format(*space.limits(config)) if space.has_rows else "–"
        form = str(space.form(config))
        columns = f"{window.columns}: {space.column}"
        text += _row(_hex(window.address), window.name, space.access.value, rows, columns, form, limits, space.text)
    text += "\n## Registers\n\n"
    text += _table("address", "name", "access", "what")
    for register in Register:
        link = f"[{register.name}](#{register.name.lower()})"
        text += _row(_hex(register.address), link, register.access.value, register.text)
    for register in Register:
        text += _section(register, [word for word in words(config) if word.register is register])
    return text


def _section(register: Register, found: list[Word]) -> str:
    """Section of a register."""
    text = f"\n### {register.name}\n\n{register.text}\n\n"
    text += f"Address {_hex(register.address)}; {register.access.value}; {register.owner.value}.\n\n"
    if register.elements:
        text += _table("address", "name")
        text += "".join(_row(_hex(word.address), word.name) for word in found) + "\n"
    text += _table("bits", "field", "reset", "meaning")
    for field in register.fields:
        text += _row(_bits(field.lsb, field.width), field.name, _reset(found[0], field), field.text)
    return text


def _table(*columns: str) -> str:
    return _row(*columns) + "|" + "---|" * len(columns) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _bits(lsb: int, width: int) -> str:
    return f"{lsb + width - 1}:{lsb}" if width > 1 else str(lsb)


def _hex(value: int) -> str:
    return f"{value:#07x}"


def _reset(word: Word, field: Field) -> str:
    if word.reset is None:
        return "–"
    value = field.unpack(word.reset)
    return str(value) if value < 1000 else hex(value)


# -------------------------------------------------------------------- CMSIS-SVD

#: AccessRight of the table -> access in SVD, and its side effects of a read or a write.
_SVD: dict[AccessRight, tuple[str, dict[str, str]]] = {
    AccessRight.RO: ("read-only", {}),
    AccessRight.TAKE: ("read-only", {"readAction": "modify"}),
    AccessRight.RW: ("read-write", {}),
    AccessRight.WO: ("write-only", {}),
    AccessRight.W1C: ("read-write", {"modifiedWriteValues": "oneToClear"}),
    AccessRight.RESTART: ("read-write", {"modifiedWriteValues": "clear"}),
}


def svd(config: CoreConfig) -> str:
    """CMSIS-SVD 1.3 of a device with the core as its only peripheral, at address 0, for debuggers and svd2rust."""
    device = Element("device", schemaVersion="1.3")
    _add(device, name=_NAME, version=str(INTERFACE_VERSION), description=f"Ranvier core {config.digest:#010x}")
    _add(device, addressUnitBits="8", width="32", size="32", access="read-write", resetValue="0")
    peripheral = SubElement(SubElement(device, "peripherals"), "peripheral")
    _add(peripheral, name=_NAME.upper(), description="Spiking network that learns", baseAddress="0x0")
    _add(SubElement(peripheral, "addressBlock"), offset="0x0", size=hex(1 << ADDRESS_BITS), usage="registers")
    registers = SubElement(peripheral, "registers")
    for word in words(config):
        access, effects = _SVD[word.register.access]
        register = SubElement(registers, "register")
        _add(register, name=word.name, description=word.register.text, addressOffset=hex(word.address), access=access)
        _add(register, resetValue=hex(word.reset or 0), resetMask=hex(0 if word.reset is None else 0xFFFFFFFF))
        _add(register, **effects)
        fields = SubElement(register, "fields")
        for field in word.register.fields:
            described = SubElement(fields, "field")
            _add(described, name=field.name, description=field.text)
            _add(described, bitOffset=str(field.lsb), bitWidth=str(field.width))
    for window in windows(config):
        register = SubElement(registers, "register")
        _add(register, dim=str(window.columns), dimIncrement=str(_WORD_BYTES))
        _add(register, name=f"{window.name}[%s]", description=_describe(window, config))
        _add(register, addressOffset=hex(window.address), access=_SVD[window.space.access][0])
        _add(register, resetMask="0x0", dataType="int32_t")
    indent(device)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(device, encoding="unicode") + "\n"


def _add(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = text


def _describe(window: Window, config: CoreConfig) -> str:
    return f"{window.space.text}; one for each {window.space.column}, format {window.space.form(config)}"


# -------------------------------------------------------------------- SystemRDL

#: AccessRight of the table -> properties of a field.
_RDL = {
    AccessRight.RO: "sw = r; hw = w;",
    AccessRight.TAKE: "sw = r; onread = ruser; hw = w;",
    AccessRight.RW: "sw = rw; hw = r;",
    AccessRight.WO: "sw = w; hw = r;",
    AccessRight.W1C: "sw = rw; onwrite = woclr; hw = w;",
    AccessRight.RESTART: "sw = rw; onwrite = wclr; hw = w;",
}


def system_rdl(config: CoreConfig) -> str:
    """SystemRDL 2.0: an address map with a register for each word and a memory for each window.

    All are external: the description is not meant to generate them.
    """
    lines = [f"addrmap {_NAME} {{", f'    name = "Ranvier core {config.digest:#010x}";']
    for word in words(config):
        lines += ["    external reg {", f'        desc = "{_quoted(word.register.text)}";']
        lines += [f"        {line}" for line in _rdl_fields(word)]
        lines += [f"    }} {word.name} @ {word.address:#x};"]
    for window in windows(config):
        access = "rw" if window.space.access == AccessRight.RW else "r"
        lines += [
            f'    external mem {{ desc = "{_quoted(_describe(window, config))}"; mementries = {window.columns}; '
            f"memwidth = 32; sw = {access}; }} {window.name} @ {window.address:#x};"
        ]
    return "\n".join([*lines, "};"]) + "\n"


def _rdl_fields(word: Word) -> Iterator[str]:
    properties = "sw = r; hw = na;" if word.register.owner == Owner.CONSTANT else _RDL[word.register.access]
    for field in word.register.fields:
        reset = "" if word.reset is None else f" = {field.width}'h{field.unpack(word.reset):x}"
        place = f"[{field.lsb + field.width - 1}:{field.lsb}]"
        yield f'field {{ desc = "{_quoted(field.text)}"; {properties} }} \\{field.name} {place}{reset};'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# -------------------------------------------------------------------- LiteX

#: AccessRight of the table -> access for LiteX' host tools.
_LITEX = {AccessRight.RO: "ro", AccessRight.TAKE: "ro", AccessRight.WO: "wo"}


def litex_csv(config: CoreConfig) -> str:
    """A csr.csv for LiteX' `RemoteClient`: registers as ``regs.ranvier_id``, windows as ``mems.ranvier_weight``."""
    lines = [("csr_base", _NAME, _hex(0), "", "")]
    for word in words(config):
        mode = _LITEX.get(word.register.access, "rw")
        lines += [("csr_register", f"{_NAME}_{word.name.lower()}", _hex(word.address), "1", mode)]
    settings: Iterable[tuple[str, int]] = [("csr_data_width", 32), ("bus_address_width", 32), ("bus_data_width", 32)]
    lines += [("constant", f"config_{name}", str(value), "", "") for name, value in settings]
    for window in windows(config):
        lines += [("memory_region", f"{_NAME}_{window.name.lower()}", _hex(window.address), str(window.size), "io")]
    return "".join(",".join(line) + "\n" for line in lines)


#: Name of a format -> function that writes it.
FORMATS: dict[str, Callable[[CoreConfig], str]] = {
    "markdown": markdown,
    "svd": svd,
    "systemrdl": system_rdl,
    "csv": litex_csv,
}
