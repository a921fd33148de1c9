# SPDX-License-Identifier: GPL-2.0-or-later
"""One emulated server: QEMU (TCG) with Hospes, Xen, or no hypervisor, and Debian on top.

    with Machine(Config(hv="xen", cpus=2)) as m:      # boots; see Config for what can be chosen
        m.ready()                                     # Debian is up and its agent answers
        output, status = m.run("uname -r")
        m.wait(r"regex on the console", timeout=60)
        m.qmp("system_reset"); m.monitor("info registers")

A Machine in driven mode (the default) has the agent on its console (rig/rootfs/usr/lib/hospes/agent).
At most two emulators (HOSPES_EMULATORS) run at once on one computer (slot files in the temporary directory): a
test that shares two cores with five others only measures patience. HOSPES_SLOT in the environment says that
the caller has taken one.
Everything the console printed is in m.log (bytes) and, if Config.logfile is set, in that file.
"""
import contextlib
import dataclasses
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = os.environ.get("HOSPES_RIG", os.path.join(TOP, "build", "rig"))
# However we end, what we started ends too.
DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]
# Everything waits longer on a slower or busier computer.
EMULATORS = int(os.environ.get("HOSPES_EMULATORS", "2"))
PATIENCE = float(os.environ.get("HOSPES_PATIENCE", "1"))
# The newer emulator, beside Debian 12's own: where rig/qemu10 puts it, and a CPU of it that has SMAP.
QEMU10 = os.path.join(RIG, "qemu10", "qemu-system-x86_64")
QEMU10_CPU = "max"


def qemu10_missing():
    """Why QEMU 10 can't be used, or nothing."""
    done = subprocess.run([os.path.join(TOP, "rig", "qemu10")], capture_output=True, text=True)
    return "" if done.returncode == 0 else "no QEMU 10: " + (done.stderr.strip().splitlines() or ["rig/qemu10 failed"])[-1]


class MachineError(Exception):
    """The machine did not do what was waited for; the message ends with the console's last lines."""


@dataclasses.dataclass
class Config:
    hv: str = os.environ.get("HV", "hospes")    # hospes, xen, none (bare kernel), or a path to an image
    cpus: int = 1
    mem: str = "1536M"
    dom0_mem: str = ""          # default: mem less 256 MiB; "all": say nothing
    qemu: str = os.environ.get("QEMU", "qemu-system-x86_64")    # the emulator
    machine: str = "q35"        # q35, pc, or any QEMU machine with options
    cpu: str = "qemu64"
    disk: str = "virtio-blk"    # virtio-blk, ahci, nvme, none
    nic: str = "virtio-net"     # virtio-net, e1000e, none
    guest_disk: bool = False    # the Debian for a guest, as second disk: /dev/vdb, or by label hospes-guest
    kernel: str = "generic"     # generic, cloud, elf, or a path (a micro-guest)
    init: str = "small"         # small, systemd
    mode: str = "driven"        # driven (agent on the console), login, plain (no extra arguments)
    hv_args: str = ""
    kernel_args: str = ""
    modules: tuple = None       # the whole -initrd list for the hypervisor, instead of kernel and initrd
    files: dict = dataclasses.field(default_factory=dict)   # path below /run: bytes, put into the initrd
    forwards: tuple = ()        # guest TCP ports reachable from here; m.port(guest_port) is the local one
    open_net: bool = False      # may the guest reach the world
    threads: str = ""           # multi (a host thread a CPU) or single; default: single, which is faster
                                # where the host has fewer processors to spare than the machine has CPUs
    icount: bool = False        # count instructions: repeatable, one CPU
    seed: int = 1               # of all that is random in a machine that counts
    boot_iso: str = ""          # boot this CD instead of -kernel
    firmware: str = "bios"      # bios, uefi
    exclusive: bool = True      # wait for one of the emulator slots
    reboot: bool = False        # let the machine reset itself (else it ends)
    qemu_args: tuple = ()
    logfile: str = ""


def hypervisor_image(hv):
    known = {"hospes": os.path.join(TOP, "build", "hospes"), "xen": os.path.join(RIG, "xen")}
    return known.get(hv, hv)


def megabytes(text):
    """'1536M', '4G', '4096' (MiB) as a number of MiB."""
    number, unit = re.fullmatch(r"(\d+)([MmGg]?)", text).groups()
    return int(number) * (1024 if unit in "Gg" and unit else 1)


def cpio_archive(files):
    """A newc archive of {absolute path: bytes}, parents included: appended to an initrd it adds files."""
    names = set()
    for path in files:
        parts = path.strip("/").split("/")
        names.update("/".join(parts[:i]) for i in range(1, len(parts)))
    entries = [(name, 0o040755, b"") for name in sorted(names)]
    entries += [(path.strip("/"), 0o100755, data) for path, data in files.items()]
    out = bytearray()
    for inode, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        encoded = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


class Slot:
    """One of the places on this computer in which an emulator may run."""

    def __init__(self):
        self.file = None

    @staticmethod
    def _open(name):
        path = os.path.join(tempfile.gettempdir(), name)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        return open(path, "rb")

    def take(self):
        """Waits for a free place; those who wait are served in turn."""
        with self._open("emu.queue") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            while not any(self._try(index) for index in range(EMULATORS)):
                time.sleep(0.2)

    def _try(self, index):
        held = self._open(f"emu.{index}")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            return False
        self.file = held
        return True

    def give(self):
        if self.file:
            self.file.close()
        self.file = None


class CommandLine:
    """Builds QEMU's arguments from a Config; scratch is a directory for sockets and initrds."""

    def __init__(self, config, scratch):
        self.c, self.scratch, self.ports = config, scratch, {}

    def build(self):
        c = self.c
        args = [c.qemu, "-nodefaults", "-display", "none", "-machine", c.machine, "-cpu", c.cpu,
                "-m", str(megabytes(c.mem)), "-smp", str(c.cpus)]
        args += self.clock() + self.payload() + self.disk() + self.network()
        args += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        args += ["-qmp", f"unix:{self.scratch}/qmp,server=on,wait=off"]
        if not c.reboot:
            args += ["-no-reboot"]
        return args + list(c.qemu_args)

    def clock(self):
        if not self.c.icount:
            return ["-accel", "tcg,thread=" + (self.c.threads or ("single" if self.c.cpus > 1 else "multi"))]
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", str(self.c.seed),
                "-rtc", "base=2020-01-01T00:00:00,clock=vm"]

    def kernel_file(self):
        files = {"generic": "generic/vmlinuz", "cloud": "cloud/vmlinuz", "elf": "generic/vmlinux"}
        return os.path.join(RIG, files[self.c.kernel]) if self.c.kernel in files else self.c.kernel

    def initrd_file(self):
        flavour = "cloud" if self.c.kernel == "cloud" else "generic"
        path = os.path.join(RIG, flavour, "initrd")
        if not self.c.files:
            return path
        joined = os.path.join(self.scratch, "initrd")
        with open(path, "rb") as base, open(joined, "wb") as out:
            data = base.read()
            out.write(data + bytes(-len(data) % 4) + cpio_archive(self.c.files))
        return joined

    def kernel_args(self):
        c = self.c
        words = ["console=" + ("ttyS0" if c.hv == "none" else "hvc0")]
        if c.mode != "plain":
            words += [f"hospes.disk={c.disk}", f"hospes.nic={c.nic}"]
        if c.mode == "driven":
            words.append("hospes.drive")
        if c.init == "systemd":
            words.append("init=/lib/systemd/systemd")
        return " ".join(words + [c.kernel_args]).strip()

    def hv_args(self):
        c, words = self.c, ["console=com1", "com1=115200", "loglvl=all", "guest_loglvl=all"]
        if c.dom0_mem != "all":
            size = c.dom0_mem or f"{megabytes(c.mem) - 256}M"
            words.append(f"dom0_mem={size},max:{size}")
        return " ".join(words + [c.hv_args]).strip()

    def iso(self, path, protocol):
        """Writes a CD with what would be started directly (rig/iso); returns its path."""
        subprocess.run([os.path.join(TOP, "rig", "iso"), path, protocol, hypervisor_image(self.c.hv), self.hv_args(),
                        self.kernel_file(), self.kernel_args(), self.initrd_file()], check=True)
        return path

    def payload(self):
        c = self.c
        if c.boot_iso:
            return self.firmware() + self.cd()
        if c.hv == "none":
            return ["-kernel", self.kernel_file(), "-append", self.kernel_args(), "-initrd", self.initrd_file()]
        modules = c.modules
        if modules is None:
            modules = (f"{self.kernel_file()} {self.kernel_args()}", self.initrd_file())
        args = ["-kernel", hypervisor_image(c.hv), "-append", self.hv_args()]
        return args + (["-initrd", ",".join(module.replace(",", ",,") for module in modules)] if modules else [])

    def cd(self):
        """A CD, on SCSI: the firmwares know it, and it is in no disk test's way."""
        return ["-drive", f"file={self.c.boot_iso},format=raw,if=none,id=cd,readonly=on", "-device", "virtio-scsi-pci",
                "-device", "scsi-cd,drive=cd,bootindex=1"]

    def firmware(self):
        if self.c.firmware != "uefi":
            return []
        variables = os.path.join(self.scratch, "vars.fd")
        shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
        return ["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,file={variables}"]

    def disk(self):
        return self.root_disk() + (self.guest_disk() if self.c.guest_disk else [])

    def guest_disk(self):
        return ["-drive", f"file={RIG}/guest.ext4,format=raw,if=none,id=guest,snapshot=on", "-device", "virtio-blk-pci,drive=guest"]

    def root_disk(self):
        if self.c.disk == "none":
            return []
        device = {"virtio-blk": ["-device", "virtio-blk-pci,drive=root"],
                  "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=root"],
                  "nvme": ["-device", "nvme,serial=hospes,drive=root"]}[self.c.disk]
        return ["-drive", f"file={RIG}/root.ext4,format=raw,if=none,id=root,snapshot=on"] + device

    def network(self):
        if self.c.nic == "none":
            return []
        options = "user,id=net" + ("" if self.c.open_net else ",restrict=on")
        for guest in self.c.forwards:
            self.ports[guest] = free_port()
            options += f",hostfwd=tcp:127.0.0.1:{self.ports[guest]}-:{guest}"
        model = {"virtio-net": "virtio-net-pci"}.get(self.c.nic, self.c.nic)
        return ["-netdev", options, "-device", f"{model},netdev=net,romfile="]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Machine:
    reader_done = False         # the emulator closed its output

    def __init__(self, config=None, **choices):
        self.config = dataclasses.replace(config or Config(), **choices)
        self.scratch = tempfile.mkdtemp(prefix="hospes-")
        self.slot, self.process, self.commands = Slot(), None, 0
        self.log, self.seen, self.changed = bytearray(), 0, threading.Condition()
        self.qmp_file, self.events, self.started = None, [], None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    # Life

    def start(self):
        if self.config.exclusive and "HOSPES_SLOT" not in os.environ:
            self.slot.take()
        self.builder = CommandLine(self.config, self.scratch)
        self.argv = self.builder.build()
        self.started = time.monotonic()
        self.process = subprocess.Popen(DIE_WITH_US + self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def kill(self):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.reader.join(5)
            self.process.stdin.close()
            self.process.stdout.close()
        self.slot.give()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def wait_exit(self, timeout=60):
        """Waits until the emulator ended by itself; returns why (QEMU's reason: guest-shutdown, guest-reset ...)."""
        self._qmp_connect()
        try:
            self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise self.error(f"still running after {timeout * PATIENCE:.0f} s") from None
        self.reader.join(5)
        with contextlib.suppress(OSError):
            for line in self.qmp_file:
                self.events.append(json.loads(line))
        reasons = [e["data"].get("reason") for e in self.events if e.get("event") == "SHUTDOWN"]
        return reasons[-1] if reasons else None

    # Console

    def _read(self):
        logfile = open(self.config.logfile, "wb", buffering=0) if self.config.logfile else None
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.log += data
                self.changed.notify_all()
            if logfile:
                logfile.write(data)
        with self.changed:
            self.reader_done = True
            self.changed.notify_all()
        if logfile:
            logfile.close()

    def error(self, what):
        tail = bytes(self.log[-3000:]).decode(errors="replace").replace("\r", "")
        return MachineError(f"{what}; the console's end:\n" + "\n".join("    | " + l for l in tail.splitlines()[-30:]))

    def wait(self, pattern, timeout=60, fail=None):
        """Waits for a regex (str) on the console after the last match; returns the match (of str).

        If the regex `fail` shows first, or the emulator ends, or time runs out: MachineError.
        """
        deadline = time.monotonic() + timeout * PATIENCE
        wanted, unwanted = re.compile(pattern.encode()), fail and re.compile(fail.encode())
        with self.changed:
            while True:
                text = bytes(self.log[self.seen:])
                found = wanted.search(text)
                if found:
                    self.seen += found.end()
                    return re.compile(pattern).search(found.group().decode(errors="replace")) or found
                if unwanted and (bad := unwanted.search(text)):
                    raise self.error(f"saw {bad.group()!r} while waiting for {pattern!r}")
                if self.reader_done:
                    raise self.error(f"the emulator ended while waiting for {pattern!r}")
                if not self.changed.wait(max(0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise self.error(f"no {pattern!r} within {timeout * PATIENCE:.0f} s")

    def send(self, text):
        """Types text (str or bytes) on the console, in portions that a hypervisor's small input ring takes."""
        data = text.encode() if isinstance(text, str) else text
        for start in range(0, len(data), 64):
            self.process.stdin.write(data[start:start + 64])
            if start + 64 < len(data):
                time.sleep(0.05)

    # Commands in the guest, by the agent

    def ready(self, timeout=240):
        """Waits until the guest's agent is up."""
        self.wait("\x01ready\x02", timeout, fail=r"Kernel panic - not syncing|hospes-initrd: FAIL|Panic on CPU")
        return self

    def run(self, command, timeout=60, check=False):
        """Runs a shell command in the guest: (output, status). check: any status but 0 is an error."""
        self.commands += 1
        name = str(self.commands)
        for number, line in enumerate(command.split("\n")):
            for start in range(0, max(len(line), 1), 80):
                self.send(("/" if number and not start else "=") + line[start:start + 80] + "\n")
                self.wait("\x01\\+\x02", 30)
        self.send(f"!{name}\n")
        self.wait(f"\x01<{name}\x02\r?\n", 30)
        begin = self.seen
        status = int(self.wait(f"\r?\n\x01>{name} (\\d+)\x02", timeout).group(1))
        output = self.text(begin, self.seen)
        output = output[:output.rindex("\x01>")].strip("\n")
        if check and status:
            raise self.error(f"'{command}' gave status {status}: {output[-500:]}")
        return output, status

    def text(self, begin=0, end=None):
        """The console as text, without the hypervisor's and kernel's lines when inside a command's output."""
        raw = bytes(self.log[begin:end]).decode(errors="replace").replace("\r", "")
        if not begin:
            return raw
        return "".join(line for line in raw.splitlines(True) if not re.match(r"\((XEN|HOS)\) |\[ *\d+\.\d{6}\] ", line))

    def port(self, guest_port):
        """The local TCP port that leads to guest_port (which must be in Config.forwards)."""
        return self.builder.ports[guest_port]

    def dmesg(self):
        """The kernel's whole log, one line each, with its time stamps."""
        output, _ = self.run("dmesg | sed 's/^/:/'", check=True)
        return [line[1:] for line in output.splitlines() if line.startswith(":")]

    # Monitor

    def _qmp_connect(self):
        if self.qmp_file:
            return
        link = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                link.connect(f"{self.scratch}/qmp")
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.1)
        self.qmp_file = link.makefile("rw")
        self.qmp_file.readline()
        self.qmp("qmp_capabilities")

    def qmp(self, command, **arguments):
        """One QMP command; returns its result. Events met on the way go to m.events."""
        self._qmp_connect()
        self.qmp_file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        for line in self.qmp_file:
            answer = json.loads(line)
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise MachineError(f"monitor: {command}: {answer['error']['desc']}")
            else:
                return answer["return"]
        raise MachineError(f"monitor: the emulator ended during {command}")

    def monitor(self, line):
        """One line to QEMU's human monitor; returns its text."""
        return self.qmp("human-monitor-command", **{"command-line": line}).replace("\r", "")
