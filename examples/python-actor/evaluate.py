"""Plays episodes with a policy that `troupe export` has written.

    python3 evaluate.py policy.onnx Pendulum-v1 [EPISODES]
"""

import sys

import gymnasium
import numpy as np
import onnxruntime

path, name, episodes = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10
session = onnxruntime.InferenceSession(path)
observations = session.get_inputs()[0].name
env = gymnasium.make(name)
returns = []
for episode in range(episodes):
    observation, _ = env.reset(seed=episode)
    total, over = 0.0, False
    while not over:
        [action] = session.run(["action"], {observations: observation[None].astype("f4")})[0]
        observation, reward, terminated, truncated, _ = env.step(action)
        total, over = total + float(reward), terminated or truncated
    returns.append(total)
print(f"mean return {np.mean(returns):.1f} over {episodes} episodes")
