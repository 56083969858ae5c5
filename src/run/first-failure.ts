/** Gathers what goes wrong in callbacks, where nobody could catch it; the first failure counts. */
export class FirstFailure {
  /** Never resolves; rejects with the first failure. */
  readonly promise: Promise<never>;
  readonly fail: (thrown: unknown) => void;

  constructor() {
    let fail: (thrown: unknown) => void = () => undefined;
    this.promise = new Promise((_, reject) => {
      fail = reject;
    });
    this.fail = fail;
    this.promise.catch(() => undefined);
  }

  /** A callback that does what `callback` does, and fails here instead of throwing. */
  guard<Parameters extends readonly unknown[]>(
    callback: (...parameters: Parameters) => void,
  ): (...parameters: Parameters) => void {
    return (...parameters) => {
      try {
        callback(...parameters);
      } catch (thrown) {
        this.fail(thrown);
      }
    };
  }
}
