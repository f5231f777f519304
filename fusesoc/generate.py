"""FuseSoC generator of Verilog, by ``ranvier verilog``."""

import sys
from pathlib import Path

from fusesoc.capi2.generator import Generator

from ranvier.cli import main
from ranvier.hw.flow.verilog import module_name


class Verilog(Generator):
    """A core file with one Verilog file.

    Its parameters are `preset`, or `config` with the path of a TOML file from the core file that asks, and `interface`
    (default core).
    """

    def run(self) -> None:
        """Write the Verilog next to the core file that lists it."""
        options = dict(self.config or {})
        if "face" in options:  # its name in core files written for 0.1
            options["interface"] = options.pop("face")
        if "config" in options:
            options["config"] = str(Path(self.files_root) / options["config"])
        name = module_name(options.get("interface", "core")) + ".v"
        arguments = [f"--{option}={value}" for option, value in options.items()]
        if code := main(["verilog", *arguments, "-o", name]):
            sys.exit(code)
        self.add_files([name], file_type="verilogSource")
        self.write()


Verilog().run()
