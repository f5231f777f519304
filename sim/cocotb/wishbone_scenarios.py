"""Scenarios of the Wishbone interface alone: transfers that are given up."""

from ranvier.hw.events import EventKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.sim.cocotb.interface_bench import InterfaceBench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network
from ranvier.sim.cocotb.wishbone import WishboneHost

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


@scenario(NAMES)
async def given_up(bench: InterfaceBench) -> None:
    """Transfers taken back on every clock, also of a busy core: never answered late, done as a whole or not at all."""
    host, rng, limits = bench.host, bench.rng, AddressSpace.WEIGHT.limits(bench.config)
    assert isinstance(host, WishboneHost)
    await bench.load(lively_network(bench.config, rng))
    step = write(at(Register.EVENT), Register.EVENT.pack(kind=EventKind.STEP.value))
    in_time = carried_out = 0
    for n in range(320):
        row, column = int(rng.integers(bench.config.rows)), int(rng.integers(bench.config.neurons))
        busy = [step] * int(rng.integers(3))
        await bench.do([write(at(Register.ROW), row), *busy])
        before, new = (
            int(bench.mirror.windows[AddressSpace.WEIGHT][row, column]),
            int(rng.integers(limits[0], limits[1] + 1)),
        )
        access = write(at(AddressSpace.WEIGHT, column), new) if n % 2 else read(at(AddressSpace.WEIGHT, column))
        gone = await host.give_up(access, 1 + n // 2 % 40, int(rng.integers(20)), keep_cyc=bool(rng.integers(2)))
        ((held, error),) = await host.transfer([read(at(AddressSpace.WEIGHT, column))])
        written = access.write and held == access.data
        bench.scoreboard.compare("word", (new if written else before) & 0xFFFFFFFF, held)
        assert not error
        assert gone or written or not access.write, "a write was answered and not carried out"
        if written:
            bench.mirror.answer(access)
        in_time, carried_out = in_time + gone, carried_out + (gone and written)
        await bench.do([read(at(Register.CHECKSUM)), read(at(Register.ID))])
    await bench.check_windows()
    bench.scoreboard.given_up += in_time
    print(f"{in_time} transfers given up in time, {carried_out} of them writes that were still carried out")
    assert min(host.cycles.values()) > 100, f"one manner was hardly tried: {host.cycles}"
    assert in_time > 50
    assert carried_out > 10
