"""What a simulator allocated: handed out while it is there, released once, refused from then on."""

import ctypes

import pytest

from ranvier.sim.handle import Handle


def test_a_pointer_is_released_once_and_refused_from_then_on():
    released = []
    with Handle(4096, lambda pointer: released.append(pointer.value), LookupError, "it was closed") as handle:
        assert isinstance(handle.pointer, ctypes.c_void_p)
        assert (handle.pointer.value, released) == (4096, [])
    for _ in range(2):
        handle.close()
        with pytest.raises(LookupError, match="it was closed"):
            _ = handle.pointer
    assert released == [4096]
