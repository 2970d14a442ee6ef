"""What the library says no with."""

from __future__ import annotations

import json
from ctypes import c_void_p
from typing import Any, Dict, Optional, Type

from . import _library as _c
from ._names import Code


class Error(Exception):
    """Whatever the library says no with; str() is its sentence."""

    code: Code = Code.USAGE
    # The stable name, such as "SIGNATURE_MISMATCH".
    reason: str = "USAGE"
    # The step of the verifier that failed, such as "product-codes".
    check: Optional[str] = None
    # A sentence for people: what was expected beside what was found.
    detail: str = ""
    # The certificate of a chain that failed, 0 for the leaf.
    certificate_index: Optional[int] = None


class Refused(Error):
    """The evidence was refused, or nothing could be decided: no pass."""

    _json: Optional[bytes] = None

    def to_dict(self) -> Dict[str, Any]:
        """What "trustctl verify --output json" prints for the refusal."""
        read: Dict[str, Any] = json.loads(self._json or b"{}")
        return read


class UsageError(Error, ValueError):
    """The caller's mistake, not the evidence's."""


class PolicyError(UsageError):
    """A policy that cannot be read, or that expects nothing."""


class Unreachable(Error, OSError):
    """A refresh: nobody answered. The set is as good as before."""


class UpdateRefused(Error):
    """A refresh: what came was not what the trusted keys signed."""


def take_error(error: c_void_p, usual: Type[Error]) -> Error:
    pointer = error.value
    if pointer is None:
        made: Error = Refused("no memory")
        made.code, made.reason = Code.UNDECIDED, "RESOURCES_EXHAUSTED"
        made.detail = "no memory"
        return made
    try:
        code = Code(_c.error_code(pointer))
        detail = _c.error_message(pointer).decode()
        kind = usual
        if not issubclass(usual, UsageError):
            if code == Code.USAGE:
                kind = UsageError
            elif code == Code.UPDATE_REFUSED:
                kind = UpdateRefused
        made = kind(detail)
        made.code = code
        made.detail = detail
        made.reason = _c.error_reason(pointer).decode()
        made.check = _c.get_text(_c.error_check, pointer)
        index = _c.error_certificate_index(pointer)
        made.certificate_index = None if index < 0 else index
        if isinstance(made, Refused):
            made._json = _c.get_json(_c.error_json, pointer)
        return made
    finally:
        _c.error_free(pointer)
