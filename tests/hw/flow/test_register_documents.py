"""The register table as other people's tools read it: the same names, addresses, access, fields and resets."""

import csv
import re
from pathlib import Path

import cmsis_svd
import pytest
from cmsis_svd.parser import SVDParser
from litex.tools.remote.csr_builder import CSRBuilder
from lxml import etree
from systemrdl import RDLCompiler
from systemrdl.node import MemNode, RegNode
from systemrdl.rdltypes import AccessType, OnReadType, OnWriteType

from ranvier.hw.flow.register_documents import litex_csv, markdown, svd, system_rdl, windows, words
from ranvier.hw.registers import AccessRight, AddressSpace, Register, constants
from ranvier.parameters.presets import PRESETS, preset

PAGE = Path(__file__).parents[3] / "docs" / "registers.md"
SCHEMA = Path(cmsis_svd.__file__).parent / "schemas" / "CMSIS-SVD_1_3_11.xsd"
#: Beside the presets, a core with every window.
CORES = {name: config for name, (_, config) in PRESETS.items()} | {
    "random feedback": preset("test").replace(feedback="random"),
    "inference": preset("test").replace(learning=False, delays="none"),
}


@pytest.fixture(params=CORES)
def config(request):
    return CORES[request.param]


def described(config):
    """What a document must say of each register word: access, reset, fields."""
    return {
        word.name: (
            word.address,
            word.register.access,
            word.reset,
            {field.name: (field.lsb, field.width, field.text) for field in word.register.fields},
        )
        for word in words(config)
    }


def shown(config):
    """What a document must say of each window."""
    return {w.name: (w.address, w.columns, w.space.access) for w in windows(config)}


def test_words_and_windows_are_those_of_the_table(config):
    rows = list(words(config))
    assert [word.address for word in rows] == [4 * n for n in range(AddressSpace.REGISTER.extent(config)[1])]
    assert {word.register for word in rows} == set(Register)
    assert len({word.name for word in rows}) == len(rows) > len(Register)
    assert {word.register: word.reset for word in rows}.items() >= constants(config).items()
    assert {w.space for w in windows(config)} == {s for s in AddressSpace if s.exists(config)} - {AddressSpace.REGISTER}


def test_every_window_of_the_table_is_in_some_core():
    assert {w.space for config in CORES.values() for w in windows(config)} == set(AddressSpace) - {
        AddressSpace.REGISTER
    }


def test_svd_is_valid(config):
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    schema.assertValid(etree.fromstring(svd(config).encode()))


def test_svd_says_what_the_table_says(config, tmp_path):
    path = tmp_path / "ranvier.svd"
    path.write_text(svd(config))
    (peripheral,) = SVDParser.for_xml_file(str(path)).get_device().peripherals
    arrays = [r for r in peripheral.registers if hasattr(r, "meta_register")]
    single = [r for r in peripheral.registers if r not in arrays]
    access = {  # of SVD: access, effect of a write, effect of a read
        AccessRight.RO: ("read-only", None, None),
        AccessRight.TAKE: ("read-only", None, "modify"),
        AccessRight.RW: ("read-write", None, None),
        AccessRight.WO: ("write-only", None, None),
        AccessRight.W1C: ("read-write", "oneToClear", None),
        AccessRight.RESTART: ("read-write", "clear", None),
    }
    meaning = {effects: kind for kind, effects in access.items()}
    assert {
        r.name: (
            peripheral.base_address + r.address_offset,
            meaning[tuple(e and e.value for e in (r.access, _written(r), r.read_action))],
            r.reset_value if r.reset_mask else None,
            {field.name: (field.bit_offset, field.bit_width, field.description) for field in r.fields},
        )
        for r in single
    } == described(config)
    found = {}
    for array in arrays:
        first, last = array.registers[0], array.registers[-1]
        columns = (last.address_offset - first.address_offset) // 4 + 1
        assert columns == len(array.registers)
        name = re.fullmatch(r"(\w+)\[0\]", first.name)[1]
        found[name] = (first.address_offset, columns, meaning[first.access.value, None, None])
    assert found == shown(config)


def _written(register):
    """The effect of a write, where the document names one: the parser fills in "modify"."""
    effect = register.modified_write_values
    return effect if effect and effect.value != "modify" else None


def test_systemrdl_says_what_the_table_says(config, tmp_path):
    path = tmp_path / "ranvier.rdl"
    path.write_text(system_rdl(config))
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    top = compiler.elaborate().top
    access = {  # of SystemRDL: software access, effect of a read, effect of a write
        (AccessType.r, None, None): AccessRight.RO,
        (AccessType.r, OnReadType.ruser, None): AccessRight.TAKE,
        (AccessType.rw, None, None): AccessRight.RW,
        (AccessType.w, None, None): AccessRight.WO,
        (AccessType.rw, None, OnWriteType.woclr): AccessRight.W1C,
        (AccessType.rw, None, OnWriteType.wclr): AccessRight.RESTART,
    }
    registers, memories = {}, {}
    for node in top.children():
        if isinstance(node, RegNode):
            fields = {f.inst_name: (f.low, f.width, f.get_property("desc")) for f in node.fields()}
            (kind,) = {tuple(map(f.get_property, ("sw", "onread", "onwrite"))) for f in node.fields()}
            resets = [f.get_property("reset") for f in node.fields()]
            reset = None if None in resets else sum(r << f.low for r, f in zip(resets, node.fields(), strict=True))
            registers[node.inst_name] = (node.absolute_address, access[kind], reset, fields)
        else:
            assert isinstance(node, MemNode)
            kind = access[node.get_property("sw"), None, None]
            assert node.get_property("memwidth") == 32
            memories[node.inst_name] = (node.absolute_address, node.get_property("mementries"), kind)
    assert registers == described(config)
    assert memories == shown(config)


class Bus:
    """What LiteX' host tools read from and write to."""

    def __init__(self):
        self.words = {}

    def read(self, address, length):
        return [self.words[address + 4 * n] for n in range(length)]

    def write(self, address, words):
        self.words |= {address + 4 * n: word for n, word in enumerate(words)}


def test_litex_finds_every_register_and_window(config, tmp_path):
    path, bus = tmp_path / "csr.csv", Bus()
    path.write_text(litex_csv(config))
    assert {len(row) for row in csv.reader(path.open())} == {5}
    builder = CSRBuilder(bus, str(path))
    for n, word in enumerate(words(config), 1):
        register = getattr(builder.regs, f"ranvier_{word.name.lower()}")
        access = word.register.access
        bus.words[word.address] = n
        if access == AccessRight.WO:
            with pytest.raises(KeyError, match="not readable"):
                register.read()
        else:
            assert register.read() == n
        if access in (AccessRight.RO, AccessRight.TAKE):
            with pytest.raises(KeyError, match="not writable"):
                register.write(0)
        else:
            register.write(n + 1)
            assert bus.words[word.address] == n + 1
    assert {name: (m.base, m.size // 4) for name, m in vars(builder.mems).items()} == {
        f"ranvier_{w.name.lower()}": (w.address, w.columns) for w in windows(config)
    }


def test_page_is_up_to_date():
    """Regenerate with ``ranvier registers --preset braille -o docs/registers.md``."""
    assert PAGE.read_text() == markdown(preset("braille"))


def test_page_names_everything():
    text = PAGE.read_text()
    for register in Register:
        section = text[text.index(f"### {register.name}\n") :].split("\n### ")[0]
        assert f"{register.address:#07x}" in section
        assert all(f"| {field.name} |" in section and field.text in section for field in register.fields)
    links = re.findall(r"\]\(#(\w+)\)", text)
    titles = {title.lower() for title in re.findall(r"^###? (\w+)$", text, re.M)}
    assert len(links) > len(Register)
    assert set(links) <= titles
    assert re.search(r"\| 0x08000 \| WEIGHT \| .* \| -32768 to 32767 \|", text)
