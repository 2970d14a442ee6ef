#!/usr/bin/env python3
"""Reads what a guest said of itself: see test/boot/guest and report_init.

usage: test/boot/report.py unpack OUT
       test/boot/report.py register OUT N
       test/boot/report.py compare OUT JSON [N]...
       test/boot/report.py extends OUT N
  unpack     writes OUT/log.bin, OUT/PK, OUT/KEK, OUT/db, OUT/dbx (as efivarfs
             has them; empty where one is not set) and OUT/registers.json
  register   prints register N, in hex
  compare    compares registers N with those that trustctl printed as JSON; all
             that it printed, if no N is given
  extends    prints what was extended into register N, from the TPM's own log

Exit code 1: it is not so, or not there.
"""
import base64
import json
import os
import struct
import sys

PCR_EXTEND = 0x182
SHA384 = 0x000C
DIGEST_SIZES = {0x0004: 20, 0x000B: 32, 0x000C: 48, 0x000D: 64, 0x0012: 32}


def lines_of(out, word):
    with open(os.path.join(out, "report"), encoding="ascii") as stream:
        text = stream.read().splitlines()
    if "end" not in text:
        sys.exit("the guest's report has no end")
    return [line.split()[1:] for line in text if line.startswith(word + " ")]


def registers_of(out):
    return {int(n): value.lower() for n, value in lines_of(out, "pcr")}


def unpack(out):
    def write(name, content):
        with open(os.path.join(out, name), "wb") as stream:
            stream.write(content)

    variables = dict(lines_of(out, "variable"))
    for name in ("PK", "KEK", "db", "dbx"):
        write(name, base64.b64decode(variables.get(name, "")))
    write("log.bin", base64.b64decode(lines_of(out, "log")[0][0]))
    measurements = {"HashAlgorithm": "SHA384"}
    for n in (4, 7, 12, 13):
        measurements["PCR%d" % n] = registers_of(out)[n]
    write("registers.json",
          json.dumps({"Measurements": measurements}).encode("ascii"))


def compare(out, path, numbers):
    with open(path, encoding="utf-8") as stream:
        computed = {int(row["register"][3:]): row["value"]
                    for row in json.load(stream)["registers"]}
    numbers = [int(n) for n in numbers] or sorted(computed)
    found = registers_of(out)
    differ = ["PCR%d: computed %s, read back %s" %
              (n, computed.get(n), found.get(n)) for n in numbers
              if n not in computed or computed[n] != found.get(n)]
    if differ or not numbers:
        sys.exit("\n".join(differ) or "no registers")
    print("%d registers: %s" % (len(numbers), numbers))


def extends(out, number):
    with open(os.path.join(out, "tpm.log"), encoding="ascii") as stream:
        text = stream.read().splitlines()
    for at, line in enumerate(text):
        if not line.strip().startswith("SWTPM_IO_Read: length"):
            continue
        length = int(line.split()[-1])
        command = bytearray()
        while len(command) < length:
            at += 1
            command += bytes.fromhex(text[at])
        _, _, code, handle = struct.unpack_from(">HIII", command.ljust(14))
        if code != PCR_EXTEND or handle != number:
            continue
        # The authorization, then one digest for each bank.
        at_digest = 18 + struct.unpack_from(">I", command, 14)[0]
        count, = struct.unpack_from(">I", command, at_digest)
        at_digest += 4
        for _ in range(count):
            bank, = struct.unpack_from(">H", command, at_digest)
            size = DIGEST_SIZES[bank]
            if bank == SHA384:
                print(command[at_digest + 2:at_digest + 2 + size].hex())
            at_digest += 2 + size


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    verb, out, *more = sys.argv[1:]
    if verb == "unpack":
        unpack(out)
    elif verb == "register":
        print(registers_of(out)[int(more[0])])
    elif verb == "compare":
        compare(out, more[0], more[1:])
    elif verb == "extends":
        extends(out, int(more[0]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
