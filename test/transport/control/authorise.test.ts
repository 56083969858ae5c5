import { describe, expect, test } from "vitest";
import { authorise } from "../../../src/transport/control/authorise.ts";

function call(subject: object | undefined) {
  const sslPeerCertificate = subject && { subject };
  return { getAuthContext: () => ({ transportSecurityType: "ssl", sslPeerCertificate }) };
}

describe("authorise", () => {
  const matrix = {
    actor: { actor: true, viewer: false, admin: false, learner: false },
    viewer: { actor: false, viewer: true, admin: true, learner: false },
    admin: { actor: false, viewer: false, admin: true, learner: false },
    learner: { actor: false, viewer: false, admin: false, learner: true },
  } as const;

  for (const needed of ["actor", "viewer", "admin", "learner"] as const)
    for (const owner of ["actor", "viewer", "admin", "learner"] as const)
      test(`what needs ${needed} is ${matrix[needed][owner] ? "open" : "closed"} to ${owner}`, () => {
        expect(authorise(call({ OU: owner }), needed) === undefined).toBe(matrix[needed][owner]);
      });

  test("says which role there is and which is needed", () => {
    expect(authorise(call({ OU: "actor" }), "viewer")).toMatchObject({
      code: 7,
      details: "this needs a certificate of the role viewer or admin, yours has actor",
    });
  });

  test.each([
    [undefined],
    [{}],
    [{ OU: "" }],
    [{ OU: "Admin" }],
    [{ OU: ["viewer", "admin"] }],
    [{ CN: "admin" }],
  ])("denies a certificate with the subject %j", (subject) =>
    expect(authorise(call(subject), "viewer")).toMatchObject({ code: 7 }),
  );

  test("lets everybody do everything on a listener without TLS", () => {
    expect(authorise({ getAuthContext: () => ({}) }, "admin")).toBeUndefined();
  });
});
