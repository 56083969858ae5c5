// Trains a small SAC for a few updates from the built package and prints the SHA-256 of what is left.
import { createHash } from "node:crypto";
import { sac, sacDefaults } from "../../dist/algorithms/sac.js";
import { TrainStep } from "../../dist/compile/train-step.js";
import { RandomStream } from "../../dist/math/random.js";

const sizes = { observationSize: 5, actionSize: 3, batchSize: 64 };
const algorithm = sac({ ...sacDefaults, hidden: [64, 64] }, sizes);
const random = RandomStream.derive(1, "parameters");
const step = await TrainStep.create(algorithm, { random, threads: Number(process.argv[2]) });
const batch = step.createBatch();
const noise = step.createNoise();
const draws = RandomStream.derive(2, "draws");
for (let k = 0; k < 20; k++) {
  for (const column of [...Object.values(batch), ...Object.values(noise)]) draws.fillNormal(column);
  await step.step(batch, noise);
}
const hash = createHash("sha256");
for (const { data } of Object.values(step.exportState())) {
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
process.stdout.write(hash.digest("hex"));
