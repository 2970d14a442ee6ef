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

from . import _library
from ._client import Client, Ledger, attest
from ._errors import (
    Error,
    PolicyError,
    Refused,
    Unreachable,
    UpdateRefused,
    UsageError,
)
from ._names import (
    AttestationType,
    Code,
    Form,
    Freshness,
    Origin,
    ReplayMode,
    Source,
    WhenExpired,
)
from ._policies import AttestationPolicy, IdentityPolicy
from ._results import Attestation, Attested, Identity, State

__all__ = [
    "Attestation",
    "Attested",
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
    "Source",
    "State",
    "Unreachable",
    "UpdateRefused",
    "UsageError",
    "WhenExpired",
    "attest",
    "version",
]

version: str = _library.version().decode()
__version__ = version.partition(" ")[0]

# In messages and pickles they have the names that callers know.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
