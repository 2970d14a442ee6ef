"""Verifies AWS's instance identity documents and Nitro attestation documents.

    import anchorage

    client = anchorage.Client()
    machine = client.verify_identity(signature, policy="licence.yaml")
    print(machine.account_id, machine.region, machine.product_codes)

What is absent, in a document or a result, is None and never "". An argument
that was left out is not given; None is never an argument, and "" or b"" is
exactly empty. So nothing that the caller failed to find is taken for "not
expected".

Clients, policies, ledgers and results may be used by any number of threads.
After os.fork() a child's client verifies with the set of that moment; to
refresh it needs one of its own.
"""

from __future__ import annotations

import datetime
import enum
import json
import os
import time
from ctypes import byref, c_int64, c_size_t, c_void_p
from typing import Any, Callable, Dict, Optional, Tuple, Type, Union

from . import _library as _c

__all__ = [
    "Attestation",
    "AttestationPolicy",
    "AttestationType",
    "Client",
    "Code",
    "Error",
    "Form",
    "Freshness",
    "Identity",
    "IdentityPolicy",
    "Ledger",
    "Origin",
    "PolicyError",
    "Refused",
    "ReplayMode",
    "State",
    "Unreachable",
    "UpdateRefused",
    "UsageError",
    "WhenExpired",
    "version",
]

version: str = _c.version().decode()
__version__ = version.partition(" ")[0]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MILLISECOND = datetime.timedelta(milliseconds=1)


class _NotGiven(enum.Enum):
    NOT_GIVEN = 0

    def __repr__(self) -> str:
        return "NOT_GIVEN"


_NOT_GIVEN = _NotGiven.NOT_GIVEN

Text = Union[str, bytes]
Path = Union[str, "os.PathLike[str]"]


class Code(enum.IntEnum):
    """What kind of failure; the first six are trustctl's exit codes."""

    USAGE = 1
    UNREADABLE = 2
    NOT_FROM_AWS = 3
    STALE_OR_FOR_ANOTHER = 4
    REFUSED_BY_POLICY = 5
    UNDECIDED = 6
    UNREACHABLE = 7
    UPDATE_REFUSED = 8

    @classmethod
    def _missing_(cls, value: object) -> "Code":
        return cls.UNDECIDED


class Form(enum.IntEnum):
    """Which of IMDS's three signatures."""

    RECOGNISED = 0
    SIGNATURE = 1
    PKCS7 = 2
    RSA2048 = 3


class Origin(enum.IntEnum):
    """Where the set that is in use came from."""

    BAKED_IN = 1
    CACHE = 2
    SERVER = 3

    @classmethod
    def _missing_(cls, value: object) -> "Origin":
        return cls.BAKED_IN


class Freshness(enum.IntEnum):
    """How old the set is that is in use."""

    FRESH = 1
    STALE = 2
    EXPIRED = 3
    BAKED_IN = 4

    @classmethod
    def _missing_(cls, value: object) -> "Freshness":
        return cls.EXPIRED


class WhenExpired(enum.IntEnum):
    """What a set that is EXPIRED does."""

    SERVE_LAST_GOOD = 1
    REFUSE = 2


class AttestationType(enum.IntEnum):
    ENCLAVE = 1
    NITRO_TPM = 2


class ReplayMode(enum.IntEnum):
    """What a ledger remembers an identity document for."""

    SINGLE_USE = 1
    FIRST_USE_BINDS = 2
    NEWEST_PENDING_TIME = 3


class Error(Exception):
    """Whatever the library says no with; str() is its sentence."""

    code: Code = Code.USAGE
    # The stable name, such as "SIGNATURE_MISMATCH".
    reason: str = "USAGE"
    # The step of the verifier that failed, such as "product-codes".
    check: Optional[str] = None
    # A sentence for people: what was expected beside what was found.
    detail: str = ""
    # The certificate of a chain that failed, 0 for the leaf; -1 for none.
    certificate_index: int = -1


class Refused(Error):
    """The evidence was refused, or nothing could be decided: no pass."""

    _json: Optional[bytes] = None

    def to_dict(self) -> Dict[str, Any]:
        """What "trustctl verify --output json" prints for the refusal."""
        return {} if self._json is None else json.loads(self._json)


class UsageError(Error, ValueError):
    """The caller's mistake, not the evidence's."""


class PolicyError(UsageError):
    """A policy that cannot be read, or that expects nothing."""


class Unreachable(Error, OSError):
    """A refresh: nobody answered. The set is as good as before."""


class UpdateRefused(Error):
    """A refresh: what came was not what the trusted keys signed."""


def _error(error: c_void_p, usual: Type[Error]) -> Error:
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
        made.certificate_index = _c.error_certificate_index(pointer)
        if isinstance(made, Refused):
            made._json = _c.get_json(_c.error_json, pointer)
        return made
    finally:
        _c.error_free(pointer)


def _bytes(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} is {type(value).__name__}, not str or bytes")


def _only_bytes(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        raise TypeError(f"{what} is str, not bytes")
    return _bytes(value, what)


def _is_path(value: Any) -> bool:
    """A path, and not the text itself: os.PathLike, or a str of one line that
    is no JSON object and not empty."""
    if isinstance(value, str):
        return "\n" not in value and value.lstrip()[:1] not in ("", "{")
    return isinstance(value, os.PathLike)


def _file_or_bytes(value: Any, what: str) -> bytes:
    if not _is_path(value):
        return _bytes(value, what)
    with open(value, "rb") as file:
        return file.read()


def _milliseconds(value: Any, what: str) -> int:
    """Of a datetime with a time zone, since 1970; of a number of seconds or a
    timedelta, the length."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{what} has no time zone")
        value = value - _EPOCH
    if isinstance(value, datetime.timedelta):
        return value // _MILLISECOND
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} is {type(value).__name__}, not a time")
    return round(value * 1000)


def _moment(value: Any, what: str) -> int:
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{what} is {type(value).__name__}, not datetime")
    return _milliseconds(value, what)


def _time(milliseconds: int) -> datetime.datetime:
    return _EPOCH + milliseconds * _MILLISECOND


def _optional_time(getter: Any, pointer: int) -> Optional[datetime.datetime]:
    value = c_int64()
    return _time(value.value) if getter(pointer, byref(value)) else None


def _list(
    count: Any, item: Any, pointer: int
) -> Optional[Tuple[str, ...]]:
    size = c_size_t()
    if not count(pointer, byref(size)):
        return None
    return tuple(item(pointer, i).decode() for i in range(size.value))


def _notes(getter: Any, pointer: int) -> Tuple[str, ...]:
    notes = []
    while True:
        note = getter(pointer, len(notes))
        if note is None:
            return tuple(notes)
        notes.append(note.decode())


def _dict(getter: Any, pointer: int) -> Dict[str, Any]:
    text = _c.get_json(getter, pointer)
    if text is None:
        raise MemoryError
    return json.loads(text)


class _Object:
    __slots__ = ("_handle",)
    _handle: _c.Handle


class _Policy(_Object):
    """A policy that was read: for who verifies with it often, or wants to know
    at once that it is good. Files and texts are also taken wherever a policy
    is."""

    __slots__ = ()
    _read: Any
    _free: Any

    def __init__(self, text: Text, name: str = "policy") -> None:
        self._handle = self._make(_bytes(text, "policy"), name)

    @classmethod
    def read(cls, path: Path) -> Any:
        """Reads the file. OSError: it cannot be read."""
        with open(path, "rb") as file:
            return cls(file.read(), os.fspath(path))

    @classmethod
    def _make(cls, text: bytes, name: str) -> _c.Handle:
        error = c_void_p()
        named = name.encode("utf-8", "replace")
        pointer = cls._read(text, len(text), named, len(named), byref(error))
        if pointer is None:
            raise _error(error, PolicyError)
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


class _Policies:
    """What was read before, so that reading costs once."""

    def __init__(self, kind: Type[_Policy]) -> None:
        self._kind = kind
        self._read: Dict[Any, Tuple[Any, _c.Handle]] = {}

    def get(self, policy: Any) -> _c.Handle:
        if isinstance(policy, self._kind):
            return policy._handle
        if isinstance(policy, _Policy):
            raise TypeError(f"policy is {type(policy).__name__}")
        if not _is_path(policy):
            text = _bytes(policy, "policy")
            return self._find(text, None) or self._keep(
                text, None, self._kind._make(text, "policy")
            )
        path = os.fspath(policy)
        handle = self._find(path, _version(os.stat(path)))
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


_identity_policies = _Policies(IdentityPolicy)
_attestation_policies = _Policies(AttestationPolicy)


class Ledger(_Object):
    """Remembers identity documents, in memory, so that one is not shown twice.
    Once it holds `max_entries`, a new one is refused."""

    __slots__ = ()

    def __init__(self, max_entries: int) -> None:
        if max_entries < 1:
            raise ValueError("max_entries is less than 1")
        pointer = _c.ledger_new(max_entries)
        if pointer is None:
            raise MemoryError
        self._handle = _c.Handle(pointer, _c.ledger_free)

    def forget_before(self, when: datetime.datetime) -> int:
        """Forgets documents from before `when`; returns how many."""
        return _c.ledger_forget_before(
            self._handle.pointer, _moment(when, "when")
        )


def _field(name: str) -> Any:
    encoded = name.encode()

    def get(self: Any) -> Optional[str]:
        text = _c.get_bytes(_c.identity_field, self._handle.pointer, encoded)
        return None if text is None else text.decode()

    return property(get)


class Identity(_Object):
    """What a verified identity document says."""

    __slots__ = ()

    account_id: str = _field("account_id")
    region: str = _field("region")
    partition: Optional[str] = _field("partition")
    availability_zone: Optional[str] = _field("availability_zone")
    instance_id: str = _field("instance_id")
    instance_type: Optional[str] = _field("instance_type")
    image_id: Optional[str] = _field("image_id")
    architecture: Optional[str] = _field("architecture")
    kernel_id: Optional[str] = _field("kernel_id")
    ramdisk_id: Optional[str] = _field("ramdisk_id")
    private_ip: Optional[str] = _field("private_ip")
    version: Optional[str] = _field("version")

    @property
    def pending_time(self) -> datetime.datetime:
        return _time(_c.identity_pending_time(self._handle.pointer))

    @property
    def signing_time(self) -> Optional[datetime.datetime]:
        return _optional_time(_c.identity_signing_time, self._handle.pointer)

    @property
    def product_codes(self) -> Optional[Tuple[str, ...]]:
        return _list(
            _c.identity_product_codes,
            _c.identity_product_code,
            self._handle.pointer,
        )

    @property
    def billing_products(self) -> Optional[Tuple[str, ...]]:
        return _list(
            _c.identity_billing_products,
            _c.identity_billing_product,
            self._handle.pointer,
        )

    @property
    def notes(self) -> Tuple[str, ...]:
        """What is worth knowing and no fault, by name."""
        return _notes(_c.identity_note, self._handle.pointer)

    @property
    def form(self) -> Form:
        return Form(_c.identity_form(self._handle.pointer))

    @property
    def document(self) -> bytes:
        """The exact bytes that AWS signed."""
        return _c.get_bytes(_c.identity_document, self._handle.pointer) or b""

    def to_dict(self) -> Dict[str, Any]:
        """What "trustctl verify identity --output json" prints."""
        return _dict(_c.identity_json, self._handle.pointer)

    def __repr__(self) -> str:
        return (
            f"<anchorage.Identity {self.instance_id} of {self.account_id} "
            f"in {self.region}>"
        )


def _attested_text(getter: Any) -> Any:
    return property(lambda self: _c.get_text(getter, self._handle.pointer))


def _attested_bytes(getter: Any) -> Any:
    return property(lambda self: _c.get_bytes(getter, self._handle.pointer))


class Attestation(_Object):
    """What a verified attestation document says."""

    __slots__ = ()

    module_id: str = _attested_text(_c.attestation_module_id)
    instance_id: Optional[str] = _attested_text(_c.attestation_instance_id)
    region: Optional[str] = _attested_text(_c.attestation_region)
    partition: Optional[str] = _attested_text(_c.attestation_partition)
    release: Optional[str] = _attested_text(_c.attestation_release)
    # Present and empty is b"".
    public_key: Optional[bytes] = _attested_bytes(_c.attestation_public_key)
    user_data: Optional[bytes] = _attested_bytes(_c.attestation_user_data)
    nonce: Optional[bytes] = _attested_bytes(_c.attestation_nonce)

    @property
    def type(self) -> AttestationType:
        return AttestationType(_c.attestation_type(self._handle.pointer))

    @property
    def time(self) -> datetime.datetime:
        return _time(_c.attestation_time(self._handle.pointer))

    @property
    def notes(self) -> Tuple[str, ...]:
        """What is worth knowing and no fault, by name."""
        return _notes(_c.attestation_note, self._handle.pointer)

    def pcr(self, index: int) -> Optional[bytes]:
        return _c.get_bytes(_c.attestation_pcr, self._handle.pointer, index)

    def to_dict(self) -> Dict[str, Any]:
        """What "trustctl verify attestation --output json" prints."""
        return _dict(_c.attestation_json, self._handle.pointer)

    def __repr__(self) -> str:
        return f"<anchorage.Attestation of {self.module_id}>"


class State(_Object):
    """How a client stood when it was asked."""

    __slots__ = ()

    @property
    def origin(self) -> Origin:
        return Origin(_c.state_origin(self._handle.pointer))

    @property
    def freshness(self) -> Freshness:
        return Freshness(_c.state_freshness(self._handle.pointer))

    @property
    def sequence(self) -> int:
        return _c.state_sequence(self._handle.pointer)

    @property
    def as_of(self) -> datetime.datetime:
        return _time(_c.state_as_of(self._handle.pointer))

    @property
    def fresh_until(self) -> Optional[datetime.datetime]:
        """None: a built-in set that does not age."""
        return _optional_time(_c.state_fresh_until, self._handle.pointer)

    def to_dict(self) -> Dict[str, Any]:
        """Everything that the client counts, for status pages."""
        return _dict(_c.state_json, self._handle.pointer)

    def __repr__(self) -> str:
        return (
            f"<anchorage.State sequence {self.sequence} {self.origin.name} "
            f"{self.freshness.name}>"
        )


class Client:
    """A set of anchors that keeps itself current; one for a process.

    Making one never waits for the network. Without a `url` it has the set that
    is built in. UsageError: an option is wrong.

    url: where a trustd, a CDN or a bucket has the files, such as
        "https://trust.example.com/tuf/"; needs `trusted_root`, and libcurl.so.4
        when something is first fetched.
    trusted_root: root.json of the repository, from a channel that you trust:
        a path, or its bytes.
    cache_dir: a folder for what was last verified, this client's alone; needs
        `trusted_root`.
    targets_url: where its targets are; "targets/" below `url`.
    tls_roots: the PEM certificates that the server's must chain to, a path or
        bytes; by default the system's.
    background_refresh: False asks only where refresh() is called.
    refresh_interval, timeout, max_stale: seconds, or a timedelta.
    """

    def __init__(
        self,
        *,
        url: Union[str, _NotGiven] = _NOT_GIVEN,
        trusted_root: Union[Text, Path, _NotGiven] = _NOT_GIVEN,
        cache_dir: Union[Path, _NotGiven] = _NOT_GIVEN,
        targets_url: Union[str, _NotGiven] = _NOT_GIVEN,
        tls_roots: Union[Text, Path, _NotGiven] = _NOT_GIVEN,
        background_refresh: Union[bool, _NotGiven] = _NOT_GIVEN,
        refresh_interval: Union[
            float, datetime.timedelta, _NotGiven
        ] = _NOT_GIVEN,
        timeout: Union[float, datetime.timedelta, _NotGiven] = _NOT_GIVEN,
        max_stale: Union[float, datetime.timedelta, _NotGiven] = _NOT_GIVEN,
        identity_when_expired: Union[WhenExpired, _NotGiven] = _NOT_GIVEN,
        attestation_when_expired: Union[WhenExpired, _NotGiven] = _NOT_GIVEN,
    ) -> None:
        self._handle: Optional[_c.Handle] = None
        pointer = _c.options_new()
        options = _c.Handle(pointer, _c.options_free)

        def text(setter: Any, value: Any, what: str, to_bytes: Any) -> None:
            if value is not _NOT_GIVEN:
                given = to_bytes(value, what)
                setter(pointer, given, len(given))

        def number(setter: Any, value: Any, to_int: Any) -> None:
            if value is not _NOT_GIVEN:
                setter(pointer, to_int(value))

        def duration(value: Any) -> int:
            return _milliseconds(value, "a duration")

        text(_c.options_set_url, url, "url", _bytes)
        text(_c.options_set_targets_url, targets_url, "targets_url", _bytes)
        text(
            _c.options_set_trusted_root,
            trusted_root,
            "trusted_root",
            _file_or_bytes,
        )
        text(_c.options_set_tls_roots, tls_roots, "tls_roots", _file_or_bytes)
        text(
            _c.options_set_cache_folder,
            cache_dir,
            "cache_dir",
            lambda path, _: os.fsencode(path),
        )
        number(
            _c.options_set_background_refresh,
            background_refresh,
            lambda on: 1 if on else 0,
        )
        number(_c.options_set_refresh_interval, refresh_interval, duration)
        number(_c.options_set_timeout, timeout, duration)
        number(_c.options_set_max_stale, max_stale, duration)
        number(
            _c.options_set_identity_when_expired,
            identity_when_expired,
            WhenExpired,
        )
        number(
            _c.options_set_attestation_when_expired,
            attestation_when_expired,
            WhenExpired,
        )
        error = c_void_p()
        made = _c.client_new(options.pointer, byref(error))
        if made is None:
            raise _error(error, UsageError)
        self._handle = _c.Handle(made, _c.client_free)

    def close(self) -> None:
        """Stops refreshing. Calls under way end as they would have; a later
        one raises ValueError."""
        self._handle = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _open(self) -> _c.Handle:
        handle = self._handle
        if handle is None:
            raise ValueError("the client is closed")
        return handle

    def refresh(self) -> None:
        """Asks the server now. Unreachable, UpdateRefused: the set is as good
        as before, but where a new root ended it."""
        handle = self._open()
        error = c_void_p()
        if _c.client_refresh(handle.pointer, byref(error)) != 0:
            raise _error(error, Unreachable)

    def state(self) -> State:
        handle = self._open()
        error = c_void_p()
        pointer = _c.client_state(handle.pointer, byref(error))
        if pointer is None:
            raise _error(error, UsageError)
        state = State()
        state._handle = _c.Handle(pointer, _c.state_free)
        return state

    def verify_identity(
        self,
        signature: Text,
        policy: Union[IdentityPolicy, Text, Path],
        *,
        document: Union[Text, _NotGiven] = _NOT_GIVEN,
        form: Form = Form.RECOGNISED,
        ledger: Union[Ledger, _NotGiven] = _NOT_GIVEN,
        replay_mode: ReplayMode = ReplayMode.SINGLE_USE,
        binding: Union[Text, _NotGiven] = _NOT_GIVEN,
        trace: bool = False,
    ) -> Identity:
        """Verifies what IMDS answers below /latest/dynamic/instance-identity/.

        signature: the answer of "rsa2048", "pkcs7" or "signature", as it is.
        policy: a path (os.PathLike, or a str of one line), or the text.
        document: its exact bytes; needed with the answer of "signature".
        ledger, replay_mode, binding: refuses a document that was shown before;
            `binding` names the sender, for FIRST_USE_BINDS.
        trace: records every check, for to_dict() of result and error.

        Refused: .reason, .check and .detail say why. PolicyError, OSError: the
        policy cannot be read.
        """
        setters = []
        if document is not _NOT_GIVEN:
            given = _bytes(document, "document")
            setters.append((_c.request_set_document, given, len(given)))
        if form != Form.RECOGNISED:
            setters.append((_c.request_set_form, Form(form)))
        if ledger is not _NOT_GIVEN:
            if not isinstance(ledger, Ledger):
                raise TypeError(f"ledger is {type(ledger).__name__}")
            mode = ReplayMode(replay_mode)
            if (mode == ReplayMode.FIRST_USE_BINDS) != (
                binding is not _NOT_GIVEN
            ):
                raise TypeError("FIRST_USE_BINDS, and it alone, has a binding")
            sender: Tuple[Optional[bytes], int] = (None, 0)
            if binding is not _NOT_GIVEN:
                given = _bytes(binding, "binding")
                sender = (given, len(given))
            setters.append(
                (
                    _c.request_set_ledger,
                    ledger._handle.pointer,
                    mode,
                    *sender,
                )
            )
        elif binding is not _NOT_GIVEN:
            raise TypeError("a binding needs a ledger")
        if trace:
            setters.append((_c.request_set_trace, 1))
        identity = Identity()
        identity._handle = self._verify(
            _c.verify_identity,
            _bytes(signature, "signature"),
            _identity_policies.get(policy),
            setters,
            _c.identity_free,
        )
        return identity

    def verify_attestation(
        self,
        document: bytes,
        policy: Union[AttestationPolicy, Text, Path],
        *,
        nonce: Union[bytes, _NotGiven] = _NOT_GIVEN,
        user_data: Union[bytes, _NotGiven] = _NOT_GIVEN,
        public_key: Union[bytes, _NotGiven] = _NOT_GIVEN,
        recorded_at: Union[datetime.datetime, _NotGiven] = _NOT_GIVEN,
        trace: bool = False,
    ) -> Attestation:
        """Verifies a document of an enclave or a NitroTPM, as `policy` says.

        policy: a path (os.PathLike, or a str of one line), or the text.
        nonce, user_data, public_key: what the field must be, exactly; b"" is
            present and empty. A policy that says something of it is refused.
        recorded_at: judges evidence that was recorded, as of that time: never
            an answer about who is there now.
        trace: records every check, for to_dict() of result and error.

        Refused: .reason, .check and .detail say why. PolicyError, OSError: the
        policy cannot be read.
        """
        setters = []
        for setter, value, what in (
            (_c.request_set_nonce, nonce, "nonce"),
            (_c.request_set_user_data, user_data, "user_data"),
            (_c.request_set_public_key, public_key, "public_key"),
        ):
            if value is not _NOT_GIVEN:
                given = _only_bytes(value, what)
                setters.append((setter, given, len(given)))
        if recorded_at is not _NOT_GIVEN:
            setters.append(
                (
                    _c.request_set_recorded_at,
                    _moment(recorded_at, "recorded_at"),
                )
            )
        if trace:
            setters.append((_c.request_set_trace, 1))
        attestation = Attestation()
        attestation._handle = self._verify(
            _c.verify_attestation,
            _only_bytes(document, "document"),
            _attestation_policies.get(policy),
            setters,
            _c.attestation_free,
        )
        return attestation

    def _verify(
        self,
        call: Any,
        evidence: bytes,
        policy: _c.Handle,
        setters: Any,
        free: Callable[[int], None],
    ) -> _c.Handle:
        handle = self._open()
        request: Optional[_c.Handle] = None
        if setters:
            pointer = _c.request_new()
            request = _c.Handle(pointer, _c.request_free)
            for setter, *arguments in setters:
                setter(pointer, *arguments)
        error = c_void_p()
        made = call(
            handle.pointer,
            evidence,
            len(evidence),
            policy.pointer,
            None if request is None else request.pointer,
            byref(error),
        )
        if made is None:
            raise _error(error, Refused)
        return _c.Handle(made, free)
