# SPDX-License-Identifier: GPL-2.0-or-later
"""`make run` as a user types it, on a terminal."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

from kit import HV, RIG, TOP, Skip, test
from machine import DIE_WITH_US, PATIENCE

PROMPT = r"root@hospes:[^#\r\n]*# "
ESCAPE = b"\x01\x01\x01"        # Ctrl-A three times
NOBODY = 65534


class Terminal:
    """A command on a pseudo-terminal of its own, and what it printed."""

    def __init__(self, command, directory=TOP, environment=None):
        self.master, slave = pty.openpty()
        environment = {key: value for key, value in (environment or os.environ).items() if not key.startswith("MAKE") and key != "MFLAGS"}
        self.text, self.seen, self.started = "", 0, time.monotonic()
        self.process = subprocess.Popen(DIE_WITH_US + command, cwd=directory, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, env=environment)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)

    def _read(self, timeout):
        """Takes what has come within that time; False at the end."""
        if not select.select([self.master], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.master, 65536).decode(errors="replace")
        except OSError:
            return False
        self.text += data
        sys.stdout.write(data)
        return bool(data)

    def wait(self, pattern, timeout=60):
        deadline = time.monotonic() + timeout * PATIENCE
        while not (found := re.compile(pattern).search(self.text, self.seen)):
            assert time.monotonic() < deadline, f"no {pattern!r} within {timeout * PATIENCE:.0f} s"
            assert self._read(0.2) or re.compile(pattern).search(self.text, self.seen), f"ended before {pattern!r}"
        self.seen = found.end()
        return found

    def type(self, data):
        os.write(self.master, data if isinstance(data, bytes) else data.encode())

    def end(self):
        """Reads to the end; the exit status."""
        while self._read(1):
            assert time.monotonic() < self.started + 600 * PATIENCE, "did not end"
        return self.process.wait(20)


def works(terminal, cpus):
    """A shell on the console, which Ctrl-A three times switches to the hypervisor and back; Ctrl-\\ ends all."""
    terminal.type("echo $((6*7)) $(nproc) $(tty)\r")
    terminal.wait(rf"42 {cpus} /dev/hvc0", 20)
    terminal.wait(PROMPT, 20)
    terminal.type(ESCAPE)
    time.sleep(0.5)
    terminal.type("h")
    terminal.wait(r"audit of page types", 20)
    terminal.type("A")
    terminal.wait(r"audit: 0 faults", 60)
    terminal.type(ESCAPE)
    time.sleep(0.5)
    terminal.type("echo back $((7*7))\r")
    terminal.wait(r"back 49", 20)
    terminal.type("\x1c")
    assert terminal.end() == 0


@test(timeout=400)
def started_again():
    """`make run` with everything there: at the prompt in well under a minute. Its variables do what they say."""
    if HV == "xen":
        raise Skip("tests the hypervisor's own command")
    with Terminal(["make", "run", "CPUS=2", "MEM=4G", "GUEST=none"]) as terminal:
        terminal.wait(PROMPT, 60)
        print(f"\nat the prompt after {time.monotonic() - terminal.started:.1f} s")
        terminal.type("free -m | awk '/^Mem/ { print \"memory\", ($2 > 3000 && $2 < 4096) }'\r")
        terminal.wait(r"memory 1", 20)
        works(terminal, 2)


def a_guest_runs(terminal):
    """As the hint says: it is listed, and on its console one can log in, and leave it."""
    terminal.type("xl list\r")
    terminal.wait(r"debian +1 +512 +1 ", 20)
    terminal.wait(PROMPT, 20)
    terminal.type("xl console debian\r")
    terminal.wait(r"root@debian:~# ", 120)
    terminal.type("echo $(hostname) $((5*5)) $(tty) $(ls /sys/class/net)\r")
    terminal.wait(r"debian 25 /dev/hvc0 enX0 lo", 20)
    terminal.type("\x1d")
    terminal.wait(PROMPT, 20)
    terminal.type("ping -c 1 10.1.0.3\r")
    terminal.wait(r" 0% packet loss", 20)
    terminal.wait(PROMPT, 20)


@test(timeout=400, cases=["small", "systemd"])
def with_a_guest(init):
    """A server with one Debian guest running, and a hint what to do with it, in well under a minute."""
    if HV == "xen":
        raise Skip("tests the hypervisor's own command")
    with Terminal(["make", "run", f"INIT={init}"]) as terminal:
        terminal.wait(r"xl list  .*\r\n.*xl console debian .*\r\n.*poweroff ", 60 if init == "small" else 120)
        terminal.wait(PROMPT, 20)
        print(f"\nat the prompt after {time.monotonic() - terminal.started:.1f} s")
        a_guest_runs(terminal)
        works(terminal, 1)


def copied_tree(scratch):
    """The sources, and the parts of the image that need a download, in a directory of an ordinary user."""
    tree = os.path.join(scratch, "tree")
    os.mkdir(tree)
    archive = os.path.join(scratch, "tree.tar")
    subprocess.run(["tar", "-C", TOP, "--exclude=./build", "--exclude=./.git", "-cf", archive, "."], check=True)
    subprocess.run(["tar", "-C", tree, "-xf", archive], check=True)
    os.unlink(archive)
    for part in ("generic", "cloud"):
        shutil.copytree(os.path.join(RIG, part), os.path.join(tree, "build", "rig", part), symlinks=True,
                        ignore=shutil.ignore_patterns("*initrd*"))
    shutil.copytree(os.path.join(RIG, "repo"), os.path.join(tree, "build", "rig", "repo"))
    for part in ("root.tar", "root.tar.sum", "guest.tar", "guest.tar.sum"):
        shutil.copy2(os.path.join(RIG, part), os.path.join(tree, "build", "rig", part))
    return tree


@test(timeout=700)
def by_an_ordinary_user():
    """In a new tree and without root: builds the hypervisor and packs the image, both shown, and boots."""
    if HV == "xen":
        raise Skip("tests the hypervisor's own command")
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        tree = copied_tree(scratch)
        home = os.path.join(scratch, "home")
        os.mkdir(home)
        command = ["make", "run"]
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", tree, home], check=True)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"] + command
        environment = {key: value for key, value in os.environ.items() if key not in ("HOSPES_RIG", "TMPDIR", "HV")}
        environment.update(HOME=home, TMPDIR=home)
        with Terminal(command, tree, environment) as terminal:
            terminal.wait(r"CC +hypervisor/", 60)
            terminal.wait(r"LD +build/hospes", 300)
            terminal.wait(r"rig/image: root.ext4", 120)
            terminal.wait(PROMPT, 300)
            works(terminal, 1)


@test()
def help_lists_the_targets():
    text = subprocess.run(["make", "help"], cwd=TOP, check=True, capture_output=True, text=True).stdout
    for target in ("make ", "make run", "make test", "make bench", "make image", "make install", "make metrics", "make clean", "CPUS=2 MEM=4G"):
        assert target in text, f"make help does not tell of {target}"
