#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's side of its remote protocol, run in dom0 against gdbsx (test_look.py): rsp.py DOMAIN ADDRESS

Attaches to the paused-by-gdbsx domain, reads registers and memory, puts a breakpoint on ADDRESS, lets the guest run into it by a
`sync`, steps, takes the breakpoint away and lets go. Prints NAME VALUE lines; ends with status 0 if all of it went as it should.
"""
import socket
import subprocess
import sys
import time

NAMES = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()


class Stub:
    def __init__(self, port):
        self.text = b""
        for _ in range(100):
            try:
                self.link = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        self.link.settimeout(300)

    def send(self, command):
        data = command.encode()
        self.link.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def answer(self):
        while b"#" not in self.text or len(self.text) < self.text.index(b"#") + 3:
            more = self.link.recv(65536)
            if not more:
                sys.exit(f"gdbsx has gone; last: {self.text!r}")
            self.text += more
        start, end = self.text.index(b"$"), self.text.index(b"#")
        packet, self.text = self.text[start + 1:end].decode(), self.text[end + 3:]
        self.link.sendall(b"+")
        return packet

    def ask(self, command):
        self.send(command)
        packet = self.answer()
        print(f"# {command[:60]} -> {packet[:400]}", flush=True)
        return packet

    def registers(self):
        return self.ask("g")

    def memory(self, address, size):
        return bytes.fromhex(self.ask(f"m{address:x},{size:x}"))

    def write(self, address, data):
        if self.ask(f"M{address:x},{len(data):x}:{data.hex()}") != "OK":
            sys.exit("memory is not written")


def register(text, name):
    at = NAMES.index(name) * 16
    return int.from_bytes(bytes.fromhex(text[at:at + 16]), "little")


def with_register(text, name, value):
    at = NAMES.index(name) * 16
    return text[:at] + value.to_bytes(8, "little").hex() + text[at + 16:]


def main():
    number, address = sys.argv[1], int(sys.argv[2], 16)
    server = subprocess.Popen(["gdbsx", "-a", number, "64", "9999"])
    stub = Stub(9999)
    print("stop", stub.ask("?"))
    regs = stub.registers()
    for name in ("rip", "rsp"):
        print(name, hex(register(regs, name)))
    print("code", stub.memory(register(regs, "rip"), 16).hex())
    before = stub.memory(address, 8)
    print("function", before.hex())
    stub.write(address, b"\xcc")
    stub.send("c")
    work = subprocess.Popen(["/usr/lib/hospes/guest", "run", "g", "sync; echo synced", "120"], stdout=subprocess.PIPE, text=True)
    print("hit", stub.answer())
    regs = stub.registers()
    print("at", hex(register(regs, "rip")))
    stub.write(address, before[:1])
    if register(regs, "rip") not in (address, address + 1):
        sys.exit("not where the breakpoint is")
    if stub.ask("G" + with_register(regs, "rip", address)) != "OK":
        sys.exit("registers are not written")
    stub.send("s")
    print("stepped", stub.answer())
    print("after", hex(register(stub.registers(), "rip")))
    stub.send("D")
    print("work", work.communicate(timeout=120)[0].strip())
    stub.link.close()
    print("end", server.wait(60))


main()
