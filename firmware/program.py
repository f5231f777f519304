"""From C to the words in the RAM of the system on a chip, with the RISC-V compiler of the machine."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ranvier.hw.bus.soc import Region

__all__ = ["EXAMPLES", "ProgramError", "compile_program"]

HERE = Path(__file__).parent
#: Programs, and what they share: start-up code, linker script, printing.
EXAMPLES = HERE / "examples"

_TOOLS = "riscv64-unknown-elf-"
_FLAGS = ["-march=rv32i", "-mabi=ilp32", "-std=c99", "-O2", "-ffreestanding", "-nostdlib", "-nostartfiles"]
_WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


class ProgramError(RuntimeError):
    """The compiler is missing, or it failed."""


def compile_program(name: str, ram: int) -> list[int]:
    """Words of a program of `EXAMPLES`, linked with the driver.

    Parameters
    ----------
    name : str
        Its file without ``.c``.
    ram : int
        Bytes of RAM: for code, data and stack.

    Raises
    ------
    ProgramError
        If there is no compiler, or the program does not compile or fit.
    """
    if shutil.which(f"{_TOOLS}gcc") is None:
        raise ProgramError("no RISC-V compiler: install gcc-riscv64-unknown-elf (Debian and Ubuntu)")
    sources = [EXAMPLES / "start.S", EXAMPLES / f"{name}.c", EXAMPLES / "board.c", HERE / "ranvier.c"]
    places = [f"-DSERIAL_BASE={Region.SERIAL.base:#x}u", f"-DCORE_BASE={Region.CORE.base:#x}u"]
    link = [f"-Wl,--defsym=RAM_BYTES={ram}", f"-T{EXAMPLES / 'link.ld'}"]
    with tempfile.TemporaryDirectory() as folder:
        program, image = Path(folder) / "program.elf", Path(folder) / "program.bin"
        compiler = [f"{_TOOLS}gcc", *_FLAGS, *_WARNINGS, *places, f"-I{HERE}"]
        _run([*compiler, *map(str, sources), *link, "-lgcc", "-o", str(program)])
        _run([f"{_TOOLS}objcopy", "-O", "binary", str(program), str(image)])
        content = image.read_bytes()
    return np.frombuffer(content + bytes(-len(content) % 4), "<u4").tolist()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise ProgramError(f"{command[0]} failed:\n{done.stderr[-3000:]}")
