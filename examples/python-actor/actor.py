"""Steps a Gymnasium environment for a Troupe learner.

    python3 actor.py --learner 127.0.0.1:7447
"""

import argparse
import json
import os
import socket
import sys
import tempfile

import grpc
import msgpack
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def import_stubs():
    """Generates the protocol's Python code into a temporary folder and imports it from there."""
    from grpc_tools import protoc

    protos = os.path.join(HERE, "..", "..", "proto")
    folder = tempfile.TemporaryDirectory(prefix="troupe-stubs-")
    arguments = ["protoc", f"-I{protos}", f"--python_out={folder.name}",
                 f"--grpc_python_out={folder.name}", "troupe/v1/actor.proto"]
    if protoc.main(arguments) != 0:
        sys.exit("the stubs could not be generated from " + protos)
    sys.path.insert(0, folder.name)
    return folder


stubs = import_stubs()

import gymnasium  # noqa: E402
from troupe.v1 import actor_pb2 as pb, actor_pb2_grpc as rpc  # noqa: E402

from policy import Policy  # noqa: E402
from session import Session  # noqa: E402


class Recorder:
    """Collects the steps of one environment and packs them into unrolls."""

    def __init__(self, index, length):
        self._index, self._length = index, length

    def begin(self, observation):
        self._observations = [observation]
        self._actions, self._rewards, self._versions = [], [], []

    def add(self, action, reward, observation, version):
        self._actions.append(action)
        self._rewards.append(reward)
        self._versions.append(version)
        self._observations.append(observation)

    @property
    def steps(self):
        return len(self._actions)

    @property
    def is_full(self):
        return self.steps == self._length

    def pack(self, terminated, truncated):
        flags = np.zeros((2, self.steps), "u1")
        flags[:, -1] = terminated, truncated and not terminated
        return msgpack.packb({
            "v": 1, "env": self._index,
            "observations": column("<f4", self._observations), "actions": column("<f4", self._actions),
            "rewards": column("<f4", self._rewards), "terminated": column("|u1", flags[0]),
            "truncated": column("|u1", flags[1]), "policy_versions": column("<i4", self._versions),
        })


def column(dtype, values):
    array = np.ascontiguousarray(values, dtype)
    return {"dtype": dtype, "shape": list(array.shape), "data": array.tobytes()}


def make_envs(run):
    """The run's environments; ends with a sentence if they are not what the learner expects."""
    name = run.env_id.removeprefix("external/")
    try:
        envs = [gymnasium.make(name) for _ in range(run.envs_per_actor)]
    except gymnasium.error.Error as error:
        sys.exit(f"the learner trains on {run.env_id}: {error}")
    space = envs[0].action_space
    if not isinstance(space, gymnasium.spaces.Box):
        sys.exit(f"{name} has the action space {space}; the learner's are boxes")
    theirs = run.shape.observation_size, run.shape.action_size
    ours = envs[0].observation_space.shape[0], space.shape[0]
    if theirs != ours:
        sys.exit(f"the learner expects {theirs} numbers of observation and action, {name} has {ours}")
    options = json.loads(run.env_options_json)
    for field, bound in (("action_low", space.low), ("action_high", space.high)):
        if not np.allclose(options[field], bound):
            sys.exit(f"the learner's {field} is {options[field]}, that of {name} is {bound.tolist()}")
    return envs


def act(run, session, policy):
    """Steps all environments with one inference each time, until the run is over."""
    envs = make_envs(run)
    low, high = envs[0].action_space.low, envs[0].action_space.high
    recorders = [Recorder(i, run.shape.unroll_length) for i in range(len(envs))]
    seeds = np.random.SeedSequence([run.seed, os.getpid()]).generate_state(len(envs))
    observations = [env.reset(seed=int(seed))[0] for env, seed in zip(envs, seeds)]
    returns, lengths = [0.0] * len(envs), [0] * len(envs)
    for recorder, observation in zip(recorders, observations):
        recorder.begin(observation)
    while not session.finished.is_set():
        actions, session.policy_version = policy.act(np.asarray(observations, "f4"))
        for i, env in enumerate(envs):
            scaled = (low + high) / 2 + (high - low) / 2 * actions[i]
            observation, reward, terminated, truncated, _ = env.step(scaled)
            recorders[i].add(actions[i], reward, observation, session.policy_version)
            returns[i], lengths[i] = returns[i] + float(reward), lengths[i] + 1
            ended = terminated or truncated
            if ended or recorders[i].is_full:
                if not session.put(recorders[i].pack(terminated, truncated), recorders[i].steps):
                    return
                if ended:
                    outcome = pb.EPISODE_OUTCOME_TERMINATED if terminated else pb.EPISODE_OUTCOME_TRUNCATED
                    session.episode_ended(returns[i], lengths[i], outcome)
                    returns[i], lengths[i] = 0.0, 0
                    observation, _ = env.reset()
                recorders[i].begin(observation)
            observations[i] = observation


def connect(address, certs):
    options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.keepalive_time_ms", 10_000),
               ("grpc.keepalive_timeout_ms", 5_000)]
    if certs is None:
        return grpc.insecure_channel(address, options)

    def read(name):
        with open(os.path.join(certs, name), "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(read("ca.crt"), read("actor.key"), read("actor.crt"))
    return grpc.secure_channel(address, credentials, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learner", default="127.0.0.1:7447", metavar="HOST:PORT")
    parser.add_argument("--name", default=f"python-{socket.gethostname()}", help="the same each time it is started")
    parser.add_argument("--index", type=int, default=0, help="number of this actor on its host")
    parser.add_argument("--certs", metavar="DIR", help="ca.crt, actor.crt and actor.key of `troupe certs`")
    arguments = parser.parse_args()
    stub = rpc.ActorServiceStub(connect(arguments.learner, arguments.certs))
    print(f"looking for a learner at {arguments.learner}", flush=True)
    run = stub.GetRun(pb.GetRunRequest(protocol_version=1), wait_for_ready=True)
    if run.HasField("on_policy"):
        sys.exit(f"{run.algorithm} learns from turns; this example sends unrolls of any policy (see docs/protocol.md)")
    session = Session(stub, run, arguments.name, arguments.index)
    print(f"acting for {run.run_id}: {run.env_id}, {run.algorithm}", flush=True)
    try:
        act(run, session, Policy(stub, run))
    except KeyboardInterrupt:
        session.close(timeout=10)
    print(f"done: {session.steps} steps", flush=True)


main()
