"""A network switch in user space, with delay, jitter, loss, limited rate and cuts for each pair of ports.

For kernels without netem. Makes TAP devices PREFIX1..PREFIXn, prints "ready", and forwards their frames
until standard input ends; whoever started it moves the devices to where they belong. Each line of standard
input is JSON: {"from": 1, "to": 2, "delay_ms": 5, "jitter_ms": 0, "loss": 0.01, "mbit": 100, "cut": false};
without from or to it holds for all. What is left out stays as it is.

Python and not Node, which has no ioctl to make a TAP device.

    python3 tap_switch.py PREFIX N
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_BYTES = 65536
# What a limited link holds before it drops from the end.
QUEUE_SECONDS = 0.1
# A timer of epoll is in milliseconds; what is due sooner is waited for by asking again.
SPIN_SECONDS = 0.0003


class Link:
    """One way between two ports."""

    def __init__(self):
        self.delay_ms = self.jitter_ms = self.loss = self.mbit = 0.0
        self.cut = False
        self.free_at = 0.0

    def due(self, now, size):
        """When a frame that comes now arrives, or None when it is lost."""
        if self.cut or (self.loss and random.random() < self.loss):
            return None
        start = now
        if self.mbit:
            start = max(self.free_at, now)
            if start - now > QUEUE_SECONDS:
                return None
            start = self.free_at = start + size * 8 / (self.mbit * 1e6)
        return start + (self.delay_ms + self.jitter_ms * random.random()) / 1000


def open_tap(name):
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return handle


class Switch:
    def __init__(self, taps):
        self.taps = taps
        ports = range(len(taps))
        self.links = {(i, j): Link() for i in ports for j in ports if i != j}
        self.port_of = {}
        self.held = []
        self.count = 0

    def configure(self, line):
        change = json.loads(line)
        source, target = change.pop("from", None), change.pop("to", None)
        for (i, j), link in self.links.items():
            if source in (None, i + 1) and target in (None, j + 1):
                for name, value in change.items():
                    setattr(link, name, value)

    def forward(self, port):
        for _ in range(64):
            try:
                frame = os.read(self.taps[port], FRAME_BYTES)
            except OSError:
                return
            self.port_of[frame[6:12]] = port
            known = None if frame[0] & 1 else self.port_of.get(frame[:6])
            for target in range(len(self.taps)) if known is None else (known,):
                if target != port:
                    self.send(port, target, frame)

    def send(self, port, target, frame):
        now = time.monotonic()
        due = self.links[port, target].due(now, len(frame))
        if due is None:
            return
        if due <= now:
            self.emit(target, frame)
        else:
            self.count += 1
            heapq.heappush(self.held, (due, self.count, target, frame))

    def emit(self, target, frame):
        try:
            os.write(self.taps[target], frame)
        except OSError:
            pass  # a device that is down or full loses frames, as they do

    def deliver(self):
        """Emits what is due; returns the seconds until the next."""
        while self.held:
            wait = self.held[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, target, frame = heapq.heappop(self.held)
            self.emit(target, frame)
        return 1.0


def main(prefix, count):
    switch = Switch([open_tap(f"{prefix}{i + 1}") for i in range(count)])
    ports = {tap: port for port, tap in enumerate(switch.taps)}
    poll = select.epoll()
    for tap in switch.taps:
        poll.register(tap, select.EPOLLIN)
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    print("ready", flush=True)
    while True:
        wait = switch.deliver()
        for handle, _ in poll.poll(0 if wait < SPIN_SECONDS else wait):
            if handle in ports:
                switch.forward(ports[handle])
                continue
            text = os.read(0, 65536)
            if not text:
                return
            for line in text.decode().splitlines():
                switch.configure(line)


main(sys.argv[1], int(sys.argv[2]))
