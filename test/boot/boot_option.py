#!/usr/bin/env python3
"""Adds a boot option that is tried once, first, to an OVMF_VARS file.

usage: test/boot/boot_option.py VARIABLES PATH COMMAND_LINE
  PATH           on the EFI system partition, such as \\EFI\\BOOT\\BOOTX64.EFI
  COMMAND_LINE   what the option hands to the image

This is what whoever may set variables can do: the file's store is EDK II's
authenticated variable store (MdeModulePkg, AuthenticatedVariableFormat.h), in
which a new variable stands after the last one.
"""
import struct
import sys
import uuid

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
# Signature, size, format, state and two reserved fields; then the variables.
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
# Start id, state, reserved, attributes, count, time, key, lengths, vendor.
HEADER = struct.Struct("<HBBIQ16sIII16s")


def variable(name, data):
    name = (name + "\0").encode("utf-16-le")
    # 0x3f: added. Attributes: kept, seen while booting, seen while running.
    record = HEADER.pack(0x55AA, 0x3F, 0, 7, 0, b"", 0, len(name), len(data),
                         GLOBAL) + name + data
    return record + b"\xff" * (-len(record) % 4)


def main():
    file, path, command_line = sys.argv[1:]
    with open(file, "rb") as stream:
        content = bytearray(stream.read())
    at = content.index(STORE) + 28
    while struct.unpack_from("<H", content, at)[0] == 0x55AA:
        fields = HEADER.unpack_from(content, at)
        at += HEADER.size + fields[7] + fields[8]
        at += -at % 4
    path = (path + "\0").encode("utf-16-le")
    paths = struct.pack("<BBH", 4, 4, 4 + len(path)) + path
    paths += struct.pack("<BBH", 0x7F, 0xFF, 4)
    option = struct.pack("<IH", 1, len(paths)) + "added\0".encode("utf-16-le")
    option += paths + (command_line + "\0").encode("utf-16-le")
    added = variable("Boot0099", option)
    added += variable("BootNext", struct.pack("<H", 0x99))
    content[at:at + len(added)] = added
    with open(file, "wb") as stream:
        stream.write(content)


if __name__ == "__main__":
    main()
