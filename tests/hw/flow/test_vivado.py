import re

from ranvier.hw.flow.vivado import PARTS, package
from ranvier.parameters.presets import preset


def test_the_script_reads_the_file_that_comes_with_it_and_names_its_top():
    config = preset("test")
    files = package(config, PARTS["arty-a7-35"], "1.2.3")
    assert set(files) == {"ranvier_axi.v", "package_ip.tcl"}
    script, verilog = files["package_ip.tcl"], files["ranvier_axi.v"]
    module = re.search(r"set_property top (\w+) ", script)[1]
    assert re.search(rf"^module {module} ?\(", verilog, re.M)
    assert f"{config.digest:#010x}" in script
    assert "xc7a35ticsg324-1L" in script
    assert "{" not in re.sub(r"\{[^{}]*\}", "", script)  # braces are balanced
    for port in ("s_axi_awaddr", "s_axis_tdata", "m_axis_tdata", "aclk", "aresetn", "irq"):
        assert re.search(rf"\b{port}\b", verilog)
