import type { ServiceError } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import type { CertifiedKey } from "../../../src/transport/certs/authority.ts";
import { ControlClient } from "../../../src/transport/control/control-client.ts";
import { ActorServiceClient } from "../../../src/transport/generated/troupe/v1/actor.ts";
import type { Role, TlsIdentity } from "../../../src/transport/tls.ts";
import { channelSecurity } from "../../../src/transport/tls-credentials.ts";
import { frameOf, Harness, poll, RawActor } from "../gateway/harness.ts";
import { identity, openAuthority } from "./identities.ts";

let authority: CertifiedKey;
let learner: TlsIdentity;
beforeAll(async () => {
  authority = await openAuthority();
  learner = await identity(authority, "learner");
});

/** A gateway that serves other machines with TLS. */
function openGateway(): Promise<Harness> {
  const listen = [{ host: "127.0.0.1", port: 0, tls: learner }];
  return Harness.open({ durability: "log", setup: { listen } });
}

async function connect(harness: Harness, role: Role): Promise<ActorServiceClient> {
  const address = `localhost:${harness.host.ports[0]}`;
  const { credentials, options } = channelSecurity(address, await identity(authority, role));
  return new ActorServiceClient(address, credentials, options);
}

function getRun(client: ActorServiceClient): Promise<string> {
  return new Promise((resolve) =>
    client.getRun({ protocolVersion: 1 }, (error: ServiceError | null, response) =>
      resolve(error ? `${error.code} ${error.details}` : response.runId),
    ),
  );
}

/** How often something was counted, by reason. */
function refusals({ events }: Harness, reason: string): number {
  const updates = events.flatMap((event) => (event.type === "metrics" ? event.update : []));
  return updates
    .filter((update) => update.name === "troupe_session_refused_total")
    .filter(({ labels }) => labels?.["reason"] === reason)
    .reduce((sum, { value }) => sum + value, 0);
}

describe("a gateway with TLS", () => {
  test("takes an actor's unrolls", async () => {
    await using harness = await openGateway();
    harness.keepTaking();
    const client = await connect(harness, "actor");
    expect(await getRun(client)).toBe("run-1");
    const actor = new RawActor(client.session());
    await actor.join();
    actor.send(frameOf(0), frameOf(1));
    await actor.wait("acknowledgement", ({ durable }) => durable === 2);
    actor.stream.cancel();
    client.close();
  });

  test.each(["viewer", "admin", "learner"] as const)(
    "lets a %s make no call of actors",
    async (role) => {
      await using harness = await openGateway();
      const client = await connect(harness, role);
      const denied = `7 this needs a certificate of the role actor, yours has ${role}`;
      expect(await getRun(client)).toBe(denied);
      const actor = new RawActor(client.session());
      actor.send(frameOf(0));
      await poll(() => actor.end, "the end of the session");
      expect(actor.end).toBe(denied);
      expect(actor.heard).toEqual([]);
      const policy = client.getPolicy({ runId: "", havePublication: 0 });
      const error = await new Promise<ServiceError>((resolve) =>
        policy.once("error", resolve).resume(),
      );
      expect(`${error.code} ${error.details}`).toBe(denied);
      await poll(() => refusals(harness, "role") === 3, "the count of refusals");
      expect(
        harness.logLines.filter((line) => line.includes("may not call /troupe.v1.")),
      ).toHaveLength(3);
      client.close();
    },
  );

  test("shows its state to a viewer, and to no actor", async () => {
    await using harness = await openGateway();
    const ask = async (role: Role) => {
      const address = `localhost:${harness.host.ports[0]}`;
      const tls = await identity(authority, role);
      using client = new ControlClient({ address, tls, timeoutMs: 20_000 });
      return await client.status();
    };
    expect(await ask("viewer")).toMatchObject({ runId: "run-1", envId: "Test-v0", actors: [] });
    await expect(ask("actor")).rejects.toMatchObject({ code: "LEARNER_REFUSED" });
  });

  test("counts and logs whom TLS turns away, and minds them no further", async () => {
    await using harness = await openGateway();
    const stranger = await identity(await openAuthority(), "actor", { trusts: authority });
    const address = `localhost:${harness.host.ports[0]}`;
    const { credentials, options } = channelSecurity(address, stranger);
    const client = new ActorServiceClient(address, credentials, options);
    expect(await getRun(client)).toMatch(/^14 /);
    client.close();
    await poll(() => refusals(harness, "tls") >= 1, "the count of refusals");
    expect(harness.logLines).toContainEqual(
      expect.stringMatching(
        /^127\.0\.0\.1 could not connect: its certificate was not signed by our authority/,
      ),
    );
    const actor = await connect(harness, "actor");
    expect(await getRun(actor)).toBe("run-1");
    actor.close();
  });
});
