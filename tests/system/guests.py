# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of guests share: a server with Debian's toolstack running, and hands for its guests.

Guests are small by default: one of Debian's kernels and rig/guest's initrd, no disk (rig/rootfs/etc/xen/small.cfg).
"""
from kit import QUICK, audit, boot, no_complaints, patient

GROWN = 64      # KiB: tables of dom0's own that grow when first used, not with each guest
HAND = "/usr/lib/hospes/guest"
FILES = {flavour: {setting: f"/usr/lib/hospes/guests/{flavour}/{file}" for setting, file in (("kernel", "vmlinuz"), ("ramdisk", "initrd"))}
         for flavour in ("generic", "cloud")}
# KiB of memory that nobody has, once that stays the same for a second.
FREE = """python3 -c "
import sys, time; sys.path.append('/usr/lib/xen-4.17/lib/python')
import xen.lowlevel.xc
xc = xen.lowlevel.xc.xc()
last, now = None, xc.physinfo()['free_memory']
while last != now:
    time.sleep(1)
    last, now = now, xc.physinfo()['free_memory']
print(now)"
"""


class Server:
    """with Server(cpus=2) as s: s.create("a", memory=256); s.guest("a", "uname -r"); s.say("xl destroy a")"""

    def __init__(self, **choices):
        self.machine = boot(**{"cpus": 2, "mem": "2G", "dom0_mem": "1G", **choices})

    def __enter__(self):
        self.machine.__enter__().ready()
        self.say("/usr/lib/hospes/toolstack")
        return self

    def __exit__(self, *error):
        return self.machine.__exit__(*error)

    def say(self, command, timeout=120):
        """Runs it in dom0; what it prints. It must succeed."""
        return self.machine.run(command, timeout, check=True)[0]

    def refuses(self, command, timeout=60):
        """It must fail; what it prints, errors included."""
        output, status = self.machine.run(f"{command} 2>&1", timeout)
        assert status, f"'{command}' succeeded: {output}"
        return output

    def create(self, name, ready=True, flavour="cloud", address=2, **settings):
        """Creates a small guest at 10.1.0.ADDRESS with these settings changed (values as in Python) and waits for its agent.

        The cloud flavour of Debian's kernel is unpacked in a fifth of the time.
        """
        words = " ".join(f"'{key}={literal(value)}'" for key, value in {
            "name": name, "extra": f"console=hvc0 hospes.drive hospes.ip=10.1.0.{address} {QUICK}", **FILES[flavour], **settings}.items())
        self.say(f"xl create -q /etc/xen/small.cfg {words}", 180)
        if ready:
            self.ready(name)

    def ready(self, name, timeout=120):
        self.say(f"{HAND} ready {name} {patient(timeout)}", timeout + 30)

    def guest(self, name, command, timeout=60):
        """Runs it in the guest; what it prints. It must succeed."""
        quoted = command.replace("'", "'\\''")
        return self.say(f"{HAND} run {name} '{quoted}' {patient(timeout)}", timeout + 30)

    def clock_is_right(self, name):
        """A guest's date lies between dom0's before and after it was asked (each in whole seconds).

        After a boot on a busy computer it has been seen further behind (CAVEATS).
        """
        before, inside, after = (int(part) for part in (self.say("date +%s"), self.guest(name, "date +%s"), self.say("date +%s")))
        assert before - patient(2) <= inside <= after + patient(2), (before, inside, after)

    def rows(self, command="xl list"):
        """A table as {first column: other columns}, without its header."""
        return {words[0]: words[1:] for words in map(str.split, self.say(command).splitlines()[1:]) if words}

    def names(self):
        return set(self.rows()) - {"Domain-0"}

    def until(self, condition, what, seconds=60):
        """Waits in dom0's time until a shell condition holds."""
        self.say(f"for i in $(seq {patient(seconds) * 5}); do {condition} && exit 0; sleep 0.2; done; echo 'never: {what}'; exit 1", seconds * 3)

    def gone(self, name, seconds=60):
        self.until(f"! xl domid {name} > /dev/null 2>&1", f"{name} is gone", seconds)

    def free_memory(self):
        """KiB of memory that nobody has, when all that is on its way has come back."""
        return int(self.say(FREE))

    def memory_is_back(self, before):
        after = self.free_memory()
        print(f"free memory: {before} KiB before, {after} KiB after")
        assert after >= before - GROWN, f"free: {before} KiB before, {after} KiB after"

    def healthy(self):
        """dom0's kernel has not complained and the hypervisor's audits find nothing."""
        no_complaints(self.machine)
        audit(self.machine)


def literal(value):
    """A value for xl's configuration, for use within '...' of the shell."""
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(literal, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
