"""Run the command that starts the demo in a pty; wait until it is painted; quit it with a key.

Usage: python3 .ci/demo.py COMMAND. Uses the standard library alone: nothing is installed yet.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

LIMIT_S = 600.0
WANTED = (b"schedtui", b"succeeded", b"failed")


def main(command: str) -> int:
    """Return 0 when the demo painted its jobs and then ended well on ``q``."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv("/bin/bash", ["bash", "-c", command])  # noqa: S606
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    seen, quit_at = b"", 0.0
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        screen = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen)
        painted = b"\x1b[?1049h" in seen and all(word in screen for word in WANTED)
        if painted and time.monotonic() - quit_at > 2:
            os.write(fd, b"q")
            quit_at = time.monotonic()
    else:
        print("the demo did not paint and quit in time; the end of what it wrote:")  # noqa: T201
        print(seen[-4000:].decode(errors="replace"))  # noqa: T201
        os.kill(pid, 9)
        return 1
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(f"painted: {bool(quit_at)}; it ended with {code}")  # noqa: T201
    if code or not quit_at:
        print(seen[-4000:].decode(errors="replace"))  # noqa: T201
    return 0 if code == 0 and quit_at else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
