"""What callers give, as the library takes it. None is never "not given"."""

from __future__ import annotations

import datetime
import enum
import os
from typing import Any, Type, TypeVar, Union

from ._names import WhenExpired


class NotGiven(enum.Enum):
    NOT_GIVEN = 0

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven.NOT_GIVEN

Text = Union[str, bytes]
Path = Union[str, "os.PathLike[str]"]
Time = Union[float, datetime.timedelta]

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

_Enum = TypeVar("_Enum", bound=enum.IntEnum)


def to_bytes(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} is {type(value).__name__}, not str or bytes")


def only_bytes(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        raise TypeError(f"{what} is str, not bytes")
    return to_bytes(value, what)


def is_path(value: Any) -> bool:
    """A path, and not the text itself: os.PathLike, or a str of one line that
    is no JSON object and not empty."""
    if isinstance(value, str):
        return "\n" not in value and value.lstrip()[:1] not in ("", "{")
    return isinstance(value, os.PathLike)


def path_text(value: Any, what: str) -> str:
    path = os.fspath(value)
    if not isinstance(path, str):
        raise TypeError(f"{what} is a path of bytes, not of str")
    return path


def file_or_bytes(value: Any, what: str) -> bytes:
    if not is_path(value):
        return to_bytes(value, what)
    with open(value, "rb") as file:
        return file.read()


def milliseconds(value: Any, what: str) -> int:
    """Of a datetime with a time zone, since 1970; of a number of seconds or a
    timedelta, the length."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{what} has no time zone")
        value = value - EPOCH
    if isinstance(value, datetime.timedelta):
        count = value // MILLISECOND
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} is {type(value).__name__}, not a time")
    else:
        count = round(value * 1000)
    # ctypes would cut it.
    if abs(count) > INT64_MAX:
        raise OverflowError(f"{what} is too large")
    return count


def moment(value: Any, what: str) -> int:
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{what} is {type(value).__name__}, not datetime")
    return milliseconds(value, what)


def boolean(value: Any, what: str) -> int:
    if not isinstance(value, bool):
        raise TypeError(f"{what} is {type(value).__name__}, not bool")
    return int(value)


def int32(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} is {type(value).__name__}, not int")
    # ctypes would cut it.
    if abs(value) > INT32_MAX:
        raise OverflowError(f"{what} is too large")
    return value


def one_of(kind: Type[_Enum], value: Any, what: str) -> _Enum:
    if not isinstance(value, kind):
        raise TypeError(
            f"{what} is {type(value).__name__}, not {kind.__name__}"
        )
    return value


def when_expired(value: Any, what: str) -> int:
    return one_of(WhenExpired, value, what)


def to_path(value: Any, what: str) -> bytes:
    try:
        return os.fsencode(value)
    except TypeError:
        raise TypeError(
            f"{what} is {type(value).__name__}, not a path"
        ) from None
