"""Scenarios of the Wishbone interface alone: transfers that are given up."""

from ranvier.hw.events import EventKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.sim.cocotb.interface_testbench import InterfaceTestbench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network
from ranvier.sim.cocotb.wishbone import WishboneHost

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


@scenario(NAMES)
async def given_up(testbench: InterfaceTestbench) -> None:
    """Transfers taken back on every clock cycle, also of a busy core: never answered late, done as a whole or not at all."""
    host, rng, limits = testbench.host, testbench.rng, AddressSpace.WEIGHT.limits(testbench.config)
    assert isinstance(host, WishboneHost)
    await testbench.load(lively_network(testbench.config, rng))
    step = write(at(Register.EVENT), Register.EVENT.pack(kind=EventKind.STEP.value))
    in_time = carried_out = 0
    for n in range(320):
        row, column = int(rng.integers(testbench.config.rows)), int(rng.integers(testbench.config.neurons))
        busy = [step] * int(rng.integers(3))
        await testbench.do([write(at(Register.ROW), row), *busy])
        before, new = (
            int(testbench.mirror.windows[AddressSpace.WEIGHT][row, column]),
            int(rng.integers(limits[0], limits[1] + 1)),
        )
        access = write(at(AddressSpace.WEIGHT, column), new) if n % 2 else read(at(AddressSpace.WEIGHT, column))
        gone = await host.give_up(access, 1 + n // 2 % 40, int(rng.integers(20)), keep_cyc=bool(rng.integers(2)))
        ((held, error),) = await host.transfer([read(at(AddressSpace.WEIGHT, column))])
        written = access.write and held == access.data
        testbench.scoreboard.compare("word", (new if written else before) & 0xFFFFFFFF, held)
        assert not error
        assert gone or written or not access.write, "a write was answered and not carried out"
        if written:
            testbench.mirror.answer(access)
        in_time, carried_out = in_time + gone, carried_out + (gone and written)
        await testbench.do([read(at(Register.CHECKSUM)), read(at(Register.ID))])
    await testbench.check_windows()
    testbench.scoreboard.given_up += in_time
    print(f"{in_time} transfers given up in time, {carried_out} of them writes that were carried out all the same")
    assert min(host.cycles.values()) > 100, f"one manner was hardly tried: {host.cycles}"
    assert in_time > 50
    assert carried_out > 10
