"""The learner's policies, fetched as they are published and run by ONNX Runtime (docs/protocol.md, section 5)."""

import random
import threading
import time

import grpc
import numpy as np
import onnxruntime

from session import crc32c
from troupe.v1 import actor_pb2 as pb


class Policy:
    """The newest policy; acts uniformly at random until there is one, and for as long as the learner says."""

    def __init__(self, stub, run):
        self._stub, self._run = stub, run
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # small networks; the other cores have environments to step
        self._session = onnxruntime.InferenceSession(run.policy_program, options)
        self._ports = [(port.name, port.shape) for port in self._session.get_inputs()
                       if port.name not in ("observations", "noise")]
        [self._noise_shape] = [port.shape for port in self._session.get_inputs() if port.name == "noise"]
        self._newest = None  # version, inputs, mean, scale
        threading.Thread(target=self._follow, daemon=True).start()

    def act(self, observations):
        """Actions in [-1, 1] for observations [envs, size], and the version that chose them."""
        newest = self._newest
        if newest is None:
            size = self._run.shape.action_size
            return np.random.uniform(-1, 1, (len(observations), size)).astype("f4"), -1
        version, inputs, mean, scale = newest
        if self._run.normalizes_observations:
            observations = np.clip((observations - mean) * scale, -10, 10)
        noise = np.random.standard_normal(self._noise_shape)
        feeds = {**inputs, "observations": observations.astype("f4"), "noise": noise.astype("f4")}
        return self._session.run(["actions"], feeds)[0], version

    def _follow(self):
        have = 0
        while True:
            try:
                request = pb.GetPolicyRequest(run_id=self._run.run_id, have_publication=have)
                slices = list(self._stub.GetPolicy(request))
            except grpc.RpcError:
                have = 0
                time.sleep(random.uniform(0.1, 1.0))
                continue
            data = b"".join(part.data for part in slices)
            if slices and len(data) == slices[0].total_bytes and crc32c(data) == slices[0].checksum:
                self._newest = self._take_apart(slices[0].version, np.frombuffer(data, "<f4"))
                have = slices[0].publication

    def _take_apart(self, version, numbers):
        if version < 0:
            return None
        count, size = self._run.parameter_count, self._run.shape.observation_size
        inputs, offset = {}, 0
        for name, shape in self._ports:
            length = int(np.prod(shape))
            inputs[name] = numbers[offset:offset + length].reshape(shape)
            offset += length
        return version, inputs, numbers[count:count + size], numbers[count + size:]
