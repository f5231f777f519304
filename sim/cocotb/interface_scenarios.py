"""Scenarios of every bus interface; run inside Verilator by `ranvier.sim.cocotb.session`."""

from ranvier.hw.registers import COLUMN_BITS, AccessRight, AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.sim.cocotb.host import WHOLE, BusAccess
from ranvier.sim.cocotb.interface_testbench import InterfaceTestbench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


@scenario(NAMES)
async def random_accesses(testbench: InterfaceTestbench) -> None:
    """Anything, anywhere, in batches of any length; then all that was written is still there."""
    await testbench.load(lively_network(testbench.config, testbench.rng))
    for _ in range(40):
        await testbench.do([testbench.any_access() for _ in range(int(testbench.rng.integers(1, 50)))])
    await testbench.check_windows()
    assert testbench.scoreboard.errors > 150, "hardly anything was refused"


@scenario(NAMES)
async def refused_accesses(testbench: InterfaceTestbench) -> None:
    """Every access that must be refused is, is recorded, raises the interrupt, and changes nothing."""
    network = lively_network(testbench.config, testbench.rng)
    await testbench.load(network)
    await testbench.do([write(at(Register.INTERRUPT_ENABLE), Register.INTERRUPT_ENABLE.pack(error=1))])
    accesses = [refusals[n] for refusals in [_refusals(testbench)] for n in testbench.rng.permutation(len(refusals))]
    for access in accesses:
        clear = [write(at(register), 0xFFFFFFFF) for register in (Register.ERROR, Register.INTERRUPT_PENDING)]
        await testbench.do(clear)
        assert not await testbench.host.interrupted()
        errors = testbench.scoreboard.errors
        await testbench.do([access])
        assert testbench.scoreboard.errors == errors + 1, f"{access} should be refused"
        recorded = not access.address % 4  # what lies between words, the interface refuses by itself
        assert await testbench.host.interrupted() == recorded
        await testbench.do(
            [read(at(register)) for register in (Register.ERROR, Register.ERROR_ADDRESS, Register.CHECKSUM)]
        )
    await testbench.check_windows()
    assert testbench.scoreboard.errors == len(accesses)


@scenario(NAMES)
async def resets(testbench: InterfaceTestbench) -> None:
    """Reset on any clock of an access: no answer is left over, registers are cleared, a word is as before or after."""
    rng, limits, changed = testbench.rng, AddressSpace.WEIGHT.limits(testbench.config), 0
    await testbench.load(lively_network(testbench.config, rng))
    for n in range(60):
        row, column = int(rng.integers(testbench.config.rows)), int(rng.integers(testbench.config.neurons))
        cell, new = at(AddressSpace.WEIGHT, column), int(rng.integers(limits[0], limits[1] + 1))
        await testbench.do([write(at(Register.ROW), row)])
        await testbench.host.cut_off(write(cell, new) if n % 2 else read(cell), 1 + n // 2)
        testbench.mirror.reset()
        await testbench.do(
            [read(at(register)) for register in (Register.ROW, Register.CHECKSUM, Register.ERROR, Register.ID)]
        )
        await testbench.do([write(at(Register.ROW), row)])
        ((held, _),) = await testbench.host.transfer([read(cell)])
        before, written = int(testbench.mirror.windows[AddressSpace.WEIGHT][row, column]), held == new & 0xFFFFFFFF
        testbench.scoreboard.compare("word", (new if n % 2 and written else before) & 0xFFFFFFFF, held)
        if n % 2 and written:
            testbench.mirror.windows[AddressSpace.WEIGHT][row, column] = new
            changed += new != before
    await testbench.check_windows()
    assert 5 < changed < 30, f"{changed} of 30 writes were carried out"


def _refusals(testbench: InterfaceTestbench) -> list[BusAccess]:
    """Each access that is refused whatever is stored, once; of ranges the first, the last and one in between."""
    config: CoreConfig = testbench.config
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
        beyond = [columns if rows else 0, last, int(testbench.rng.integers(columns, last))]
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
    if testbench.host.between_words:
        accesses += [
            access for n in (1, 2, 3) for access in (read(at(Register.ROW) + n), write(at(Register.ROW) + n, 1))
        ]
    pack = Register.EVENT.pack
    accesses += [write(at(Register.EVENT), pack(kind=0, index=n)) for n in (config.inputs, 0xFFFF)]
    accesses += [write(at(Register.EVENT), pack(kind=1, index=n)) for n in (config.outputs, 0xFFFF)]
    return accesses
