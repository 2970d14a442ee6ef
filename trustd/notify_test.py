"""usage: notify_test.py TRUSTD

What trustd tells a service manager: when it listens, reloads and stops, and that
it is alive.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile


def main():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(60)
    config = os.path.join(folder, "trustd.yaml")
    with open(config, "w", encoding="ascii") as out:
        out.write("data_dir: data\nmode: MODE_ONLINE\nlisten_address: 127.0.0.1:0\n")
    trustd = subprocess.Popen(
        [sys.argv[1], "--config", config],
        env=dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="300000"),
    )

    def next_of(name):
        """Returns the next message that is not the watchdog's, or is if asked for."""
        while True:
            lines = manager.recv(4096).decode().split("\n")
            if name == "WATCHDOG=1" or lines[0] != "WATCHDOG=1":
                assert lines[0] == name, lines
                return lines

    try:
        ready = next_of("READY=1")
        address = ready[1].split(" on ")[1].split()[0].rstrip(",").rsplit(":", 1)
        # It said so when it listened, not before.
        socket.create_connection((address[0], int(address[1])), 10).close()
        for _ in range(3):
            next_of("WATCHDOG=1")
        trustd.send_signal(signal.SIGHUP)
        next_of("RELOADING=1")
        next_of("READY=1")
        trustd.send_signal(signal.SIGTERM)
        next_of("STOPPING=1")
        assert trustd.wait(60) == 0
    finally:
        trustd.kill()


main()
