"""What verifies, with a set of anchors that keeps itself current."""

from __future__ import annotations

import datetime
from ctypes import byref, c_int64, c_void_p
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from . import _library as _c
from ._errors import Error, Refused, Unreachable, UsageError, take_error
from ._given import (
    INT64_MAX,
    NOT_GIVEN,
    NotGiven,
    Path,
    Text,
    Time,
    boolean,
    file_or_bytes,
    int32,
    milliseconds,
    moment,
    one_of,
    only_bytes,
    to_bytes,
    to_path,
    when_expired,
)
from ._names import Form, ReplayMode, WhenExpired
from ._policies import (
    AttestationPolicy,
    IdentityPolicy,
    attestation_policies,
    identity_policies,
)
from ._results import Attestation, Attested, Identity, State

_Setters = List[Tuple[Any, ...]]


class Ledger(_c.Object):
    """Remembers identity documents, in memory, so that one is not shown twice.
    Once it holds `max_entries`, a new one is refused."""

    __slots__ = ()

    def __init__(self, max_entries: int) -> None:
        if max_entries < 1:
            raise ValueError("max_entries is less than 1")
        pointer = _c.ledger_new(min(max_entries, INT64_MAX))
        if pointer is None:
            raise MemoryError
        self._handle = _c.Handle(pointer, _c.ledger_free)

    def forget_before(self, when: datetime.datetime) -> int:
        """Forgets documents from before `when`; returns how many."""
        forgotten: int = _c.ledger_forget_before(
            self._handle.pointer, moment(when, "when")
        )
        return forgotten


class Client(_c.Uncopied):
    """A set of anchors that keeps itself current; one for a process.

    Making one never waits for the network. Without a `url` it has the set that
    is built in. UsageError: an option is wrong.

    url: where a trustd, a CDN or a bucket has the files, such as
        "https://trust.example.com/tuf/"; needs `trusted_root`, and
        libcurl.so.4 when something is first fetched.
    trusted_root: root.json of the repository, from a channel that you trust:
        a path, or its bytes.
    further_urls: other places with the same files, asked in turn where those
        before do not answer, or not with what verifies; at most 16.
    proxy, proxy_of_environment: a proxy's URL, or True for what https_proxy
        and the like say; by default none.
    cache_dir: a folder for what was last verified, of root's or of this
        process's user, for any number of clients; needs `trusted_root`.
    targets_url: where its targets are; "targets/" below `url`.
    tls_roots: the PEM certificates that the server's must chain to, a path or
        bytes; by default the system's.
    baked_bundle, baked_bundle_as_of: the set that is there before any other,
        a serialised GetUpdateResponse, and when it was known to be the newest;
        by default the one that is built in.
    background_refresh: False asks only where refresh() or refresh_once() is
        called.
    metrics_file: for node_exporter's textfile collector, an absolute path that
        ends in ".prom", of this client alone.
    report_outcomes: True reports to the server how many verifications ended
        how, by slot and reason; no account, instance or address. Every
        `report_interval`, one of `report_sample` reports.
    refresh_interval, timeout, refresh_budget, max_stale, report_interval:
        seconds, or a timedelta; `timeout` is one file's, and `refresh_budget`
        that of one refresh.
    """

    def __init__(
        self,
        *,
        url: Union[str, NotGiven] = NOT_GIVEN,
        trusted_root: Union[Text, Path, NotGiven] = NOT_GIVEN,
        further_urls: Sequence[str] = (),
        proxy: Union[str, NotGiven] = NOT_GIVEN,
        proxy_of_environment: Union[bool, NotGiven] = NOT_GIVEN,
        cache_dir: Union[Path, NotGiven] = NOT_GIVEN,
        targets_url: Union[str, NotGiven] = NOT_GIVEN,
        tls_roots: Union[Text, Path, NotGiven] = NOT_GIVEN,
        baked_bundle: Union[bytes, NotGiven] = NOT_GIVEN,
        baked_bundle_as_of: Union[datetime.datetime, NotGiven] = NOT_GIVEN,
        background_refresh: Union[bool, NotGiven] = NOT_GIVEN,
        refresh_interval: Union[Time, NotGiven] = NOT_GIVEN,
        timeout: Union[Time, NotGiven] = NOT_GIVEN,
        refresh_budget: Union[Time, NotGiven] = NOT_GIVEN,
        max_stale: Union[Time, NotGiven] = NOT_GIVEN,
        metrics_file: Union[Path, NotGiven] = NOT_GIVEN,
        report_outcomes: Union[bool, NotGiven] = NOT_GIVEN,
        report_interval: Union[Time, NotGiven] = NOT_GIVEN,
        report_sample: Union[int, NotGiven] = NOT_GIVEN,
        identity_when_expired: Union[WhenExpired, NotGiven] = NOT_GIVEN,
        attestation_when_expired: Union[WhenExpired, NotGiven] = NOT_GIVEN,
    ) -> None:
        self._handle: Optional[_c.Handle] = None
        if (baked_bundle is NOT_GIVEN) != (baked_bundle_as_of is NOT_GIVEN):
            raise TypeError("one of baked_bundle and baked_bundle_as_of")
        pointer = _c.options_new()
        options = _c.Handle(pointer, _c.options_free)

        def option(name: str, value: Any, read: Any, *more: Any) -> None:
            if value is NOT_GIVEN:
                return
            given = read(value, name)
            size = (len(given),) if isinstance(given, bytes) else ()
            getattr(_c, "options_set_" + name)(pointer, given, *size, *more)

        option("url", url, to_bytes)
        if isinstance(further_urls, (str, bytes)):
            raise TypeError("further_urls is one text, not several")
        for further in further_urls:
            given = to_bytes(further, "further_urls")
            _c.options_add_url(pointer, given, len(given))
        option("proxy", proxy, to_bytes)
        option("proxy_of_environment", proxy_of_environment, boolean)
        option("targets_url", targets_url, to_bytes)
        option("trusted_root", trusted_root, file_or_bytes)
        option("tls_roots", tls_roots, file_or_bytes)
        option("cache_folder", cache_dir, to_path)
        if baked_bundle_as_of is not NOT_GIVEN:
            as_of = moment(baked_bundle_as_of, "baked_bundle_as_of")
            option("baked_bundle", baked_bundle, only_bytes, as_of)
        option("background_refresh", background_refresh, boolean)
        option("refresh_interval", refresh_interval, milliseconds)
        option("timeout", timeout, milliseconds)
        option("refresh_budget", refresh_budget, milliseconds)
        option("max_stale", max_stale, milliseconds)
        option("metrics_file", metrics_file, to_path)
        option("report_outcomes", report_outcomes, boolean)
        option("report_interval", report_interval, milliseconds)
        option("report_sample", report_sample, int32)
        option("identity_when_expired", identity_when_expired, when_expired)
        option(
            "attestation_when_expired", attestation_when_expired, when_expired
        )
        error = c_void_p()
        made = _c.client_new(options.pointer, byref(error))
        if made is None:
            raise take_error(error, UsageError)
        self._handle = _c.Handle(made, _c.client_free)

    def close(self) -> None:
        """Stops refreshing: a refresh() under way in another thread raises
        Unreachable within about a second. Verifications end as they would
        have; a later call raises ValueError."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _c.client_cancel(handle.pointer)

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
            raise take_error(error, Unreachable)

    def refresh_once(self) -> Tuple[Optional[Error], Optional[float]]:
        """The same for a host with a loop of its own: how it ended (None: the
        server's set is in use), and after how many seconds to ask again; None
        where there is nothing to wait for: no URL, or a forked process."""
        handle = self._open()
        error = c_void_p()
        pause = c_int64()
        failed: Optional[Error] = None
        if _c.client_refresh_once(handle.pointer, byref(pause), byref(error)):
            failed = take_error(error, Unreachable)
        return failed, _seconds(pause.value)

    def first_pause(self) -> Optional[float]:
        """How many seconds to wait before the first refresh_once(), so that a
        fleet does not ask together; None as there."""
        return _seconds(_c.client_first_pause(self._open().pointer))

    def state(self) -> State:
        handle = self._open()
        error = c_void_p()
        pointer = _c.client_state(handle.pointer, byref(error))
        if pointer is None:
            raise take_error(error, UsageError)
        state = State()
        state._handle = _c.Handle(pointer, _c.state_free)
        return state

    def verify_identity(
        self,
        signature: Text,
        policy: Union[IdentityPolicy, Text, Path],
        *,
        document: Union[Text, NotGiven] = NOT_GIVEN,
        form: Form = Form.RECOGNISED,
        ledger: Union[Ledger, NotGiven] = NOT_GIVEN,
        replay_mode: Union[ReplayMode, NotGiven] = NOT_GIVEN,
        binding: Union[Text, NotGiven] = NOT_GIVEN,
        recorded_at: Union[datetime.datetime, NotGiven] = NOT_GIVEN,
        trace: bool = False,
    ) -> Identity:
        """Verifies what IMDS answers below /latest/dynamic/instance-identity/.

        signature: the answer of "rsa2048", "pkcs7" or "signature", as it is.
        policy: a path (os.PathLike, or a str of one line), or the text.
        document: its exact bytes; needed with the answer of "signature".
        ledger, replay_mode, binding: refuses a document that was shown before,
            by default SINGLE_USE; `binding` names the sender, for
            FIRST_USE_BINDS.
        recorded_at: judges evidence that was recorded, as of that time: never
            an answer about who is there now.
        trace: records every check, for to_dict() of result and error.

        Refused: .reason, .check and .detail say why. PolicyError, OSError: the
        policy cannot be read.
        """
        setters: _Setters = []
        if document is not NOT_GIVEN:
            given = to_bytes(document, "document")
            setters.append((_c.request_set_document, given, len(given)))
        if one_of(Form, form, "form") != Form.RECOGNISED:
            setters.append((_c.request_set_form, form))
        _replay(setters, ledger, replay_mode, binding)
        _when_and_whether(setters, recorded_at, trace)
        identity = Identity()
        identity._handle = self._verify(
            _c.verify_identity,
            _sized(to_bytes(signature, "signature")),
            identity_policies.get(policy),
            setters,
            _c.identity_free,
        )
        return identity

    def verify_this_instance(
        self,
        policy: Union[IdentityPolicy, Text, Path],
        *,
        ledger: Union[Ledger, NotGiven] = NOT_GIVEN,
        replay_mode: Union[ReplayMode, NotGiven] = NOT_GIVEN,
        binding: Union[Text, NotGiven] = NOT_GIVEN,
        imds_url: Union[str, NotGiven] = NOT_GIVEN,
        imds_timeout: Union[Time, NotGiven] = NOT_GIVEN,
        imds_version_1: bool = False,
        trace: bool = False,
    ) -> Identity:
        """Gets the identity of the instance that this process runs on from
        IMDSv2, and verifies it: the strongest form that `policy` allows and
        that there is. Each call asks anew; it may take `imds_timeout`, 10
        seconds by default.

        imds_url: another address than EC2's two, for tests.
        imds_version_1: asks without a token: only for an instance that gives
            none.

        Refused with the code UNDECIDED and a reason such as IMDS_ABSENT: there
        was nothing to verify. Otherwise as verify_identity().
        """
        setters: _Setters = []
        _replay(setters, ledger, replay_mode, binding)
        if imds_url is not NOT_GIVEN:
            given = to_bytes(imds_url, "imds_url")
            setters.append((_c.request_set_imds_url, given, len(given)))
        if imds_timeout is not NOT_GIVEN:
            ms = milliseconds(imds_timeout, "imds_timeout")
            setters.append((_c.request_set_imds_timeout, ms))
        if boolean(imds_version_1, "imds_version_1"):
            setters.append((_c.request_set_imds_version_1, 1))
        _when_and_whether(setters, NOT_GIVEN, trace)
        identity = Identity()
        identity._handle = self._verify(
            _c.verify_this_instance,
            (),
            identity_policies.get(policy),
            setters,
            _c.identity_free,
        )
        return identity

    def verify_attestation(
        self,
        document: bytes,
        policy: Union[AttestationPolicy, Text, Path],
        *,
        nonce: Union[bytes, NotGiven] = NOT_GIVEN,
        user_data: Union[bytes, NotGiven] = NOT_GIVEN,
        public_key: Union[bytes, NotGiven] = NOT_GIVEN,
        recorded_at: Union[datetime.datetime, NotGiven] = NOT_GIVEN,
        trace: bool = False,
    ) -> Attestation:
        """Verifies a document of an enclave or a NitroTPM, as `policy` says.

        policy: a path (os.PathLike, or a str of one line), or the text.
        nonce, user_data, public_key: what the field must be, exactly; b"" is
            present and empty, but refused as a nonce. A policy that says
            something of it is refused.
        recorded_at: judges evidence that was recorded, as of that time: never
            an answer about who is there now.
        trace: records every check, for to_dict() of result and error.

        Refused: .reason, .check and .detail say why. PolicyError, OSError: the
        policy cannot be read.
        """
        setters: _Setters = []
        _fields(setters, nonce, user_data, public_key)
        _when_and_whether(setters, recorded_at, trace)
        attestation = Attestation()
        attestation._handle = self._verify(
            _c.verify_attestation,
            _sized(only_bytes(document, "document")),
            attestation_policies.get(policy),
            setters,
            _c.attestation_free,
        )
        return attestation

    def _verify(
        self,
        call: Any,
        evidence: Tuple[Any, ...],
        policy: _c.Handle,
        setters: _Setters,
        free: Callable[[int], None],
    ) -> _c.Handle:
        handle = self._open()
        request = _new_request(setters)
        error = c_void_p()
        made = call(
            handle.pointer,
            *evidence,
            policy.pointer,
            None if request is None else request.pointer,
            byref(error),
        )
        if made is None:
            raise take_error(error, Refused)
        return _c.Handle(made, free)


def attest(
    *,
    nonce: Union[bytes, NotGiven] = NOT_GIVEN,
    user_data: Union[bytes, NotGiven] = NOT_GIVEN,
    public_key: Union[bytes, NotGiven] = NOT_GIVEN,
    new_key: bool = False,
    program: Union[Path, NotGiven] = NOT_GIVEN,
    timeout: Union[Time, NotGiven] = NOT_GIVEN,
) -> Attested:
    """An attestation document of this machine, with what it is to hold: of an
    enclave, by /dev/nsm; of an instance with a NitroTPM, by `program`, in
    /usr/bin/nitro-tpm-attest by default. Whether AWS made it is for who
    verifies it, elsewhere.

    new_key: makes a key, whose public key the document holds: RSA with 2048
        bits, as a Recipient of AWS KMS has it.
    timeout: the longest that the program may take, 30 seconds by default.

    Refused with the code UNDECIDED and a reason such as ATTESTATION_ABSENT:
    there is no document.
    """
    setters: _Setters = []
    _fields(setters, nonce, user_data, public_key)
    if program is not NOT_GIVEN:
        path = to_path(program, "program")
        setters.append((_c.request_set_attest_program, path, len(path)))
    if timeout is not NOT_GIVEN:
        ms = milliseconds(timeout, "timeout")
        setters.append((_c.request_set_attest_timeout, ms))
    call = _c.attest_new_key if boolean(new_key, "new_key") else _c.attest
    request = _new_request(setters)
    error = c_void_p()
    made = call(None if request is None else request.pointer, byref(error))
    if made is None:
        raise take_error(error, Refused)
    attested = Attested()
    attested._handle = _c.Handle(made, _c.attested_free)
    return attested


def _new_request(setters: _Setters) -> Optional[_c.Handle]:
    if not setters:
        return None
    pointer = _c.request_new()
    request = _c.Handle(pointer, _c.request_free)
    for setter, *arguments in setters:
        setter(pointer, *arguments)
    return request


def _sized(evidence: bytes) -> Tuple[Any, ...]:
    return evidence, len(evidence)


def _fields(
    setters: _Setters, nonce: Any, user_data: Any, public_key: Any
) -> None:
    for setter, value, what in (
        (_c.request_set_nonce, nonce, "nonce"),
        (_c.request_set_user_data, user_data, "user_data"),
        (_c.request_set_public_key, public_key, "public_key"),
    ):
        if value is not NOT_GIVEN:
            given = only_bytes(value, what)
            setters.append((setter, given, len(given)))


def _when_and_whether(setters: _Setters, recorded_at: Any, trace: Any) -> None:
    """What both verifications may be given."""
    if recorded_at is not NOT_GIVEN:
        when = moment(recorded_at, "recorded_at")
        setters.append((_c.request_set_recorded_at, when))
    if boolean(trace, "trace"):
        setters.append((_c.request_set_trace, 1))


def _replay(
    setters: _Setters, ledger: Any, replay_mode: Any, binding: Any
) -> None:
    if ledger is not NOT_GIVEN:
        if not isinstance(ledger, Ledger):
            raise TypeError(f"ledger is {type(ledger).__name__}")
        mode = ReplayMode.SINGLE_USE
        if replay_mode is not NOT_GIVEN:
            mode = one_of(ReplayMode, replay_mode, "replay_mode")
        if (mode == ReplayMode.FIRST_USE_BINDS) != (
            binding is not NOT_GIVEN
        ):
            raise TypeError("FIRST_USE_BINDS, and it alone, has a binding")
        sender: Tuple[Optional[bytes], int] = (None, 0)
        if binding is not NOT_GIVEN:
            given = to_bytes(binding, "binding")
            sender = (given, len(given))
        setters.append(
            (
                _c.request_set_ledger,
                ledger._handle.pointer,
                mode,
                *sender,
            )
        )
    elif binding is not NOT_GIVEN or replay_mode is not NOT_GIVEN:
        raise TypeError("binding and replay_mode need a ledger")


def _seconds(milliseconds: int) -> Optional[float]:
    return None if milliseconds < 0 else milliseconds / 1000
