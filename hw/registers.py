"""The register table: every address of the core, described once. Source of decoders, C header, drivers and documents."""

import enum
from dataclasses import dataclass

from amaranth.hdl import unsigned
from amaranth.lib import data

from ranvier.parameters.config import CHOICES, CoreConfig
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS

__all__ = [
    "ADDRESS_BITS",
    "COLUMN_BITS",
    "INTERFACE_VERSION",
    "MAGIC",
    "AccessRight",
    "AddressSpace",
    "Field",
    "Owner",
    "Register",
    "constants",
    "register_layout",
    "word_address",
]

#: Version of this table, in `Register.ID`. Raise it when the meaning of an address or a field changes.
INTERFACE_VERSION = 3
#: Distinguishes a Ranvier core from anything else on a bus: "RNV".
MAGIC = 0x524E56

#: Bits of a column; a word address is a space above a column.
COLUMN_BITS = 13
_SPACE_BITS = 4
#: Bits of the byte address of a 32-bit word: 512 KiB.
ADDRESS_BITS = _SPACE_BITS + COLUMN_BITS + 2


class AccessRight(enum.Enum):
    """Access that the bus has to a register or window."""

    RO = "read"
    TAKE = "read, which removes it"
    RW = "read and write"
    WO = "write"
    W1C = "read, write 1 to clear"
    RESTART = "read, write to restart"


class Owner(enum.Enum):
    """Unit that answers a register."""

    CONSTANT = "a constant of the configuration, answered at once"
    PERIPHERAL = "the peripheral around the core, answered at once"
    CORE = "the core, answered in order after all earlier events"


@dataclass(frozen=True)
class Field:
    """Bits ``lsb .. lsb + width - 1`` of a register, unsigned."""

    name: str
    lsb: int
    width: int
    text: str
    reset: int = 0

    @property
    def mask(self) -> int:
        """Its bits in the register word."""
        return ((1 << self.width) - 1) << self.lsb

    def pack(self, value: int) -> int:
        """`value` shifted to its bits; `ValueError` if it does not fit."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{self.name}={value} does not fit its {self.width} bits")
        return value << self.lsb

    def unpack(self, word: int) -> int:
        """Its value in a register word."""
        return (word & self.mask) >> self.lsb


def _word(text: str) -> Field:
    return Field("value", 0, 32, text)


def _step_size(text: str) -> tuple[Field, Field]:
    return Field("mantissa", 0, 8, f"of the step size of {text}"), Field(
        "shift", 8, 5, "step size = mantissa / 2^shift"
    )


def _sample_done_and_error(text: str) -> tuple[Field, Field]:
    return Field("sample_done", 0, 1, f"{text}: a sample ended"), Field("error", 1, 1, f"{text}: a bit of ERROR rose")


_UNIT = "input unit (spike), or class of the sample (scored step, when learning)"


class Register(enum.Enum):
    """Registers, one 32-bit word each; the value of a member is its column in `AddressSpace.REGISTER`."""

    ID = (
        Owner.CONSTANT, AccessRight.RO, "Identification; drivers refuse anything else.",
        Field("version", 0, 8, "version of this register table"),
        Field("magic", 8, 24, 'the letters "RNV"'),
    )  # fmt: skip
    DIGEST = (Owner.CONSTANT, AccessRight.RO, "Hash of the configuration.", _word("first 32 bits of its SHA-256"))
    SHAPE = (
        Owner.CONSTANT, AccessRight.RO, "Sizes of the network.",
        Field("inputs", 0, 13, "input units"), Field("neurons", 13, 13, "hidden neurons"),
    )  # fmt: skip
    FEATURES = (
        Owner.CONSTANT, AccessRight.RO, "Options that the core was built with.",
        Field("outputs", 0, 9, "readouts"),
        Field("delays", 9, 2, "0 none, 1 axonal, 2 synaptic"),
        Field("recurrent", 11, 1, "neurons project onto each other"),
        Field("learning", 12, 1, "learning units are present"),
        Field("random_feedback", 13, 1, "the learning signal has fixed random weights"),
        Field("delay_fraction", 14, 4, "fraction bits of a delay"),
        Field("max_delay", 18, 10, "largest delay in steps"),
        Field("exponential", 28, 1, "synapses have a current that decays"),
        Field("dormant", 29, 1, "learning does not change synapses of weight 0"),
    )  # fmt: skip
    FORMATS = (
        Owner.CONSTANT, AccessRight.RO, "Widths of the parameters.",
        Field("weight_width", 0, 5, "bits of W and Wout, two's complement"),
        Field("weight_fraction", 5, 5, "fraction bits of W and Wout"),
        Field("decay_width", 10, 5, "bits of ALPHA, BETA and KAPPA, all of them fraction bits"),
        Field("delay_width", 15, 5, "bits of a delay"),
    )  # fmt: skip
    LIMITS = (
        Owner.CONSTANT, AccessRight.RO, "Limits of a sample.",
        Field("scored", 0, 32, "most scored steps: beyond them a score may leave its 32 bits"),
    )  # fmt: skip
    STATUS = (
        Owner.PERIPHERAL, AccessRight.RO, "Status of the core.",
        Field("busy", 0, 1, "an event is waiting or being handled"),
        Field("error", 1, 1, "a bit of ERROR is set"),
        Field("loading", 2, 1, "CONTROL.loading: the network may be incomplete"),
        Field("room", 4, 12, "events that EVENT accepts now without waiting"),
        Field("waiting", 16, 12, "words waiting in OUTPUT"),
    )  # fmt: skip
    CONTROL = (
        Owner.PERIPHERAL, AccessRight.RW, "Routing of events and outputs.",
        Field("loading", 0, 1, "refuse events: set while a network is being loaded, cleared once it has been checked"),
        Field("stream", 1, 1, "send outputs to the output stream instead of OUTPUT"),
    )  # fmt: skip
    INTERRUPT_ENABLE = (
        Owner.PERIPHERAL,
        AccessRight.RW,
        "Causes that raise the interrupt.",
        *_sample_done_and_error("enable"),
    )
    INTERRUPT_PENDING = (Owner.PERIPHERAL, AccessRight.W1C, "Pending causes.", *_sample_done_and_error("pending"))
    ERROR = (
        Owner.PERIPHERAL, AccessRight.W1C, "Errors since it was last cleared.",
        Field("access", 0, 1, "a bus access was refused: no such address, read- or write-only, or part of a word"),
        Field("event", 1, 1, "an event was refused: unit or class that the core lacks, or while loading"),
        Field("overflow", 2, 1, "OUTPUT was full and an output was dropped"),
        Field("stalled", 3, 1, "an access was abandoned because the output stream is not read"),
        Field("score", 4, 1, "a score left its 32 bits: the sample had more scored steps than LIMITS"),
    )  # fmt: skip
    ERROR_ADDRESS = (Owner.PERIPHERAL, AccessRight.RO, "Address of the last refused access.", _word("its byte address"))
    EVENT = (
        Owner.PERIPHERAL, AccessRight.WO, "An event; a write waits for room. Repeated writes here are intended.",
        Field("index", 0, 16, _UNIT),
        Field("scored", 16, 1, "the readout of this step is scored"),
        Field("kind", 24, 2, "0 spike, 1 step, 2 end of the sample, 3 reset"),
    )  # fmt: skip
    OUTPUT = (
        Owner.PERIPHERAL, AccessRight.TAKE, "The oldest output; only with MODE.report.",
        Field("index", 0, 16, "neuron that spiked"),
        Field("kind", 24, 2, "0 spike, 1 end of a step"),
        Field("valid", 31, 1, "there was an output"),
    )  # fmt: skip
    PREDICTION = (Owner.PERIPHERAL, AccessRight.RO, "Class with the largest score in the last sample.", _word("class"))
    SAMPLES = (Owner.PERIPHERAL, AccessRight.RO, "Samples ended since reset; wraps.", _word("count"))
    OVERFLOWS = (Owner.PERIPHERAL, AccessRight.RO, "Outputs dropped since reset; wraps.", _word("count"))
    ROW = (
        Owner.PERIPHERAL,
        AccessRight.RW,
        "Row that all windows show.",
        Field("row", 0, 13, "presynaptic unit or neuron"),
    )
    CHECKSUM = (
        Owner.PERIPHERAL, AccessRight.RESTART, "CRC-32 of all accepted writes since this register was last written.",
        _word("over (byte address, data), each a little-endian word, as zlib's crc32"),
    )  # fmt: skip
    MODE = (
        Owner.CORE, AccessRight.RW, "Mode of running samples.",
        Field("learn", 0, 1, "update weights and delays"),
        Field("report", 1, 1, "report spikes and steps in OUTPUT or on the output stream"),
    )  # fmt: skip
    ALPHA = (
        Owner.CORE,
        AccessRight.RW,
        "Decay of membrane and presynaptic trace per step.",
        Field("decay", 0, 24, "fraction"),
    )
    BETA = (
        Owner.CORE,
        AccessRight.RW,
        "Decay of the synaptic current per step; stays 0 without FEATURES.exponential.",
        Field("decay", 0, 24, "fraction"),
    )
    KAPPA = (Owner.CORE, AccessRight.RW, "Decay of the readout per step.", Field("decay", 0, 24, "fraction"))
    ETA_WEIGHT = (Owner.CORE, AccessRight.RW, "Step size of W; 0 freezes it.", *_step_size("W"))
    ETA_DELAY = (Owner.CORE, AccessRight.RW, "Step size of D; 0 freezes it.", *_step_size("D"))
    ETA_READOUT = (Owner.CORE, AccessRight.RW, "Step size of Wout; 0 freezes it.", *_step_size("Wout"))
    SEED = (Owner.CORE, AccessRight.RW, "Seed of stochastic rounding; writing restarts the generators.", _word("seed"))
    CLEAR = (Owner.CORE, AccessRight.WO, "Writing sets all counters to zero.", _word("anything"))
    CYCLES = (Owner.CORE, AccessRight.RO, "Clock cycles in which the core was busy since CLEAR; wraps.", _word("count"))
    COUNTER = (
        Owner.CORE, AccessRight.RO, "First of the counters since CLEAR, one register each; they wrap.", _word("count"),
    )  # fmt: skip

    owner: Owner
    access: AccessRight
    text: str
    fields: tuple[Field, ...]  # type: ignore[misc] # mypy takes it for a member

    def __new__(cls, *description):
        member = object.__new__(cls)
        member._value_ = len(cls.__members__)
        member.owner, member.access, member.text, *fields = description
        member.fields = tuple(fields)  # type: ignore[misc]
        return member

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the registers of an array, each a word further on; empty for a single one. Only the last is an array."""
        return COUNTERS if self is Register.COUNTER else ()

    def stored(self, config: CoreConfig) -> bool:
        """Whether a core keeps a value written to it; if not, it keeps its value after reset."""
        return self.access == AccessRight.RW and (self is not Register.BETA or config.exponential)

    @property
    def address(self) -> int:
        """Byte address."""
        return word_address(AddressSpace.REGISTER, self.value) << 2

    @property
    def reset(self) -> int:
        """Value after reset of a stored register."""
        return sum(field.pack(field.reset) for field in self.fields)

    def pack(self, **values: int) -> int:
        """A word with the given fields."""
        fields = {field.name: field for field in self.fields}
        return sum(fields[name].pack(int(value)) for name, value in values.items())

    def unpack(self, word: int) -> dict[str, int]:
        """All fields of a word."""
        return {field.name: field.unpack(word) for field in self.fields}


class AddressSpace(enum.Enum):
    """Windows: upper bits of an address, above its column, and (rows, columns) of a core. `Register.ROW` chooses the row."""

    REGISTER = (AccessRight.RW, "registers", "")
    WEIGHT = (AccessRight.RW, "W of the synapses from unit ROW", "neuron")
    DELAY = (AccessRight.RW, "D of the synapses from unit ROW", "neuron (0 if axonal)")
    READOUT = (AccessRight.RW, "Wout from neuron ROW", "output")
    FEEDBACK = (AccessRight.RW, "fixed feedback weights onto neuron ROW", "output")
    POTENTIAL = (AccessRight.RO, "membrane potential before reset", "neuron")
    SPIKED = (AccessRight.RO, "spike of the last step", "neuron")
    SURROGATE = (AccessRight.RO, "surrogate derivative of the last step", "neuron")
    READOUT_TRACE = (AccessRight.RO, "filtered spikes, with which Wout learns", "neuron")
    READOUT_VALUE = (AccessRight.RO, "readout", "output")
    TRACE = (AccessRight.RO, "presynaptic trace", "presynaptic unit")
    SCORE = (AccessRight.RO, "score at the end of the last sample", "output")

    access: AccessRight
    text: str
    column: str

    def __new__(cls, *description):
        member = object.__new__(cls)
        member._value_ = len(cls.__members__)
        member.access, member.text, member.column = description
        return member

    @property
    def has_rows(self) -> bool:
        """Whether `Register.ROW` selects a row: the arrays of a network have rows, the state of a core has one."""
        return self.access == AccessRight.RW and self is not AddressSpace.REGISTER

    def limits(self, config: CoreConfig) -> tuple[int, int]:
        """(smallest, largest) value that can be written to a window that has rows."""
        c = config
        return (0, c.delay_limit) if self is AddressSpace.DELAY else (c.weight.min, c.weight.max)

    def form(self, config: CoreConfig) -> QFormat:
        """Number format of the values of a window, sign-extended to 32 bits."""
        c = config
        score = c.error if c.prediction == "softmax" else c.potential
        return {
            AddressSpace.REGISTER: QFormat(False, 32, 0),
            AddressSpace.WEIGHT: c.weight,
            AddressSpace.DELAY: c.delay,
            AddressSpace.READOUT: c.weight,
            AddressSpace.FEEDBACK: c.weight,
            AddressSpace.POTENTIAL: c.potential,
            AddressSpace.SPIKED: QFormat(False, 1, 0),
            AddressSpace.SURROGATE: c.surrogate,
            AddressSpace.READOUT_TRACE: c.trace,
            AddressSpace.READOUT_VALUE: c.potential,
            AddressSpace.TRACE: c.trace,
            AddressSpace.SCORE: QFormat(True, 31 - score.fraction, score.fraction),
        }[self]

    def extent(self, config: CoreConfig) -> tuple[int, int]:
        """(rows, columns) in a core; an empty one does not exist there."""
        c = config
        feedback, traced = int(c.feedback == "random"), int(c.learning)
        return {
            AddressSpace.REGISTER: (1, len(Register) - 1 + len(COUNTERS)),
            AddressSpace.WEIGHT: (c.rows, c.neurons),
            AddressSpace.DELAY: (c.rows, {"none": 0, "axonal": 1, "synaptic": c.neurons}[c.delays]),
            AddressSpace.READOUT: (c.neurons, c.outputs),
            AddressSpace.FEEDBACK: (feedback * c.neurons, c.outputs),
            AddressSpace.POTENTIAL: (1, c.neurons),
            AddressSpace.SPIKED: (1, c.neurons),
            AddressSpace.SURROGATE: (traced, c.neurons),
            AddressSpace.READOUT_TRACE: (traced, c.neurons),
            AddressSpace.READOUT_VALUE: (1, c.outputs),
            AddressSpace.TRACE: (traced, c.rows),
            AddressSpace.SCORE: (1, c.outputs),
        }[self]

    def exists(self, config: CoreConfig) -> bool:
        """Whether a core has it."""
        return all(self.extent(config))


def word_address(space: AddressSpace, column: int) -> int:
    """Word address of a column of a space."""
    return space.value << COLUMN_BITS | column


def register_layout(register: Register) -> data.FlexibleLayout:
    """Layout of the fields of a register in 32 bits."""
    return data.FlexibleLayout(
        32, {field.name: data.Field(unsigned(field.width), field.lsb) for field in register.fields}
    )


def constants(config: CoreConfig) -> dict[Register, int]:
    """The words of the constant registers."""
    c = config
    return {
        Register.ID: Register.ID.pack(version=INTERFACE_VERSION, magic=MAGIC),
        Register.DIGEST: c.digest,
        Register.SHAPE: Register.SHAPE.pack(inputs=c.inputs, neurons=c.neurons),
        Register.FEATURES: Register.FEATURES.pack(
            outputs=c.outputs,
            delays=CHOICES["delays"].index(c.delays),
            recurrent=c.recurrent,
            learning=c.learning,
            random_feedback=c.feedback == "random",
            delay_fraction=c.delay_fraction,
            max_delay=c.max_delay,
            exponential=c.exponential,
            dormant=c.dormant,
        ),
        Register.FORMATS: Register.FORMATS.pack(
            weight_width=c.weight.width,
            weight_fraction=c.weight.fraction,
            decay_width=c.decay.width,
            delay_width=c.delay.width,
        ),
        Register.LIMITS: c.max_scored,
    }
