import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../src/config/address.ts";

describe("parseAddress", () => {
  test("reads names, IPv4 and bracketed IPv6", () => {
    expect(parseAddress("learner:7447", "--listen")).toEqual({ host: "learner", port: 7447 });
    expect(parseAddress("127.0.0.1:0", "--listen")).toEqual({ host: "127.0.0.1", port: 0 });
    expect(parseAddress("[::1]:65535", "--listen")).toEqual({ host: "::1", port: 65_535 });
  });

  test.each(["", "host", "host:", ":1", "host:65536", "::1:5", "a b:1", "host:1x", "[]:1"])(
    "refuses %j, naming where it was given",
    (text) => {
      expect(() => parseAddress(text, "--listen")).toThrow(/--listen: .* is no HOST:PORT/);
    },
  );

  test("reads what formatAddress writes", () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (host, port) => {
        expect(parseAddress(formatAddress({ host, port }), "--learner")).toEqual({ host, port });
      }),
    );
  });
});
