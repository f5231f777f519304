import re

import pytest

from ranvier.hw.core import Core
from ranvier.hw.flow.verilog import INTERFACES, NAME, _fold_zeros, module_name, to_verilog, write_verilog
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_TABLE
from ranvier.sim import verilator

SMALL = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=2, lanes=2)
CONFIGS = {
    "learning": SMALL.replace(feedback="random", recurrent=True),
    "single port": SMALL.replace(memory="single", feedback="random"),
    "inference": SMALL.replace(learning=False, lanes=1, delays="none"),
}


@pytest.fixture(scope="module", params=CONFIGS)
def written(request):
    return CONFIGS[request.param], write_verilog(CONFIGS[request.param])


def ports(text, module=NAME):
    """Name -> (direction, bits) of the top module."""
    top = re.search(rf"^module {module}\(.*?^endmodule", text, re.M | re.S)[0]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.M)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_ports_are_the_streams_fields(written):
    config, text = written
    found = ports(text)
    inputs = "clk rst events_valid events_kind events_unit events_scored events_target outputs_ready request_valid "
    inputs += "request_write request_space request_row request_column request_data response_ready"
    outputs = "events_ready outputs_valid outputs_kind outputs_index outputs_value request_ready "
    outputs += "response_valid response_data response_error phase busy score_overflowed"
    directions = dict.fromkeys(inputs.split(), "input") | dict.fromkeys(outputs.split(), "output")
    assert {name: direction for name, (direction, _) in found.items()} == directions
    assert {name: bits for name, (_, bits) in found.items() if name.endswith(("data", "value"))} == dict.fromkeys(
        ("request_data", "response_data", "outputs_value"), 32
    )
    assert found["events_unit"][1] == max(1, (config.inputs - 1).bit_length())


def test_the_header_says_what_it_was_built_from(written):
    config, text = written
    header = [line.removeprefix("//") for line in text.splitlines() if line.startswith("//")]
    assert CoreConfig.from_toml("\n".join(line for line in header if re.match(r"   ?\w+ = ", line))) == config
    assert f"{config.digest:#010x}" in text
    assert all(register.name in text for register in Register)


def registers(text):
    """Declarations with an initial value, without the numbers that make names unique and what Yosys adds for itself."""
    found = re.findall(r"^  reg .*= .*;$", text, re.M)
    return sorted(re.sub(r"\$\d+", "", line) for line in found if "$auto$" not in line)


def test_without_reset_registers_start_from_the_same_values(written):
    config, text = written
    bare = to_verilog(Core(config), NAME, reset=False)
    assert not re.search(r"\brst\b", bare)
    assert {**ports(bare), "rst": ("input", 1)} == ports(text)
    assert registers(bare) == registers(text)
    assert len(registers(bare)) > 100


def test_it_is_verilog_2001(written, tmp_path):
    path = tmp_path / f"{NAME}.v"
    path.write_text(written[1])
    tool = str(verilator.root() / "bin" / "verilator_bin")
    verilator.run([tool, "--lint-only", "--language", "1364-2001", "-Wno-lint", "-Wno-style", str(path)])


def test_the_same_configuration_gives_the_same_text():
    inference = CONFIGS["inference"]
    assert write_verilog(inference) == write_verilog(inference)


def test_memories_are_cleared_in_a_loop_and_tables_are_kept(written):
    _, text = written
    assert not re.search(r"\[\d+\] = \d+'h0+;\n.*\[\d+\] = \d+'h0+;\n", text)
    assert len(re.findall(r"\[\d+\] = 16'h", text)) >= len(EXP_TABLE)


def test_single_ported_memories_power_up_undefined(written):
    config, text = written
    memories = re.findall(
        r"^(  \(\* .* \*\)\n)?  reg (?:\[\d+:0\] )?\S+ +\[\d+:0\];\n(  (?:integer|initial|reg).*)?", text, re.M
    )
    undefined = [attribute for attribute, content in memories if not content]
    assert len(memories) > 8
    assert len(undefined) == (4 if config.memory == "single" else 0)
    assert all('ram_style = "huge"' in attribute for attribute in undefined)
    assert text.count("ram_style") == len(undefined)


def test_folding_replaces_zeros_only():
    block = "  reg [7:0] m [2:0];\n  initial begin\n    m[0] = 8'h00;\n    m[1] = 8'h{};\n    m[2] = 8'h00;\n  end\n"
    assert _fold_zeros(block.format("01")) == block.format("01")
    folded = _fold_zeros(block.format("00"))
    assert "for (i_m = 0; i_m < 3; i_m = i_m + 1)\n      m[i_m] = 8'h00;" in folded
    assert "begin" not in folded


# -------------------------------------------------------------------- bus interfaces

#: Ports as the tools expect them: Vivado by UG994 and the AMBA names, LiteX by its wishbone.Interface.
EXPECTED = {
    "axi": {
        "input": "aclk aresetn s_axi_awaddr/19 s_axi_awprot/3 s_axi_awvalid s_axi_wdata/32 s_axi_wstrb/4 s_axi_wvalid "
        "s_axi_bready s_axi_araddr/19 s_axi_arprot/3 s_axi_arvalid s_axi_rready s_axis_tdata/32 s_axis_tvalid m_axis_tready",
        "output": "s_axi_awready s_axi_wready s_axi_bresp/2 s_axi_bvalid s_axi_arready s_axi_rdata/32 s_axi_rresp/2 "
        "s_axi_rvalid s_axis_tready m_axis_tdata/64 m_axis_tvalid m_axis_tlast irq",
    },
    "wishbone": {
        "input": "clk rst wb_adr/17 wb_dat_w/32 wb_sel/4 wb_cyc wb_stb wb_we wb_cti/3 wb_bte/2",
        "output": "wb_dat_r/32 wb_ack wb_err wb_stall irq",
    },
    "uart": {"input": "clk rst rx", "output": "tx alive"},
}


@pytest.fixture(scope="module", params=EXPECTED)
def on_bus(request):
    return request.param, write_verilog(SMALL, request.param)


def test_interfaces_have_the_ports_that_tools_expect(on_bus):
    interface, text = on_bus
    expected = {}
    for direction, names in EXPECTED[interface].items():
        for name, _, bits in (name.partition("/") for name in names.split()):
            expected[name] = (direction, int(bits or 1))
    assert ports(text, module_name(interface)) == expected


def test_interfaces_document_every_port_and_address(on_bus):
    interface, text = on_bus
    header = text[: text.index("/* Generated")]
    prefixes = {name.split("_")[0] for name in ports(text, module_name(interface))}
    assert all(re.search(rf"^// (.*[; ])?{prefix}(_\w*\*)?[ ,]", header, re.M) for prefix in prefixes), prefixes
    for register in Register:
        assert f"{register.address:#07x} {register.name} " in header
        assert all(f"] {field.name}: {field.text}" in header for field in register.fields)
    windows = re.findall(r"^//   (0x\w+) (\w+) +\d[\dx ]* read", header, re.M)
    assert [name for _, name in windows] == [
        s.name for s in AddressSpace if s.exists(SMALL) and s is not AddressSpace.REGISTER
    ]
    assert all(int(address, 16) == AddressSpace[name].value << 15 for address, name in windows)


def test_vivado_is_told_about_clock_reset_and_interrupt():
    text = write_verilog(SMALL, "axi")
    said = dict(
        re.findall(
            r'X_INTERFACE_INFO = "xilinx.com:signal:(\w+):1.0 \w+ \w+" \*\)\n.*\n  (?:input|output) (\w+);', text
        )
    )
    assert said == {"clock": "aclk", "reset": "aresetn", "interrupt": "irq"}
    for parameter in ("ASSOCIATED_BUSIF s_axi:s_axis:m_axis", "ASSOCIATED_RESET aresetn", "POLARITY ACTIVE_LOW"):
        assert parameter in text


def test_interfaces_are_verilog_2001(on_bus, tmp_path):
    interface, text = on_bus
    path = tmp_path / f"{module_name(interface)}.v"
    path.write_text(text)
    tool = str(verilator.root() / "bin" / "verilator_bin")
    verilator.run([tool, "--lint-only", "--language", "1364-2001", "-Wno-lint", "-Wno-style", str(path)])


def test_the_table_of_interfaces_is_complete():
    assert list(INTERFACES) == ["core", *EXPECTED]
