"""The numbers of anchorage.h by their names."""

from __future__ import annotations

import enum


class _Named(enum.IntEnum):
    """Prints as its name in every version of Python."""

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class Code(_Named):
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


class Form(_Named):
    """Which of IMDS's three signatures."""

    RECOGNISED = 0
    SIGNATURE = 1
    PKCS7 = 2
    RSA2048 = 3


class Origin(_Named):
    """Where the set that is in use came from."""

    BAKED_IN = 1
    CACHE = 2
    SERVER = 3

    @classmethod
    def _missing_(cls, value: object) -> "Origin":
        return cls.BAKED_IN


class Freshness(_Named):
    """How old the set is that is in use."""

    FRESH = 1
    STALE = 2
    EXPIRED = 3
    BAKED_IN = 4

    @classmethod
    def _missing_(cls, value: object) -> "Freshness":
        return cls.EXPIRED


class WhenExpired(_Named):
    """What a set that is EXPIRED does."""

    SERVE_LAST_GOOD = 1
    REFUSE = 2


class AttestationType(_Named):
    ENCLAVE = 1
    NITRO_TPM = 2


class Source(_Named):
    """Who made an attestation document."""

    NSM = 1
    PROGRAM = 2


class ReplayMode(_Named):
    """What a ledger remembers an identity document for."""

    SINGLE_USE = 1
    FIRST_USE_BINDS = 2
    NEWEST_PENDING_TIME = 3
