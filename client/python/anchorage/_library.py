"""libanchorage.so.1 through ctypes: its functions with their types."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64
from ctypes import c_void_p
from typing import Any, Callable, Optional

SONAME = "libanchorage.so.1"
# What this package was made for: 10000 * major + 100 * minor + patch.
NEEDED = 10100


def _path() -> str:
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), SONAME)
    return beside if os.path.exists(beside) else SONAME


# Calls that take long let other threads of Python run; getters don't.
_calls = ctypes.CDLL(_path())
_getters = ctypes.PyDLL(_path())

_ERROR = ctypes.POINTER(c_void_p)
_SIZE = ctypes.POINTER(c_size_t)
_TIME = ctypes.POINTER(c_int64)


def _function(library: Any, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, "anchorage_" + name)
    function.restype = result
    function.argtypes = arguments
    return function


def _getter(name: str, result: Any, *arguments: Any) -> Any:
    return _function(_getters, name, result, c_void_p, *arguments)


def _setter(name: str, *arguments: Any) -> Any:
    return _function(_getters, name, None, c_void_p, *arguments)


def _bytes_setter(name: str) -> Any:
    return _setter(name, c_char_p, c_size_t)


version = _function(_getters, "version", c_char_p)
version_number = _function(_getters, "version_number", c_int32)
if version_number() < NEEDED:
    raise ImportError(
        f"{SONAME} is {version().decode()}, older than this package"
    )
string_free = _setter("string_free")

error_free = _setter("error_free")
error_code = _getter("error_code", c_int32)
error_reason = _getter("error_reason", c_char_p)
error_check = _getter("error_check", c_char_p)
error_message = _getter("error_message", c_char_p)
error_certificate_index = _getter("error_certificate_index", c_int32)
error_json = _getter("error_json", c_void_p, _SIZE)

options_new = _function(_getters, "options_new", c_void_p)
options_free = _setter("options_free")
options_set_url = _bytes_setter("options_set_url")
options_set_targets_url = _bytes_setter("options_set_targets_url")
options_add_url = _bytes_setter("options_add_url")
options_set_proxy = _bytes_setter("options_set_proxy")
options_set_proxy_of_environment = _setter(
    "options_set_proxy_of_environment", c_int32
)
options_set_refresh_budget = _setter("options_set_refresh_budget", c_int64)
options_set_metrics_file = _bytes_setter("options_set_metrics_file")
options_set_report_outcomes = _setter("options_set_report_outcomes", c_int32)
options_set_report_interval = _setter("options_set_report_interval", c_int64)
options_set_report_sample = _setter("options_set_report_sample", c_int32)
options_set_trusted_root = _bytes_setter("options_set_trusted_root")
options_set_tls_roots = _bytes_setter("options_set_tls_roots")
options_set_cache_folder = _bytes_setter("options_set_cache_folder")
options_set_baked_bundle = _setter(
    "options_set_baked_bundle", c_char_p, c_size_t, c_int64
)
options_set_background_refresh = _setter(
    "options_set_background_refresh", c_int32
)
options_set_refresh_interval = _setter("options_set_refresh_interval", c_int64)
options_set_timeout = _setter("options_set_timeout", c_int64)
options_set_max_stale = _setter("options_set_max_stale", c_int64)
options_set_identity_when_expired = _setter(
    "options_set_identity_when_expired", c_int32
)
options_set_attestation_when_expired = _setter(
    "options_set_attestation_when_expired", c_int32
)

client_new = _function(_calls, "client_new", c_void_p, c_void_p, _ERROR)
client_free = _function(_calls, "client_free", None, c_void_p)
client_cancel = _setter("client_cancel")
client_refresh = _function(_calls, "client_refresh", c_int32, c_void_p, _ERROR)
client_refresh_once = _function(
    _calls, "client_refresh_once", c_int32, c_void_p, _TIME, _ERROR
)
client_first_pause = _getter("client_first_pause", c_int64)
client_state = _function(_calls, "client_state", c_void_p, c_void_p, _ERROR)

state_free = _setter("state_free")
state_origin = _getter("state_origin", c_int32)
state_freshness = _getter("state_freshness", c_int32)
state_sequence = _getter("state_sequence", c_uint64)
state_as_of = _getter("state_as_of", c_int64)
state_fresh_until = _getter("state_fresh_until", c_int32, _TIME)
state_json = _getter("state_json", c_void_p, _SIZE)

_POLICY = (c_char_p, c_size_t, c_char_p, c_size_t, _ERROR)
identity_policy_read = _function(
    _calls, "identity_policy_read", c_void_p, *_POLICY
)
identity_policy_free = _setter("identity_policy_free")
attestation_policy_read = _function(
    _calls, "attestation_policy_read", c_void_p, *_POLICY
)
attestation_policy_free = _setter("attestation_policy_free")

request_new = _function(_getters, "request_new", c_void_p)
request_free = _setter("request_free")
request_set_document = _bytes_setter("request_set_document")
request_set_form = _setter("request_set_form", c_int32)
request_set_ledger = _setter(
    "request_set_ledger", c_void_p, c_int32, c_char_p, c_size_t
)
request_set_nonce = _bytes_setter("request_set_nonce")
request_set_user_data = _bytes_setter("request_set_user_data")
request_set_public_key = _bytes_setter("request_set_public_key")
request_set_imds_url = _bytes_setter("request_set_imds_url")
request_set_imds_timeout = _setter("request_set_imds_timeout", c_int64)
request_set_imds_version_1 = _setter("request_set_imds_version_1", c_int32)
request_set_attest_program = _bytes_setter("request_set_attest_program")
request_set_attest_timeout = _setter("request_set_attest_timeout", c_int64)
request_set_recorded_at = _setter("request_set_recorded_at", c_int64)
request_set_trace = _setter("request_set_trace", c_int32)

ledger_new = _function(_getters, "ledger_new", c_void_p, c_size_t)
ledger_free = _setter("ledger_free")
ledger_forget_before = _function(
    _calls, "ledger_forget_before", c_size_t, c_void_p, c_int64
)

_VERIFY = (c_void_p, c_char_p, c_size_t, c_void_p, c_void_p, _ERROR)
verify_identity = _function(_calls, "verify_identity", c_void_p, *_VERIFY)
verify_this_instance = _function(
    _calls,
    "verify_this_instance",
    c_void_p,
    c_void_p,
    c_void_p,
    c_void_p,
    _ERROR,
)
identity_free = _setter("identity_free")
identity_field = _getter("identity_field", c_void_p, c_char_p, _SIZE)
identity_pending_time = _getter("identity_pending_time", c_int64)
identity_signing_time = _getter("identity_signing_time", c_int32, _TIME)
identity_product_codes = _getter("identity_product_codes", c_int32, _SIZE)
identity_product_code = _getter("identity_product_code", c_char_p, c_size_t)
identity_billing_products = _getter(
    "identity_billing_products", c_int32, _SIZE
)
identity_billing_product = _getter(
    "identity_billing_product", c_char_p, c_size_t
)
identity_note = _getter("identity_note", c_char_p, c_size_t)
identity_document = _getter("identity_document", c_void_p, _SIZE)
identity_form = _getter("identity_form", c_int32)
identity_json = _getter("identity_json", c_void_p, _SIZE)

verify_attestation = _function(
    _calls, "verify_attestation", c_void_p, *_VERIFY
)
attestation_free = _setter("attestation_free")
attestation_type = _getter("attestation_type", c_int32)
attestation_module_id = _getter("attestation_module_id", c_char_p)
attestation_instance_id = _getter("attestation_instance_id", c_char_p)
attestation_region = _getter("attestation_region", c_char_p)
attestation_partition = _getter("attestation_partition", c_char_p)
attestation_release = _getter("attestation_release", c_char_p)
attestation_time = _getter("attestation_time", c_int64)
attestation_public_key = _getter("attestation_public_key", c_void_p, _SIZE)
attestation_user_data = _getter("attestation_user_data", c_void_p, _SIZE)
attestation_nonce = _getter("attestation_nonce", c_void_p, _SIZE)
attestation_pcr = _getter("attestation_pcr", c_void_p, c_int32, _SIZE)
attestation_note = _getter("attestation_note", c_char_p, c_size_t)
attestation_json = _getter("attestation_json", c_void_p, _SIZE)

attest = _function(_calls, "attest", c_void_p, c_void_p, _ERROR)
attest_new_key = _function(
    _calls, "attest_new_key", c_void_p, c_void_p, _ERROR
)
attested_free = _setter("attested_free")
attested_document = _getter("attested_document", c_void_p, _SIZE)
attested_source = _getter("attested_source", c_int32)
attested_private_key = _getter("attested_private_key", c_void_p, _SIZE)


class Handle:
    """An object of the library, freed when the last call has let go of it."""

    __slots__ = ("pointer", "_free")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


class Uncopied:
    """What is neither copied nor pickled: who needs another makes one."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} has no copies")


class Object(Uncopied):
    __slots__ = ("_handle",)
    _handle: Handle


def take_bytes(pointer: Optional[int], size: c_size_t) -> Optional[bytes]:
    """A copy of what a getter returned; None where it is absent."""
    if pointer is None:
        return None
    return ctypes.string_at(pointer, size.value)


def get_bytes(getter: Any, pointer: int, *arguments: Any) -> Optional[bytes]:
    size = c_size_t()
    return take_bytes(getter(pointer, *arguments, byref(size)), size)


def get_text(getter: Any, pointer: int, *arguments: Any) -> Optional[str]:
    text = getter(pointer, *arguments)
    return None if text is None else text.decode()


def get_json(getter: Any, pointer: int) -> Optional[bytes]:
    """A copy of a new string, which is freed."""
    size = c_size_t()
    text = getter(pointer, byref(size))
    try:
        return take_bytes(text, size)
    finally:
        string_free(text)
