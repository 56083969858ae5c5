"""One actor's conversation with a learner: nothing that the learner has not made durable is forgotten.

docs/protocol.md, section 3, tells the rules; this is one way to keep them.
"""

import collections
import os
import queue
import random
import sys
import threading
import time

import grpc

from troupe.v1 import actor_pb2 as pb

try:
    from google_crc32c import value as crc32c
except ImportError:  # Debian's package
    from crc32c import crc32c

# Unrolls that may wait to become durable before the environment pauses; more would be older when learned from.
MOST_KEPT = 8


class Session:
    """Numbers unrolls, sends them while there is credit, and keeps each until the learner has it for good."""

    def __init__(self, stub, run, host, index):
        self._stub, self._run = stub, run
        self._name = dict(host=host, index=index, instance=os.urandom(16))
        self._kept = collections.OrderedDict()  # sequence -> payload
        self._made = 0
        self._who = None  # slot and incarnation of the last welcome
        self._episodes = []
        self._said = 0, time.monotonic()  # steps and time of the last heartbeat
        self._leaving = False
        self._changed = threading.Condition()
        self.steps = 0
        self.policy_version = -1
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def put(self, payload, steps):
        """Hands an unroll over; waits while too many are kept. False once the run is over."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._kept) < MOST_KEPT or self.finished.is_set())
            if self.finished.is_set():
                return False
            self._kept[self._made] = payload
            self._made += 1
            self.steps += steps
            self._changed.notify_all()
            return True

    def episode_ended(self, episode_return, length, outcome):
        """Tells the learner with the next heartbeat, for its metrics."""
        with self._changed:
            self._episodes.append(
                pb.EpisodeEnd(episode_return=episode_return, episode_length=length, outcome=outcome))

    def close(self, timeout):
        """Leaves for good once all is durable. False if that took more than `timeout` seconds."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        return self.finished.wait(timeout)

    def _talk(self):
        while not self.finished.is_set():
            try:
                self._converse()
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    print(f"session: {error.code().name}: {error.details()}", file=sys.stderr)
            time.sleep(random.uniform(0.1, 1.0))

    def _converse(self):
        """One call, from hello to its end."""
        state = dict(next=0, limit=0, heartbeat=1.0, open=False, over=False)
        try:
            for message in self._stub.Session(self._upstream(state)):
                kind = message.WhichOneof("message")
                with self._changed:
                    getattr(self, f"_on_{kind}")(getattr(message, kind), state)
                    self._changed.notify_all()
        finally:
            with self._changed:
                state["over"] = True
                self._changed.notify_all()

    def _upstream(self, state):
        first = next(iter(self._kept), self._made)
        resume = self._who and pb.Resume(first_kept_sequence=first, **self._who)
        yield pb.ActorMessage(hello=pb.Hello(
            protocol_version=1, run_id=self._run.run_id, env_id=self._run.env_id,
            shape=self._run.shape, resume=resume, **self._name))
        said = time.monotonic()
        while not state["over"]:
            frame = self._next_frame(state)
            if state["open"] and self._leaving and not self._kept:
                self.finished.set()
                yield pb.ActorMessage(goodbye=pb.Goodbye())
                return
            if frame:
                yield pb.ActorMessage(frame=frame)
            if state["open"] and time.monotonic() - said > state["heartbeat"] / 2:
                said = time.monotonic()
                yield pb.ActorMessage(heartbeat=self._heartbeat())

    def _next_frame(self, state):
        def can_send():
            return state["open"] and state["next"] < min(state["limit"], self._made)

        with self._changed:
            self._changed.wait_for(lambda: can_send() or state["over"], timeout=0.25)
            if not can_send():
                return None
            sequence = state["next"]
            state["next"] += 1
            payload = self._kept.get(sequence)  # None: durable or refused meanwhile
        return payload and pb.Frame(sequence=sequence, checksum=crc32c(payload), payload=payload)

    def _heartbeat(self):
        with self._changed:
            episodes, self._episodes = self._episodes, []
            steps, seconds = self.steps - self._said[0], time.monotonic() - self._said[1]
            self._said = self.steps, time.monotonic()
            return pb.Heartbeat(
                episodes=episodes, outbox_frames=len(self._kept),
                env_steps_per_second=steps / seconds, policy_version=self.policy_version)

    def _on_welcome(self, welcome, state):
        who = dict(slot=welcome.slot, incarnation=welcome.incarnation)
        if self._who not in (None, who):  # the learner has lost track of us: number anew
            self._kept = collections.OrderedDict(enumerate(self._kept.values()))
            self._made = len(self._kept)
        self._who = who
        for refusal in welcome.refused:
            self._kept.pop(refusal.sequence, None)
        self._forget_below(welcome.durable)
        state.update(next=welcome.next_sequence, limit=welcome.send_limit,
                     heartbeat=welcome.heartbeat_seconds, open=True)

    def _on_acknowledgement(self, acknowledgement, state):
        self._forget_below(acknowledgement.durable)
        state["limit"] = acknowledgement.send_limit

    def _on_frame_refusal(self, refusal, state):
        print(f"frame {refusal.sequence} was refused: {refusal.message}", file=sys.stderr)
        if refusal.resend:
            state["next"] = refusal.sequence
        else:
            self._kept.pop(refusal.sequence, None)

    def _on_notice(self, notice, _state):
        if notice.kind == pb.NOTICE_KIND_FINISHED:
            self.finished.set()

    def _on_refusal(self, refusal, _state):
        print(f"the learner refuses this actor: {refusal.message}", file=sys.stderr)
        if refusal.reason <= pb.REFUSAL_REASON_FENCED:  # does not change by itself
            self.finished.set()

    def _forget_below(self, durable):
        for sequence in [s for s in self._kept if s < durable]:
            del self._kept[sequence]
