# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's framebuffer, shown by Debian's qemu-system-xen in dom0 over VNC."""
from kit import audit, boot, no_complaints, test


def say(m, command, timeout=120):
    return m.run(command, timeout=timeout, check=True)[0]


@test(timeout=300)
def framebuffer():
    with boot(cpus=2, mem="2G", dom0_mem="1G") as m:
        m.ready()
        say(m, "/usr/lib/hospes/toolstack")
        say(m, "{ sed '/^vif/d' /etc/xen/small.cfg; echo 'vfb = [ \"vnc=1\" ]'; } > /run/fb.cfg && xl create -q /run/fb.cfg")
        say(m, "/usr/lib/hospes/guest ready small 100")
        # The size of a screen by xen-fbfront, and that it takes what is drawn.
        assert say(m, "/usr/lib/hospes/guest run small 'cat /proc/fb /sys/class/graphics/fb0/virtual_size'").split() == ["0", "xen", "800,600"]
        say(m, "/usr/lib/hospes/guest run small 'dd if=/dev/zero of=/dev/fb0 bs=4k count=100 && ls -d /dev/input/*'")
        assert say(m, "timeout 5 nc 127.0.0.1 5900 | head -c 12").startswith("RFB 003.")
        say(m, "xl destroy small")
        assert say(m, "ps ax | grep -c '[x]en-domid 1 ' || :") == "0"
        no_complaints(m)
        audit(m)
