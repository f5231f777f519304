"""For boards whose tools are Vivado: the Verilog of the core behind AXI, and a script that packages it as an IP block."""

from ranvier.hw.flow.verilog import module_name, write_verilog
from ranvier.parameters.config import CoreConfig

__all__ = ["package"]

_SCRIPT = """\
# Packages {module} ({digest:#010x}) as an IP block: vivado -mode batch -source package_ip.tcl
# Then add this folder to the IP repositories of a block design and connect s_axi, s_axis, m_axis, aclk, aresetn and irq.
set here [file normalize [file dirname [info script]]]
create_project -in_memory -part {part}
read_verilog [file join $here {module}.v]
set_property top {module} [current_fileset]
ipx::package_project -root_dir [file join $here ip] -vendor ranvier-snn -library ip -taxonomy /UserIP -import_files -force
set core [ipx::current_core]
set_property name ranvier $core
set_property display_name {{Ranvier: spiking network that learns delays}} $core
set_property version {version} $core
set_property supported_families {{artix7 Production kintex7 Production zynq Production}} $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
puts "packaged in [file join $here ip]"
"""


def package(config: CoreConfig, part: str, version: str) -> dict[str, str]:
    """File name -> content of the files that Vivado needs for a core on a part."""
    module = module_name("axi")
    script = _SCRIPT.format(module=module, digest=config.digest, part=part, version=version)
    return {f"{module}.v": write_verilog(config, "axi"), "package_ip.tcl": script}
