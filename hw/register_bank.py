"""Registers of the table as hardware: storage, read values, and the effects of reads and writes."""

from collections.abc import Iterable

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.registers import COLUMN_BITS, AccessRight, Owner, Register, constants, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["RegisterBank"]

WRITABLE = (AccessRight.RW, AccessRight.WO, AccessRight.W1C, AccessRight.RESTART)


class RegisterBank(wiring.Component):
    """Decoder of the registers of some owners, generated from `ranvier.hw.registers.Register`.

    A write acts in the clock cycle of its strobe; `value` follows `index` combinationally.

    Parameters
    ----------
    config : CoreConfig
        The core, whose constants are shown.
    owners : iterable of Owner
        Registers of these owners.

    Attributes
    ----------
    index : In
        Column of the register.
    write, read : In(1)
        Strobes of an access to it; ignored by registers that do not have that access.
    data : In(32)
        Word to write.
    value : Out(32)
        Word read.
    known, readable, writable : Out(1)
        The register exists here; it can be read; it takes writes.
    <name> : Out (read and write: stored value) or In (read only: value to show; write 1 to clear: causes to add)
        One per register, in lower case, with a member per field. Not for constants and write-only registers.
    <name>_held : Out
        Pending causes of a register that is cleared by writing 1.
    <name>_written, <name>_taken : Out(1)
        A write (of `data`) was carried out; a read took the value shown.
    """

    def __init__(self, config: CoreConfig, owners: Iterable[Owner]):
        self.config, self.constants = config, constants(config)
        self.registers = [register for register in Register if register.owner in set(owners)]
        members: dict[str, wiring.Member] = {
            "index": In(COLUMN_BITS),
            "write": In(1),
            "read": In(1),
            "data": In(32),
            "value": Out(32),
            "known": Out(1),
            "readable": Out(1),
            "writable": Out(1),
        }
        for register in self.registers:
            name, layout = register.name.lower(), register_layout(register)
            if register.elements:
                members |= {f"{name}_{element}": In(layout) for element in register.elements}
            elif register.access == AccessRight.RW:
                members[name] = Out(layout, init={field.name: field.reset for field in register.fields})
            elif register.access != AccessRight.WO and register.owner != Owner.CONSTANT:
                members[name] = In(layout)
            if register.access in WRITABLE:
                members[f"{name}_written"] = Out(1)
            if register.access == AccessRight.TAKE:
                members[f"{name}_taken"] = Out(1)
            if register.access == AccessRight.W1C:
                members[f"{name}_held"] = Out(layout)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        with m.Switch(self.index):
            for register in self.registers:
                for n, shown in enumerate(self._shown(register)):
                    with m.Case(register.value + n):
                        m.d.comb += [
                            self.known.eq(1),
                            self.value.eq(shown),
                            self.readable.eq(register.access != AccessRight.WO),
                        ]
                        self._access(m, register)
        for register in self.registers:
            if register.access == AccessRight.W1C:
                self._pend(m, register)
        return m

    def _shown(self, register: Register) -> list[Value]:
        """Read value of each word of a register; bits without a field are zero."""
        name = register.name.lower()
        if register in self.constants:
            return [Const(self.constants[register], 32)]
        if register.access == AccessRight.WO:
            return [Const(0, 32)]
        names = [f"{name}_{element}" for element in register.elements] or [name]
        if register.access == AccessRight.W1C:
            names = [f"{name}_held"]
        mask = sum(field.mask for field in register.fields)
        return [getattr(self, name).as_value() & mask for name in names]

    def _access(self, m, register):
        """Strobes of an access, and storage of written values."""
        name = register.name.lower()
        if register.access == AccessRight.TAKE:
            m.d.comb += getattr(self, f"{name}_taken").eq(self.read)
        if register.access not in WRITABLE:
            return
        m.d.comb += [self.writable.eq(1), getattr(self, f"{name}_written").eq(self.write)]
        if register.stored(self.config):
            stored, brought = getattr(self, name), register_layout(register)(self.data)
            with m.If(self.write):
                m.d.sync += [getattr(stored, field.name).eq(getattr(brought, field.name)) for field in register.fields]

    def _pend(self, m, register):
        """Causes accumulate; writing 1 clears those that do not occur in the same clock cycle."""
        name = register.name.lower()
        pending, causes = getattr(self, f"{name}_held"), getattr(self, name)
        cleared = Signal(32)
        with m.If(getattr(self, f"{name}_written")):
            m.d.comb += cleared.eq(self.data)
        m.d.sync += pending.as_value().eq(pending.as_value() & ~cleared | causes.as_value())
