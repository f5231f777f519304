"""A write changes the register at its index and nothing else, a read nothing at all; causes stay until they are cleared."""

from amaranth.hdl import Cat, Signal
from faults import Fault
from prove import Proof, claim

from ranvier.hw.register_bank import WRITABLE, RegisterBank
from ranvier.hw.registers import AccessRight, Owner
from ranvier.parameters.config import CoreConfig


def nowhere_else(m, unit):
    """Every register by itself."""
    index, write, read, data = (Signal.like(s) for s in (unit.index, unit.write, unit.read, unit.data))
    started = Signal()
    m.d.sync += [index.eq(unit.index), write.eq(unit.write), read.eq(unit.read), data.eq(unit.data), started.eq(1)]
    for register in unit.registers:
        name, here, was_here = register.name.lower(), unit.index == register.value, index == register.value
        if register.access in WRITABLE:
            claim(m, getattr(unit, f"{name}_written") == (unit.write & here))
        if register.access == AccessRight.TAKE:
            claim(m, getattr(unit, f"{name}_taken") == (unit.read & here))
        mask = sum(field.mask for field in register.fields)
        if register.stored(unit.config):
            stored = getattr(unit, name).as_value()
            before = Signal.like(stored)
            m.d.sync += before.eq(stored)
            with m.If(started):
                with m.If(write & was_here):
                    claim(m, (stored & mask) == (data & mask))
                with m.Else():
                    claim(m, stored == before)
        if register.access == AccessRight.W1C:
            held, causes = getattr(unit, f"{name}_held").as_value(), getattr(unit, name).as_value()
            before, came = Signal.like(held), Signal.like(causes)
            m.d.sync += [before.eq(held), came.eq(causes)]
            with m.If(started):
                with m.If(write & was_here):
                    claim(m, held == (before & ~data | came))
                with m.Else():
                    claim(m, held == (before | came))
    known = Cat(unit.index == r.value + n for r in unit.registers for n in range(max(1, len(r.elements)))).any()
    claim(m, unit.known == known, ~unit.readable | known, ~unit.writable | known)


CORE = CoreConfig(inputs=5, neurons=3, outputs=3, lanes=1, learning=True, synapse="exponential")
SAYS = "a write changes the register at its index and nothing else"
PROOFS = {
    "of the core": Proof(lambda: RegisterBank(CORE, (Owner.CONSTANT, Owner.CORE)), nowhere_else, SAYS, depth=3),
    "of the peripheral": Proof(
        lambda: RegisterBank(CORE, (Owner.CONSTANT, Owner.PERIPHERAL)), nowhere_else, SAYS, depth=3
    ),
}
FAULTS = [
    Fault(
        "every write lands in every register",
        "register_bank.py",
        "            if register.access == AccessRight.W1C:\n                self._pend(m, register)\n",
        "            if register.access == AccessRight.W1C:\n                self._pend(m, register)\n"
        "            if register.stored(self.config):\n                with m.If(self.write):\n"
        "                    m.d.sync += getattr(self, register.name.lower()).as_value().eq(self.data)\n",
    ),
    Fault(
        "a read writes",
        "register_bank.py",
        "            with m.If(self.write):\n                m.d.sync += [getattr(stored",
        "            with m.If(self.write | self.read):\n                m.d.sync += [getattr(stored",
    ),
]
