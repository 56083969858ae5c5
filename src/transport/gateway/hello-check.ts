import type { UnrollShape } from "../../protocol.ts";
import { type GetRunResponse, type Hello, RefusalReason } from "../generated/troupe/v1/actor.ts";
import { PROTOCOL_VERSION } from "../protocol-version.ts";

const MOST_HOST_LENGTH = 255;
const INSTANCE_BYTES = 16;
const MOST_INDEX = 2 ** 31;

/** Why there is no session. */
export interface SessionFault {
  readonly reason: RefusalReason;
  readonly message: string;
}

/** What is wrong with an introduction, before anybody asks who it is. */
export function checkHello(
  hello: Hello,
  run: Pick<GetRunResponse, "runId" | "envId" | "shape">,
): SessionFault | undefined {
  const fault = (reason: RefusalReason, message: string) => ({ reason, message });
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    return fault(
      RefusalReason.REFUSAL_REASON_PROTOCOL_VERSION,
      `the actor speaks protocol ${hello.protocolVersion}, the learner ${PROTOCOL_VERSION}`,
    );
  }
  if (hello.runId !== "" && hello.runId !== run.runId) {
    return fault(
      RefusalReason.REFUSAL_REASON_RUN,
      `the actor acts for run ${quoted(hello.runId)}, the learner runs ${quoted(run.runId)}`,
    );
  }
  if (hello.envId !== run.envId) {
    return fault(
      RefusalReason.REFUSAL_REASON_ENV,
      `the actor steps ${quoted(hello.envId)}, the run is of ${quoted(run.envId)}`,
    );
  }
  const [given, wanted] = [describeShape(hello.shape), describeShape(run.shape)];
  if (given !== wanted) {
    return fault(
      RefusalReason.REFUSAL_REASON_SHAPE,
      `the actor's unrolls have ${given}; the run's have ${wanted}`,
    );
  }
  const complaint = wrongName(hello);
  if (complaint === undefined) return undefined;
  return fault(RefusalReason.REFUSAL_REASON_PROTOCOL, complaint);
}

function wrongName({ host, index, instance }: Hello): string | undefined {
  if (host === "" || host.length > MOST_HOST_LENGTH) {
    return `hello.host has ${host.length} characters, 1 to ${MOST_HOST_LENGTH} are wanted`;
  }
  if (index >= MOST_INDEX) return `hello.index is ${index}, it must be below ${MOST_INDEX}`;
  if (instance.length !== INSTANCE_BYTES) {
    return `hello.instance has ${instance.length} bytes, not ${INSTANCE_BYTES}`;
  }
  return undefined;
}

function describeShape(shape: UnrollShape | undefined): string {
  if (shape === undefined) return "no shape";
  const { observationSize, actionSize, unrollLength, frameStack } = shape;
  const observations = frameStack ? `stacks of ${frameStack} frames` : "observations";
  return `${observations} of ${observationSize}, actions of ${actionSize} and ${unrollLength} steps`;
}

/** Text of somebody else's, made fit for a message. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
