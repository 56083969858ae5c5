/**
 * JSON text that `JSON.parse` turns back into an equal value, to the last bit.
 *
 * `JSON.stringify` does not promise that: NaN and Infinity become null, -0 becomes 0, typed arrays and
 * maps become other objects, and undefined vanishes. Here -0 is kept and the rest is refused, since a
 * random state or a running mean that comes back different is worse than an error on the first save.
 *
 * @throws TypeError naming the path of the first value that JSON cannot hold.
 */
export function encodeExactJson(value: unknown, path = "value"): string {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}`);
      return Object.is(value, -0) ? "-0" : JSON.stringify(value);
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "object":
      return encodeObject(value, path);
    default:
      throw new TypeError(`${path} is ${typeof value}`);
  }
}

function encodeObject(value: object | null, path: string): string {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, i) => encodeExactJson(item, `${path}[${i}]`)).join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeError(`${path} is a ${value.constructor.name}, not a plain object`);
  }
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${encodeExactJson(member, `${path}.${key}`)}`,
  );
  return `{${members.join(",")}}`;
}
