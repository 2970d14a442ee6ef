"""What a verification found, and how a client stands."""

from __future__ import annotations

import datetime
import json
from ctypes import byref, c_int64, c_size_t
from typing import Any, Dict, Final, List, Optional, Tuple

from . import _library as _c
from ._given import EPOCH, INT32_MAX, MILLISECOND
from ._names import AttestationType, Form, Freshness, Origin, Source


def _time(milliseconds: int) -> datetime.datetime:
    return EPOCH + milliseconds * MILLISECOND


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
    notes: List[str] = []
    while True:
        note = getter(pointer, len(notes))
        if note is None:
            return tuple(notes)
        notes.append(note.decode())


def _dict(getter: Any, pointer: int) -> Dict[str, Any]:
    text = _c.get_json(getter, pointer)
    if text is None:
        raise MemoryError
    read: Dict[str, Any] = json.loads(text)
    return read


def _field(name: str) -> Any:
    encoded = name.encode()

    def get(self: Any) -> Optional[str]:
        text = _c.get_bytes(_c.identity_field, self._handle.pointer, encoded)
        return None if text is None else text.decode()

    return property(get)


class Identity(_c.Object):
    """What a verified identity document says."""

    __slots__ = ()

    account_id: Final[str] = _field("account_id")
    region: Final[str] = _field("region")
    partition: Final[str] = _field("partition")
    availability_zone: Final[str] = _field("availability_zone")
    instance_id: Final[str] = _field("instance_id")
    instance_type: Final[str] = _field("instance_type")
    image_id: Final[str] = _field("image_id")
    architecture: Final[str] = _field("architecture")
    kernel_id: Final[Optional[str]] = _field("kernel_id")
    ramdisk_id: Final[Optional[str]] = _field("ramdisk_id")
    private_ip: Final[Optional[str]] = _field("private_ip")
    version: Final[str] = _field("version")

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


class Attestation(_c.Object):
    """What a verified attestation document says."""

    __slots__ = ()

    module_id: Final[str] = _attested_text(_c.attestation_module_id)
    instance_id: Final[Optional[str]] = _attested_text(
        _c.attestation_instance_id
    )
    region: Final[Optional[str]] = _attested_text(_c.attestation_region)
    partition: Final[str] = _attested_text(_c.attestation_partition)
    release: Final[Optional[str]] = _attested_text(_c.attestation_release)
    # Present and empty is b"".
    public_key: Final[Optional[bytes]] = _attested_bytes(
        _c.attestation_public_key
    )
    user_data: Final[Optional[bytes]] = _attested_bytes(
        _c.attestation_user_data
    )
    nonce: Final[Optional[bytes]] = _attested_bytes(_c.attestation_nonce)

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
        """None: the document has no such PCR."""
        if not 0 <= index <= INT32_MAX:
            return None
        return _c.get_bytes(_c.attestation_pcr, self._handle.pointer, index)

    def to_dict(self) -> Dict[str, Any]:
        """What "trustctl verify attestation --output json" prints."""
        return _dict(_c.attestation_json, self._handle.pointer)

    def __repr__(self) -> str:
        return f"<anchorage.Attestation of {self.module_id}>"


class Attested(_c.Object):
    """An attestation document of this machine."""

    __slots__ = ()

    @property
    def document(self) -> bytes:
        return _c.get_bytes(_c.attested_document, self._handle.pointer) or b""

    @property
    def source(self) -> Source:
        return Source(_c.attested_source(self._handle.pointer))

    @property
    def private_key(self) -> Optional[bytes]:
        """PKCS #8, DER; None: no key was made. The library's own copy is
        overwritten when it is freed; Python's copies are not."""
        return _c.get_bytes(_c.attested_private_key, self._handle.pointer)

    def __repr__(self) -> str:
        return f"<anchorage.Attested by {self.source.name}>"


class State(_c.Object):
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
        return int(_c.state_sequence(self._handle.pointer))

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
