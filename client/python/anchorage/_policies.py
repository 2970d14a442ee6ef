"""Policies, and those that were read before."""

from __future__ import annotations

import os
import time
from ctypes import byref, c_void_p
from typing import Any, Dict, Optional, Tuple, Type

from . import _library as _c
from ._errors import PolicyError, take_error
from ._given import Path, Text, is_path, path_text, to_bytes


class _Policy(_c.Object):
    """A policy that was read: for who verifies with it often, or wants to know
    at once that it is good. Files and texts are also taken wherever a policy
    is."""

    __slots__ = ()
    _read: Any
    _free: Any

    def __init__(self, text: Text, name: str = "policy") -> None:
        self._handle = self._make(to_bytes(text, "policy"), name)

    @classmethod
    def read(cls, path: Path) -> Any:
        """Reads the file. OSError: it cannot be read."""
        name = path_text(path, "policy")
        with open(name, "rb") as file:
            return cls(file.read(), name)

    @classmethod
    def _make(cls, text: bytes, name: str) -> _c.Handle:
        if not isinstance(name, str):
            raise TypeError(f"name is {type(name).__name__}, not str")
        error = c_void_p()
        named = name.encode("utf-8", "replace")
        pointer = cls._read(text, len(text), named, len(named), byref(error))
        if pointer is None:
            raise take_error(error, PolicyError)
        return _c.Handle(pointer, cls._free)


class IdentityPolicy(_Policy):
    __slots__ = ()
    _read = _c.identity_policy_read
    _free = _c.identity_policy_free


class AttestationPolicy(_Policy):
    __slots__ = ()
    _read = _c.attestation_policy_read
    _free = _c.attestation_policy_free


_MOST_POLICIES = 64
# A file that changed this recently may change again within one tick of its
# file system's clock.
_SETTLED_NS = 2_000_000_000


class Policies:
    """What was read before, so that reading costs once."""

    def __init__(self, kind: Type[_Policy]) -> None:
        self._kind = kind
        self._read: Dict[Any, Tuple[Any, _c.Handle]] = {}

    def get(self, policy: Any) -> _c.Handle:
        if isinstance(policy, self._kind):
            return policy._handle
        if isinstance(policy, _Policy):
            raise TypeError(f"policy is {type(policy).__name__}")
        if not is_path(policy):
            text = to_bytes(policy, "policy")
            return self._find(text, None) or self._keep(
                text, None, self._kind._make(text, "policy")
            )
        path = path_text(policy, "policy")
        try:
            version = _version(os.stat(path))
        except OSError as error:
            if ": " in path:
                error.strerror += " (a text of one line ends with \\n)"
            raise
        handle = self._find(path, version)
        if handle is not None:
            return handle
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            handle = self._kind._make(file.read(), path)
        if time.time_ns() - status.st_ctime_ns < _SETTLED_NS:
            return handle
        return self._keep(path, _version(status), handle)

    def _find(self, key: Any, version: Any) -> Optional[_c.Handle]:
        found = self._read.get(key)
        return found[1] if found and found[0] == version else None

    def _keep(self, key: Any, version: Any, handle: _c.Handle) -> _c.Handle:
        if len(self._read) >= _MOST_POLICIES:
            self._read = {}
        self._read[key] = (version, handle)
        return handle


def _version(status: os.stat_result) -> Tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


identity_policies = Policies(IdentityPolicy)
attestation_policies = Policies(AttestationPolicy)
