"""Scenarios of every bus interface; run inside Verilator by `ranvier.sim.cocotb.session`."""

from ranvier.hw.registers import COLUMN_BITS, AccessRight, AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.sim.cocotb.host import WHOLE, BusAccess
from ranvier.sim.cocotb.interface_bench import InterfaceBench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


@scenario(NAMES)
async def random_accesses(bench: InterfaceBench) -> None:
    """Anything, anywhere, in batches of any length; then all that was written is still there."""
    await bench.load(lively_network(bench.config, bench.rng))
    for _ in range(40):
        await bench.do([bench.any_access() for _ in range(int(bench.rng.integers(1, 50)))])
    await bench.check_windows()
    assert bench.scoreboard.errors > 150, "hardly anything was refused"


@scenario(NAMES)
async def refused_accesses(bench: InterfaceBench) -> None:
    """Every access that must be refused is, is recorded, raises the interrupt, and changes nothing."""
    network = lively_network(bench.config, bench.rng)
    await bench.load(network)
    await bench.do([write(at(Register.INTERRUPT_ENABLE), Register.INTERRUPT_ENABLE.pack(error=1))])
    accesses = [refusals[n] for refusals in [_refusals(bench)] for n in bench.rng.permutation(len(refusals))]
    for access in accesses:
        clear = [write(at(register), 0xFFFFFFFF) for register in (Register.ERROR, Register.INTERRUPT_PENDING)]
        await bench.do(clear)
        assert not await bench.host.interrupted()
        errors = bench.scoreboard.errors
        await bench.do([access])
        assert bench.scoreboard.errors == errors + 1, f"{access} should be refused"
        recorded = not access.address % 4  # what lies between words, the interface refuses by itself
        assert await bench.host.interrupted() == recorded
        await bench.do([read(at(register)) for register in (Register.ERROR, Register.ERROR_ADDRESS, Register.CHECKSUM)])
    await bench.check_windows()
    assert bench.scoreboard.errors == len(accesses)


@scenario(NAMES)
async def resets(bench: InterfaceBench) -> None:
    """Reset on any clock of an access: no answer is left over, registers are cleared, a word is as before or after."""
    rng, limits, changed = bench.rng, AddressSpace.WEIGHT.limits(bench.config), 0
    await bench.load(lively_network(bench.config, rng))
    for n in range(60):
        row, column = int(rng.integers(bench.config.rows)), int(rng.integers(bench.config.neurons))
        cell, new = at(AddressSpace.WEIGHT, column), int(rng.integers(limits[0], limits[1] + 1))
        await bench.do([write(at(Register.ROW), row)])
        await bench.host.cut_off(write(cell, new) if n % 2 else read(cell), 1 + n // 2)
        bench.mirror.reset()
        await bench.do(
            [read(at(register)) for register in (Register.ROW, Register.CHECKSUM, Register.ERROR, Register.ID)]
        )
        await bench.do([write(at(Register.ROW), row)])
        ((held, _),) = await bench.host.transfer([read(cell)])
        before, written = int(bench.mirror.windows[AddressSpace.WEIGHT][row, column]), held == new & 0xFFFFFFFF
        bench.scoreboard.compare("word", (new if n % 2 and written else before) & 0xFFFFFFFF, held)
        if n % 2 and written:
            bench.mirror.windows[AddressSpace.WEIGHT][row, column] = new
            changed += new != before
    await bench.check_windows()
    assert 5 < changed < 30, f"{changed} of 30 writes were carried out"


def _refusals(bench: InterfaceBench) -> list[BusAccess]:
    """Each access that is refused whatever is stored, once; of ranges the first, the last and one in between."""
    config: CoreConfig = bench.config
    accesses = []
    for register in Register:
        for n in range(max(1, len(register.elements))):
            address = register.address + 4 * n
            if register.access == AccessRight.WO:
                accesses.append(read(address))
            if register.access in (AccessRight.RO, AccessRight.TAKE):
                accesses.append(write(address, 1))
    first, last = AddressSpace.REGISTER.extent(config)[1], (1 << COLUMN_BITS) - 1
    accesses += [
        access
        for n in (first, last)
        for access in (read(at(AddressSpace.REGISTER, n)), write(at(AddressSpace.REGISTER, n), 0))
    ]
    for register in (Register.MODE, Register.ROW):  # names of others, if the upper bits of an address were ignored
        aliases = [at(AddressSpace.REGISTER, register.value | 1 << n) for n in range(first.bit_length(), COLUMN_BITS)]
        accesses += [access for address in aliases for access in (read(address), write(address, 0))]
    for space in AddressSpace:
        rows, columns = space.extent(config)
        if space is AddressSpace.REGISTER:
            continue
        beyond = [columns if rows else 0, last, int(bench.rng.integers(columns, last))]
        accesses += [access for n in beyond for access in (read(at(space, n)), write(at(space, n), 0))]
        if not space.has_rows:
            accesses.append(write(at(space, 0), 0))
        elif space.exists(config):
            least, most = space.limits(config)
            accesses += [write(at(space, 0), value) for value in (least - 1, most + 1, 1 << 31)]
    for number in range(len(AddressSpace), 16):
        address = number << COLUMN_BITS << 2
        accesses += [read(address), write(address, 0), read(address | last << 2)]
    accesses += [BusAccess(True, at(Register.ROW), 1, strobe) for strobe in range(1, WHOLE)]
    if bench.host.between_words:
        accesses += [
            access for n in (1, 2, 3) for access in (read(at(Register.ROW) + n), write(at(Register.ROW) + n, 1))
        ]
    pack = Register.EVENT.pack
    accesses += [write(at(Register.EVENT), pack(kind=0, index=n)) for n in (config.inputs, 0xFFFF)]
    accesses += [write(at(Register.EVENT), pack(kind=1, index=n)) for n in (config.outputs, 0xFFFF)]
    return accesses
