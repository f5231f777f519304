import pytest

from ranvier.hw.registers import (
    ADDRESS_BITS,
    AccessRight,
    AddressSpace,
    Field,
    Owner,
    Register,
    constants,
    word_address,
)
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.presets import PRESETS, preset
from ranvier.parameters.record import COUNTERS


def test_no_two_things_share_an_address():
    registers = [register.address + 4 * n for register in Register for n in range(max(1, len(register.elements)))]
    windows = [word_address(space, 0) << 2 for space in AddressSpace if space is not AddressSpace.REGISTER]
    assert len(set(registers)) == len(registers) == len(Register) - 1 + len(COUNTERS)
    assert max(registers) < min(windows)
    assert max(windows) < 1 << ADDRESS_BITS


@pytest.mark.parametrize("name", PRESETS)
def test_every_window_fits_its_columns(name):
    config = preset(name)
    for space in AddressSpace:
        rows, columns = space.extent(config)
        assert word_address(space, max(0, columns - 1)) < word_address(space, 0) + (1 << 13)
        assert rows <= 1 << Register.ROW.fields[0].width


def test_the_largest_core_fits_windows_row_and_events():
    config = CoreConfig(inputs=4096, neurons=4096, outputs=256, recurrent=True, delays="axonal")
    assert AddressSpace.TRACE.extent(config)[1] == 1 << 13
    assert config.inputs - 1 < 1 << Register.EVENT.fields[0].width
    words = constants(config)
    assert Register.SHAPE.unpack(words[Register.SHAPE]) == {"inputs": 4096, "neurons": 4096}
    assert Register.FEATURES.unpack(words[Register.FEATURES])["outputs"] == 256


@pytest.mark.parametrize("register", Register)
def test_fields_do_not_overlap_and_fit_a_word(register):
    taken = 0
    for field in register.fields:
        assert not taken & field.mask, field
        taken |= field.mask
    assert 0 < taken < 1 << 32
    assert register.reset & ~taken == 0
    assert register.text.endswith(".")


def test_names_are_unique_within_a_register():
    for register in Register:
        names = [field.name for field in register.fields]
        assert len(set(names)) == len(names)


def test_register_zero_is_the_identification():
    assert Register.ID.value == Register.ID.address == 0
    assert constants(preset("test"))[Register.ID] == 0x524E5603


def test_only_the_last_register_is_an_array():
    assert [register for register in Register if register.elements] == [list(Register)[-1]]


def test_pack_and_unpack_are_inverse_and_refuse_what_does_not_fit():
    word = Register.EVENT.pack(kind=1, scored=True, index=26)
    assert word == 1 << 24 | 1 << 16 | 26
    assert Register.EVENT.unpack(word) == {"kind": 1, "scored": 1, "index": 26}
    with pytest.raises(ValueError, match="index=65536 does not fit its 16 bits"):
        Register.EVENT.pack(index=1 << 16)
    assert Field("a", 4, 3, "").mask == 0x70


def test_constants_describe_the_configuration():
    config = CoreConfig(inputs=3, neurons=5, outputs=2, recurrent=True, max_delay=6, feedback="random", delays="axonal")
    features = Register.FEATURES.unpack(constants(config)[Register.FEATURES])
    assert features == {
        "outputs": 2,
        "delays": 1,
        "recurrent": 1,
        "learning": 1,
        "random_feedback": 1,
        "delay_fraction": 6,
        "max_delay": 6,
        "exponential": 0,
        "dormant": 0,
    }
    changed = constants(config.replace(synapse="exponential", dormant=True))[Register.FEATURES]
    assert Register.FEATURES.unpack(changed) == features | {"exponential": 1, "dormant": 1}
    formats = Register.FORMATS.unpack(constants(config)[Register.FORMATS])
    assert formats == {"weight_width": 16, "weight_fraction": 12, "decay_width": 12, "delay_width": 9}
    assert {register for register in Register if register.owner == Owner.CONSTANT} == set(constants(config))


def test_extents_and_limits_of_windows():
    config = CoreConfig(inputs=3, neurons=5, outputs=2, max_delay=6, delays="axonal", learning=False)
    assert {space.name: space.extent(config) for space in AddressSpace if space.exists(config)} == {
        "REGISTER": (1, len(Register) - 1 + len(COUNTERS)),
        "WEIGHT": (3, 5),
        "DELAY": (3, 1),
        "READOUT": (5, 2),
        "POTENTIAL": (1, 5),
        "SPIKED": (1, 5),
        "READOUT_VALUE": (1, 2),
        "SCORE": (1, 2),
    }
    assert AddressSpace.DELAY.limits(config) == (0, 6 << 6)
    assert AddressSpace.WEIGHT.limits(config) == (-(1 << 15), (1 << 15) - 1)
    assert [space.name for space in AddressSpace if space.has_rows] == ["WEIGHT", "DELAY", "READOUT", "FEEDBACK"]
    assert all(space.access in (AccessRight.RO, AccessRight.RW) for space in AddressSpace)
