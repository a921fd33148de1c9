# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU hot-unplug and plug from inside dom0."""
from kit import audit, boot, no_complaints, test


def unplug_and_plug(m, cpu):
    node = f"/sys/devices/system/cpu/cpu{cpu}/online"
    m.run(f"echo 0 > {node}", check=True, timeout=60)
    assert m.run(f"cat {node}")[0] == "0"
    assert m.run(f"taskset -c {cpu} true")[1] != 0
    m.run(f"echo 1 > {node}", check=True, timeout=60)
    m.run(f"taskset -c {cpu} sha256sum /bin/bash", check=True)


@test(timeout=300, cases=["single", "multi"])
def unplug_idle(threads):
    with boot(cpus=4, threads=threads) as m:
        m.ready()
        for cpu in (1, 2, 3, 1):
            unplug_and_plug(m, cpu)
        assert m.run("nproc")[0] == "4"
        no_complaints(m)


@test(timeout=300, cases=["single", "multi"])
def unplug_under_load(threads):
    """multi: each emulated CPU is a host thread."""
    with boot(cpus=2, threads=threads) as m:
        m.ready()
        m.run("(while :; do sha256sum /bin/bash /bin/tar > /dev/null; done) > /dev/null 2>&1 &\n"
              "(while :; do sha256sum /bin/bash /bin/tar > /dev/null; done) > /dev/null 2>&1 &")
        for _ in range(5):
            unplug_and_plug(m, 1)
        audit(m)
        no_complaints(m)
