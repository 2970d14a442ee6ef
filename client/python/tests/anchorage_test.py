"""The package against what it was installed with and a repository over HTTP:
test/bindings/bindings.sh says where these are."""

import asyncio
import copy
import datetime
import json
import os
import pathlib
import pickle
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import anchorage

VECTORS = pathlib.Path(os.environ["ANCHORAGE_TEST_VECTORS"])
POLICIES = pathlib.Path(os.environ["ANCHORAGE_TEST_POLICIES"])
URL = os.environ["ANCHORAGE_TEST_URL"]
ROOT = os.environ["ANCHORAGE_TEST_ROOT"]

RECORDED_AT = datetime.datetime(
    2026, 8, 13, 17, 36, 49, tzinfo=datetime.timezone.utc
)
SIGNATURE = (VECTORS / "iid/usw2-2021-teleport-1/rsa2048.b64").read_text()
DOCUMENT = (VECTORS / "nitro-tpm/live-usw2-i-000fa553.cbor").read_bytes()
IDENTITY_POLICY = POLICIES / "identity.yaml"
ATTESTATION_POLICY = POLICIES / "attestation.yaml"


def changed(text, at):
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]


class IdentityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = anchorage.Client()

    def verify(self, signature=SIGNATURE, policy=IDENTITY_POLICY, **more):
        return self.client.verify_identity(signature, policy, **more)

    def refused(self, *arguments, **more):
        with self.assertRaises(anchorage.Refused) as caught:
            self.verify(*arguments, **more)
        return caught.exception

    def test_real_document(self):
        machine = self.verify()
        self.assertEqual(machine.account_id, "278576220453")
        self.assertEqual(machine.region, "us-west-2")
        self.assertEqual(machine.availability_zone, "us-west-2a")
        self.assertEqual(machine.instance_id, "i-078517ca8a70a1dde")
        self.assertEqual(machine.instance_type, "t2.medium")
        self.assertEqual(machine.image_id, "ami-0fa9e1f64142cde17")
        self.assertEqual(machine.architecture, "x86_64")
        self.assertEqual(machine.private_ip, "10.0.0.209")
        self.assertEqual(machine.version, "2017-09-30")
        self.assertEqual(
            machine.pending_time,
            datetime.datetime(
                2021, 9, 3, 21, 25, 44, tzinfo=datetime.timezone.utc
            ),
        )
        self.assertEqual(machine.form, anchorage.Form.RSA2048)
        document = VECTORS / "iid/usw2-2021-teleport-1/document"
        self.assertEqual(machine.document, document.read_bytes())
        self.assertIn("i-078517ca8a70a1dde", repr(machine))

    def test_what_is_absent_is_none(self):
        machine = self.verify()
        self.assertIsNone(machine.kernel_id)
        self.assertIsNone(machine.ramdisk_id)
        self.assertIsNone(machine.product_codes)
        self.assertIsNone(machine.billing_products)

    def test_to_dict(self):
        self.assertIn("278576220453", str(self.verify(trace=True).to_dict()))

    def test_every_way_to_give_the_text(self):
        for signature in (
            SIGNATURE.encode(),
            bytearray(SIGNATURE.encode()),
            SIGNATURE.replace("\n", ""),
        ):
            self.assertEqual(self.verify(signature).region, "us-west-2")

    def test_the_answer_of_signature_needs_the_document(self):
        folder = VECTORS / "iid/apse2-2026-ts-verify"
        policy = (
            "minimum_kind: iid-rsa1024\n"
            "ignore: {max_age: recorded}\n"
            "ignore_the_rest: a test\n"
            "regions: [ap-southeast-2]\n"
        )
        signature = (folder / "signature.b64").read_text()
        document = (folder / "document").read_bytes()
        machine = self.verify(signature, policy, document=document)
        self.assertEqual(machine.form, anchorage.Form.SIGNATURE)
        self.assertEqual(machine.account_id, "189292791360")
        with self.assertRaises(anchorage.Error):
            self.verify(signature, policy)

    def test_changed_document(self):
        error = self.refused(changed(SIGNATURE, 400))
        self.assertEqual(error.reason, "DIGEST_MISMATCH")
        self.assertEqual(error.code, anchorage.Code.NOT_FROM_AWS)
        self.assertEqual(str(error), error.detail)
        self.assertTrue(error.check)
        self.assertIsNone(error.certificate_index)
        self.assertEqual(
            f"{type(error).__module__}.{type(error).__name__}",
            "anchorage.Refused",
        )
        self.assertIn("DIGEST_MISMATCH", str(error.to_dict()))

    def test_a_refusal_can_be_pickled(self):
        error = self.refused(changed(SIGNATURE, 400))
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual(copy.reason, error.reason)
        self.assertEqual(copy.check, error.check)

    def test_nothing_is_copied(self):
        for one in (
            self.client,
            self.client.state(),
            self.verify(),
            anchorage.IdentityPolicy.read(IDENTITY_POLICY),
            anchorage.Ledger(1),
        ):
            for make in (pickle.dumps, copy.copy, copy.deepcopy):
                with self.subTest(one), self.assertRaises(TypeError):
                    make(one)

    def test_a_result_does_not_change(self):
        with self.assertRaises(AttributeError):
            self.verify().account_id = "1"

    def test_no_evidence(self):
        self.assertEqual(self.refused("").code, anchorage.Code.UNREADABLE)
        for signature in (None, 5):
            with self.assertRaises(TypeError):
                self.verify(signature)

    def test_another_region(self):
        policy = IDENTITY_POLICY.read_text().replace("us-west-2", "eu-west-1")
        error = self.refused(policy=policy)
        self.assertEqual(error.code, anchorage.Code.REFUSED_BY_POLICY)
        self.assertEqual(error.reason, "REGION_NOT_ALLOWED")
        self.assertIn("us-west-2", error.detail)
        self.assertIn("eu-west-1", error.detail)

    def test_policies_that_cannot_be(self):
        with self.assertRaises(FileNotFoundError):
            self.verify(policy="none.yaml")
        with self.assertRaises(TypeError):
            self.verify(policy=None)
        for policy in ("", b"", "regions: []\n", "nonsense: 1\n"):
            with self.subTest(policy):
                with self.assertRaises(anchorage.PolicyError):
                    self.verify(policy=policy)

    def test_a_text_of_one_line_that_is_taken_for_a_path(self):
        for text in ("authenticity_only: a test", "regions: " + "x" * 9999):
            with self.assertRaisesRegex(OSError, r"line ends with \\n\)"):
                self.verify(policy=text)
        with self.assertRaises(FileNotFoundError) as caught:
            self.verify(policy="none.yaml")
        self.assertNotIn("line", str(caught.exception))
        self.verify(policy="authenticity_only: a test\n")

    def test_a_policy_of_the_other_kind(self):
        policy = anchorage.AttestationPolicy.read(ATTESTATION_POLICY)
        with self.assertRaises(TypeError):
            self.verify(policy=policy)

    def test_the_policies_of_the_manual(self):
        manual = pathlib.Path(__file__).parents[2] / "policy/README.md"
        blocks = re.findall(
            "^```yaml\n(.*?)^```$", manual.read_text(), re.M | re.S
        )
        identity, attestation = blocks
        anchorage.IdentityPolicy(identity)
        # "5e1f…" stands for the 96 digits of a PCR.
        anchorage.AttestationPolicy(
            re.sub("[0-9A-Fa-f]{4}…", "1" * 96, attestation)
        )

    def test_the_fields_of_the_manual(self):
        manual = pathlib.Path(__file__).parents[2] / "policy/README.md"
        fields = re.findall(
            r"^\| `(\w+)` \| `(.+?)` \|", manual.read_text(), re.M
        )
        self.assertEqual(len(fields), 15)
        # What cannot stand without another.
        others = {
            "clock_leeway": "max_age: 60s\nignore_the_rest: a test\n",
            "ignore": "accounts: ['278576220453']\nignore_the_rest: a test\n",
            "ignore_the_rest": "accounts: ['278576220453']\n",
            "authenticity_only": "",
        }
        for field, example in fields:
            rest = others.get(field, "ignore_the_rest: a test\n")
            with self.subTest(field):
                anchorage.IdentityPolicy(f"{field}: {example}\n{rest}")

    def test_a_policy_that_is_a_dict(self):
        policy = {
            "regions": ["us-west-2"],
            "minimum_kind": "iid-rsa2048",
            "ignore": {"max_age": "recorded \N{GRINNING FACE}"},
            "ignore_the_rest": "a test",
        }
        for is_ascii in (True, False):
            text = json.dumps(policy, ensure_ascii=is_ascii)
            self.assertEqual(self.verify(policy=text).region, "us-west-2")

    def test_names_and_paths_that_are_none(self):
        class Folder(os.PathLike):
            def __fspath__(self):
                return os.fsencode(IDENTITY_POLICY)

        text = IDENTITY_POLICY.read_text()
        for call in (
            lambda: self.verify(policy=Folder()),
            lambda: anchorage.IdentityPolicy.read(Folder()),
            lambda: anchorage.IdentityPolicy.read(os.fsencode("p")),
            lambda: anchorage.IdentityPolicy.read(None),
            lambda: anchorage.IdentityPolicy(text, name=None),
            lambda: anchorage.AttestationPolicy(text, b"policy"),
        ):
            with self.assertRaisesRegex(TypeError, ", not|None"):
                call()

    def test_a_policy_that_was_read(self):
        policy = anchorage.IdentityPolicy.read(IDENTITY_POLICY)
        self.assertEqual(self.verify(policy=policy).region, "us-west-2")

    def test_a_policy_file_that_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "licence.yaml")
            for region, good in (
                ("us-west-2", True),
                ("us-east-2", False),
                ("us-west-2", True),
            ):
                text = IDENTITY_POLICY.read_text()
                with open(path, "w") as file:
                    file.write(text.replace("us-west-2", region))
                if good:
                    self.verify(policy=path)
                else:
                    self.refused(policy=path)

    def test_replay(self):
        ledger = anchorage.Ledger(10)
        self.verify(ledger=ledger)
        self.assertEqual(self.refused(ledger=ledger).reason, "REPLAYED")
        for more in (
            {"ledger": None},
            {"replay_mode": anchorage.ReplayMode.SINGLE_USE},
            {"replay_mode": None, "ledger": ledger},
            {"form": None},
            {"trace": None},
            {"document": None},
            {"recorded_at": None},
            {"binding": "a"},
            {"ledger": ledger, "binding": "a"},
            {
                "ledger": ledger,
                "replay_mode": anchorage.ReplayMode.FIRST_USE_BINDS,
            },
        ):
            with self.subTest(more), self.assertRaises(TypeError):
                self.verify(**more)

    def test_recorded_evidence_uses_no_ledger(self):
        self.verify(recorded_at=RECORDED_AT)
        with self.assertRaises(anchorage.UsageError):
            self.verify(recorded_at=RECORDED_AT, ledger=anchorage.Ledger(1))

    def test_a_child_of_fork(self):
        child = os.fork()
        if child == 0:
            # Nothing of unittest's runs in it.
            os._exit(0 if self.verify().region == "us-west-2" else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_many_threads(self):
        regions = []

        def run():
            for _ in range(50):
                regions.append(self.verify().region)

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(regions, ["us-west-2"] * 400)

    def test_a_client_that_was_closed(self):
        with anchorage.Client() as client:
            machine = client.verify_identity(SIGNATURE, IDENTITY_POLICY)
        for call in (
            lambda: client.verify_identity(SIGNATURE, IDENTITY_POLICY),
            client.refresh,
            client.state,
        ):
            with self.assertRaises(ValueError):
                call()
        client.close()
        self.assertEqual(machine.region, "us-west-2")

    def test_what_a_call_costs(self):
        """Over the library's own 18 us at most 15; twice that may pass on a
        machine that does other things too."""
        policy = anchorage.IdentityPolicy.read(IDENTITY_POLICY)
        best = 1.0
        for _ in range(10):
            start = time.process_time()
            for _ in range(500):
                self.verify(policy=policy)
            best = min(best, (time.process_time() - start) / 500)
        self.assertLess(best, 66e-6)


class AttestationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = anchorage.Client()

    def verify(self, document=DOCUMENT, policy=ATTESTATION_POLICY, **more):
        more.setdefault("recorded_at", RECORDED_AT)
        return self.client.verify_attestation(document, policy, **more)

    def refused(self, *arguments, **more):
        with self.assertRaises(anchorage.Refused) as caught:
            self.verify(*arguments, **more)
        return caught.exception

    def test_real_document(self):
        attestation = self.verify()
        self.assertEqual(
            attestation.type, anchorage.AttestationType.NITRO_TPM
        )
        self.assertEqual(
            attestation.module_id, "i-000fa553dad58a9f1-tpm0000000000000000"
        )
        self.assertEqual(attestation.region, "us-west-2")
        self.assertEqual(attestation.instance_id, "i-000fa553dad58a9f1")
        self.assertIsNone(attestation.release)
        self.assertEqual(attestation.pcr(12), bytes(48))
        self.assertIsNone(attestation.pcr(99))
        self.assertIsNone(attestation.pcr(4 + 2**32))
        self.assertEqual(attestation.time.date(), RECORDED_AT.date())
        self.assertIn("us-west-2", str(attestation.to_dict()))

    def test_not_now(self):
        with self.assertRaises(anchorage.Refused) as caught:
            self.client.verify_attestation(DOCUMENT, ATTESTATION_POLICY)
        self.assertEqual(
            caught.exception.code, anchorage.Code.STALE_OR_FOR_ANOTHER
        )

    def test_changed_document(self):
        error = self.refused(DOCUMENT[:-1] + bytes([DOCUMENT[-1] ^ 1]))
        self.assertEqual(error.reason, "SIGNATURE_MISMATCH")
        self.assertEqual(error.code, anchorage.Code.NOT_FROM_AWS)

    def test_another_image(self):
        policy = ATTESTATION_POLICY.read_text().replace("[3c42", "[3c43")
        error = self.refused(policy=policy)
        self.assertEqual(error.reason, "PCR_MISMATCH")

    def test_an_expectation_is_never_nothing(self):
        policy = ATTESTATION_POLICY.read_text()
        for field in ("nonce", "user_data", "public_key"):
            for value in (None, "", "text"):
                with self.subTest(field=field, value=value):
                    with self.assertRaises(TypeError):
                        self.verify(policy=policy, **{field: value})

    def test_an_empty_expectation_is_exactly_empty(self):
        with self.assertRaises(anchorage.Error):
            self.verify(nonce=b"")

    def test_times_have_a_zone(self):
        with self.assertRaises(ValueError):
            self.verify(recorded_at=datetime.datetime(2026, 8, 13))
        for when in (None, 0, 1786642609):
            with self.assertRaises(TypeError):
                self.verify(recorded_at=when)

    def test_text_is_no_document(self):
        with self.assertRaises(TypeError):
            self.verify("text")


IMDS = os.environ.get("ANCHORAGE_TEST_IMDS")
ATTEST = os.environ.get("ANCHORAGE_TEST_ATTEST")


@unittest.skipUnless(IMDS, "ANCHORAGE_TEST_IMDS names no metadata service")
class ThisInstanceTest(unittest.TestCase):
    def setUp(self):
        self.client = anchorage.Client()

    def verify(self, **more):
        return self.client.verify_this_instance(
            IDENTITY_POLICY, **{"imds_url": IMDS, **more}
        )

    def test_what_imds_answers(self):
        machine = self.verify(imds_timeout=5)
        self.assertEqual(machine.region, "us-west-2")
        self.assertEqual(machine.form, anchorage.Form.RSA2048)

    def test_nobody_answers(self):
        with self.assertRaises(anchorage.Refused) as caught:
            self.verify(imds_url="http://127.0.0.1:1")
        self.assertEqual(caught.exception.reason, "IMDS_ABSENT")
        self.assertEqual(caught.exception.code, anchorage.Code.UNDECIDED)

    def test_replay(self):
        ledger = anchorage.Ledger(10)
        self.verify(ledger=ledger)
        with self.assertRaises(anchorage.Refused) as caught:
            self.verify(ledger=ledger)
        self.assertEqual(caught.exception.reason, "REPLAYED")

    def test_arguments(self):
        with self.assertRaises(TypeError):
            self.verify(imds_url=None)
        with self.assertRaises(TypeError):
            self.verify(imds_version_1=1)
        with self.assertRaises(anchorage.UsageError):
            self.verify(imds_url="ftp://127.0.0.1")


class AttestTest(unittest.TestCase):
    @unittest.skipUnless(ATTEST, "ANCHORAGE_TEST_ATTEST names no program")
    def test_a_document_with_what_was_given(self):
        attested = anchorage.attest(
            nonce=b"a nonce of mine", program=ATTEST, timeout=20
        )
        self.assertIn(b"a nonce of mine", attested.document)
        self.assertEqual(attested.source, anchorage.Source.PROGRAM)
        self.assertIsNone(attested.private_key)

    @unittest.skipUnless(ATTEST, "ANCHORAGE_TEST_ATTEST names no program")
    def test_a_new_key(self):
        attested = anchorage.attest(new_key=True, program=pathlib.Path(ATTEST))
        # Both have the modulus: no other 64 bytes in a row are the same.
        key = attested.private_key
        self.assertIn(key[60:124], attested.document)
        with self.assertRaises(anchorage.UsageError):
            anchorage.attest(new_key=True, public_key=b"mine", program=ATTEST)

    def test_nobody_attests(self):
        with self.assertRaises(anchorage.Refused) as caught:
            anchorage.attest(program="/nowhere/at/all")
        self.assertEqual(caught.exception.reason, "ATTESTATION_ABSENT")
        with self.assertRaises(TypeError):
            anchorage.attest(nonce="text")


class ClientTest(unittest.TestCase):
    def test_built_in(self):
        state = anchorage.Client().state()
        self.assertEqual(state.origin, anchorage.Origin.BAKED_IN)
        self.assertEqual(state.freshness, anchorage.Freshness.BAKED_IN)
        self.assertEqual(str(state.origin), "Origin.BAKED_IN")
        self.assertEqual(f"{state.freshness}", "Freshness.BAKED_IN")
        self.assertIsNone(state.fresh_until)
        self.assertGreater(state.as_of.year, 2025)

    def test_refresh(self):
        with tempfile.TemporaryDirectory() as cache:
            client = anchorage.Client(
                url=URL,
                trusted_root=ROOT,
                cache_dir=cache,
                background_refresh=False,
            )
            client.refresh()
            state = client.state()
            self.assertEqual(state.origin, anchorage.Origin.SERVER)
            self.assertEqual(state.freshness, anchorage.Freshness.FRESH)
            self.assertGreater(state.fresh_until, state.as_of)
            self.assertTrue(state.to_dict())
            client.verify_identity(SIGNATURE, IDENTITY_POLICY)
            client.close()

            again = anchorage.Client(
                trusted_root=pathlib.Path(ROOT), cache_dir=pathlib.Path(cache)
            )
            self.assertEqual(again.state().origin, anchorage.Origin.CACHE)

    def test_nobody_answers(self):
        client = anchorage.Client(
            url="http://127.0.0.1:1/tuf/",
            trusted_root=ROOT,
            background_refresh=False,
            timeout=1,
        )
        with self.assertRaises(anchorage.Unreachable) as caught:
            client.refresh()
        self.assertIsInstance(caught.exception, OSError)
        self.assertEqual(caught.exception.reason, "FETCH_FAILED")
        self.assertEqual(
            client.verify_identity(SIGNATURE, IDENTITY_POLICY).region,
            "us-west-2",
        )

    def test_a_loop_of_ones_own(self):
        client = anchorage.Client(
            url="http://127.0.0.1:1/tuf/",
            further_urls=[URL],
            trusted_root=ROOT,
            background_refresh=False,
            refresh_budget=20,
        )
        self.assertEqual(client.first_pause(), 0)
        failed, pause = client.refresh_once()
        self.assertIsNone(failed)
        self.assertTrue(3000 < pause < 4000, pause)
        self.assertEqual(client.state().origin, anchorage.Origin.SERVER)

        silent = anchorage.Client(
            url="http://127.0.0.1:1/tuf/",
            trusted_root=ROOT,
            background_refresh=False,
        )
        failed, pause = silent.refresh_once()
        self.assertIsInstance(failed, anchorage.Unreachable)
        self.assertTrue(0 < pause < 60, pause)

        alone = anchorage.Client()
        failed, pause = alone.refresh_once()
        self.assertIsInstance(failed, anchorage.UsageError)
        self.assertIsNone(pause)
        self.assertIsNone(alone.first_pause())

    def test_a_metrics_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "product.prom"
            client = anchorage.Client(
                url=URL,
                trusted_root=ROOT,
                background_refresh=False,
                metrics_file=path,
            )
            client.refresh_once()
            self.assertIn("anchorage_client_", path.read_text())

    def test_a_refresh_lets_others_run(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = anchorage.Client(
                url=f"http://127.0.0.1:{silent.getsockname()[1]}/",
                trusted_root=ROOT,
                background_refresh=False,
                timeout=1,
            )

            async def ticks():
                waits = asyncio.ensure_future(asyncio.to_thread(client.refresh))
                ticked = 0
                while not waits.done():
                    await asyncio.sleep(0.01)
                    ticked += 1
                with self.assertRaises(anchorage.Unreachable):
                    await waits
                return ticked

            self.assertGreater(asyncio.run(ticks()), 10)

    def test_close_ends_a_refresh(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = anchorage.Client(
                url=f"http://127.0.0.1:{silent.getsockname()[1]}/",
                trusted_root=ROOT,
                background_refresh=False,
                timeout=60,
            )
            raised = []

            def refresh():
                try:
                    client.refresh()
                except anchorage.Unreachable as error:
                    raised.append(error)

            thread = threading.Thread(target=refresh)
            thread.start()
            with silent.accept()[0]:
                client.close()
                thread.join(10)
            self.assertEqual(len(raised), 1)

    def test_options_that_are_wrong(self):
        for more in (
            {"url": URL},
            {"url": ""},
            {"cache_dir": ""},
            {"trusted_root": b""},
            {"trusted_root": b"{}"},
            {
                "trusted_root": ROOT,
                "baked_bundle": b"nonsense",
                "baked_bundle_as_of": RECORDED_AT,
            },
            {"url": URL, "trusted_root": ROOT, "refresh_interval": 0.5},
            {"url": URL, "trusted_root": ROOT, "timeout": -1},
            {"further_urls": [URL], "trusted_root": ROOT},
            {"url": URL, "trusted_root": ROOT, "proxy": ""},
            {"metrics_file": "product.prom"},
            {"report_outcomes": True},
        ):
            with self.subTest(more), self.assertRaises(anchorage.UsageError):
                anchorage.Client(**more)
        for name in (
            "url",
            "trusted_root",
            "cache_dir",
            "tls_roots",
            "further_urls",
            "proxy",
            "metrics_file",
            "report_outcomes",
            "report_sample",
            "baked_bundle",
            "background_refresh",
            "refresh_interval",
            "identity_when_expired",
        ):
            with self.subTest(name), self.assertRaises(TypeError):
                anchorage.Client(**{name: None})
        with self.assertRaises(FileNotFoundError):
            anchorage.Client(url=URL, trusted_root="none/root.json")

    @unittest.skipUnless(shutil.which("mypy"), "mypy is not installed")
    def test_types(self):
        """They are complete, and say what README.md says."""
        package = pathlib.Path(anchorage.__file__).parent
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program.py")
            program.write_text(
                "import anchorage\n"
                "client = anchorage.Client(url='')\n"
                "machine = client.verify_identity('', policy='licence.yaml')\n"
                "account: str = machine.account_id\n"
                "kernel: str = machine.kernel_id  # type: ignore[assignment]\n"
                "machine.region = ''  # type: ignore[misc]\n"
                "client.verify_identity(None, '')  # type: ignore[arg-type]\n"
                "client.verify_attestation(\n"
                "    b'', '', nonce=None  # type: ignore[arg-type]\n"
                ")\n"
                "try:\n"
                "    client.refresh()\n"
                "except anchorage.Unreachable as error:\n"
                "    reason: str = error.reason\n"
            )
            mypy = subprocess.run(
                ["mypy", "--strict", "--cache-dir", folder, package, program],
                env={**os.environ, "MYPYPATH": str(package.parent)},
                capture_output=True,
                text=True,
            )
        self.assertEqual(mypy.returncode, 0, mypy.stdout + mypy.stderr)

    def test_version(self):
        self.assertRegex(anchorage.__version__, r"^\d+\.\d+\.\d+$")
        configuration = pathlib.Path(
            os.environ["PKG_CONFIG_PATH"], "anchorage.pc"
        ).read_text()
        self.assertIn(f"Version: {anchorage.__version__}\n", configuration)


if __name__ == "__main__":
    unittest.main()
