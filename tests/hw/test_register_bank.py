import numpy as np
import pytest
from pysim import simulate

from ranvier.hw.register_bank import RegisterBank
from ranvier.hw.registers import AccessRight, Owner, Register, constants
from ranvier.parameters.config import CoreConfig

CONFIG = CoreConfig(inputs=3, neurons=5, outputs=2)


@pytest.fixture(params=[(Owner.CORE, "delta"), (Owner.CORE, "exponential"), (Owner.PERIPHERAL, "delta")], ids=str)
def bank(request):
    owner, synapse = request.param
    return RegisterBank(CONFIG.replace(synapse=synapse), (Owner.CONSTANT, owner))


def mask(register):
    return sum(field.mask for field in register.fields)


async def access(ctx, dut, index, data=None):
    """Value before the edge, after which a write (or a read that takes) has happened."""
    ctx.set(dut.index, index)
    ctx.set(dut.write, int(data is not None))
    ctx.set(dut.read, int(data is None))
    ctx.set(dut.data, data or 0)
    seen = {name: ctx.get(getattr(dut, name)) for name in ("value", "known", "readable", "writable")}
    await ctx.tick()
    ctx.set(dut.write, 0)
    ctx.set(dut.read, 0)
    return seen


def test_every_register_has_the_access_that_the_table_says(bank):
    rng, owned, compared = np.random.default_rng(1), bank.registers, 0
    shown_constants = constants(bank.config)
    owned_columns = {r.value + n for r in owned for n in range(max(1, len(r.elements)))}

    async def testbench(ctx):
        nonlocal compared
        for column in set(range(1 << len(bank.index))) - owned_columns:
            seen = await access(ctx, bank, column, 0xFFFFFFFF)
            assert not seen["known"]
            assert not seen["writable"]
        for register in owned:
            seen = await access(ctx, bank, register.value)
            assert seen["known"] == 1
            assert seen["readable"] == (register.access != AccessRight.WO)
            assert seen["writable"] == (
                register.access in (AccessRight.RW, AccessRight.WO, AccessRight.W1C, AccessRight.RESTART)
            )
            if register in shown_constants:
                assert seen["value"] == shown_constants[register]
            if register.access == AccessRight.RW:
                assert seen["value"] == register.reset
                stored = register is not Register.BETA or bank.config.synapse == "exponential"
                for _ in range(4):
                    data = int(rng.integers(1 << 32))
                    await access(ctx, bank, register.value, data)
                    assert (await access(ctx, bank, register.value))["value"] == data & mask(register) * stored
                    compared += 1
            elif register not in shown_constants and register.access in (
                AccessRight.RO,
                AccessRight.TAKE,
                AccessRight.RESTART,
            ):
                names = [f"_{element}" for element in register.elements] or [""]
                for n, name in enumerate(names):
                    shown = int(rng.integers(1 << 32)) & mask(register)
                    ctx.set(getattr(bank, register.name.lower() + name).as_value(), shown)
                    await access(ctx, bank, register.value + n, 0xFFFFFFFF)
                    assert (await access(ctx, bank, register.value + n))["value"] == shown
                    compared += 1

    simulate(bank, testbench)
    assert compared > 15


def test_strobes_mark_the_register_written_or_taken():
    bank = RegisterBank(CONFIG, (Owner.PERIPHERAL,))
    strobes = {"event_written": Register.EVENT, "checksum_written": Register.CHECKSUM, "output_taken": Register.OUTPUT}

    async def testbench(ctx):
        for register in bank.registers:
            for write in (0, 1):
                ctx.set(bank.index, register.value)
                ctx.set(bank.write, write)
                ctx.set(bank.read, 1 - write)
                for name, owner in strobes.items():
                    expected = owner is register and (name == "output_taken") == (write == 0)
                    assert ctx.get(getattr(bank, name)) == expected, (register, name)
        await ctx.tick()

    simulate(bank, testbench)


def test_causes_gather_until_a_one_is_written():
    bank = RegisterBank(CONFIG, (Owner.PERIPHERAL,))

    async def testbench(ctx):
        async def happens(causes, data=None):
            ctx.set(bank.error.as_value(), causes)
            await access(ctx, bank, Register.ERROR.value, data)
            ctx.set(bank.error.as_value(), 0)
            return ctx.get(bank.error_held.as_value())

        assert await happens(0b0001) == 0b0001
        assert await happens(0b0100) == 0b0101
        assert await happens(0) == 0b0101
        assert await happens(0, 0b0001) == 0b0100
        assert await happens(0b0010, 0b0110) == 0b0010  # what happens right then is not lost
        assert await happens(0, 0) == 0b0010
        assert (await access(ctx, bank, Register.ERROR.value))["value"] == 0b0010

    simulate(bank, testbench)
