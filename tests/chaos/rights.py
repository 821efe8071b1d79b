"""Root may write what is read-only; a daemon of the harness must not, or the read-only database would be a pretence."""

from __future__ import annotations

import ctypes
import os

_VERSION_3 = 0x20080522
_OVERRIDES = ~((1 << 1) | (1 << 2))
"""All capabilities but CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def give_up() -> bool:
    """Give up root's right to pass over file modes; False where that cannot be done."""
    if os.getuid() != 0:
        return True
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), data) != 0:
        return False
    data[0].effective &= _OVERRIDES & 0xFFFFFFFF
    data[0].permitted &= _OVERRIDES & 0xFFFFFFFF
    data[0].inheritable = data[1].inheritable = 0
    return bool(libc.capset(ctypes.byref(header), data) == 0)
