import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainConnectionError } from "../../../src/transport/tls-errors.ts";

/** What grpc-js 1.14 makes of a socket's error. */
function unavailable(error: string): Error {
  const details = `No connection established. Last error: ${error}. Resolution note: `;
  return Object.assign(new Error(`14 UNAVAILABLE: ${details}`), { code: 14, details });
}

const tls = { ca: "", certificate: "", key: "" };

describe("explainConnectionError", () => {
  test.each([
    ["Error: connect ECONNREFUSED 10.0.0.1:7447", /^nobody listens at h:1: /],
    ["Error: connect EHOSTUNREACH 10.0.0.1:7447", /^h:1 cannot be reached/],
    ["Error: connect ETIMEDOUT 10.0.0.1:7447", /^h:1 cannot be reached/],
    ["Error: getaddrinfo ENOTFOUND h", /^the host name h is not known here/],
    ["Error: read ECONNRESET", /it went away, or it does not accept our certificate/],
    [
      "08C:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca",
      /does not accept our certificate/,
    ],
    ["Error: something new", /^h:1: something new$/],
  ])("of %s says what it means", (error, meaning) => {
    expect(explainConnectionError(unavailable(error), "h:1", tls)).toMatch(meaning);
  });

  test("knows a name that cannot be resolved, an IPv6 address and a socket", () => {
    const unknown = Object.assign(new Error(), {
      code: 14,
      details: "Name resolution failed for target dns:h:1",
    });
    expect(explainConnectionError(unknown, "h:1", tls)).toMatch(/^the host name h is not known/);
    const refused = unavailable("Error: connect ECONNREFUSED ::1:1");
    expect(explainConnectionError(refused, "[::1]:1", tls)).toMatch(/^nobody listens at \[::1\]:1/);
    const gone = unavailable("Error: connect ENOENT /run/x");
    expect(explainConnectionError(gone, "unix:/run/x", undefined)).toMatch(
      /^nobody listens at unix:\/run\/x/,
    );
  });

  test("has something to say to any error, and names the address", () => {
    const errors = fc.record({
      code: fc.integer({ min: 0, max: 17 }),
      details: fc.string(),
      message: fc.string(),
    });
    fc.assert(
      fc.property(errors, fc.constantFrom(tls, undefined), (parts, identity) => {
        const error = Object.assign(new Error(), parts);
        expect(explainConnectionError(error, "h:1", identity)).toMatch(/\bh\b/);
      }),
    );
  });
});
