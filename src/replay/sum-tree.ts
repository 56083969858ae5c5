/**
 * A complete binary tree of partial sums: set a weight, or draw an index, in O(log n).
 *
 * Layout: node 1 is the root, node i has children 2i and 2i + 1, leaf k is node `#leafBase + k`.
 * Sums are float64: a float32 sum past 2^24 no longer moves when 1 is added. Every inner node is always
 * exactly the sum of its two children, whatever the order of the writes, so equal leaves mean equal trees.
 *
 * Source: Schaul et al. 2016, "Prioritized Experience Replay", appendix B.2.1.
 */
export class SumTree {
  readonly capacity: number;
  readonly #leafBase: number;
  readonly #sums: Float64Array;
  /** Scratch of `setMany`: the nodes whose parents are summed next. */
  #dirty = new Uint32Array(0);
  /** Scratch of `findMany`: what is left of each mass. */
  #rests = new Float64Array(0);

  /** @param capacity Number of leaves; need not be a power of two. */
  constructor(capacity: number) {
    if (!(capacity >= 1 && capacity <= 2 ** 29)) throw new RangeError(`capacity ${capacity}`);
    this.capacity = capacity;
    this.#leafBase = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2)));
    this.#sums = new Float64Array(2 * this.#leafBase);
  }

  /** Sum of all weights. */
  get total(): number {
    return this.#sums[1]!;
  }

  /** The weights themselves, [capacity]. Writers must call `rebuild` afterwards. */
  get weights(): Float64Array {
    return this.#sums.subarray(this.#leafBase, this.#leafBase + this.capacity);
  }

  get(index: number): number {
    return this.#sums[this.#leafBase + index]!;
  }

  /** @throws RangeError unless 0 <= index < capacity and 0 <= weight < Infinity. */
  set(index: number, weight: number): void {
    this.#check(index, weight);
    const sums = this.#sums;
    let node = this.#leafBase + index;
    sums[node] = weight;
    // Recomputed from both children, not adjusted by the difference, so no error accumulates.
    for (node >>= 1; node >= 1; node >>= 1) sums[node] = sums[2 * node]! + sums[2 * node + 1]!;
  }

  /**
   * Gives the `count` leaves from `first` on one weight, in O(count + log n).
   *
   * @throws RangeError like `set`.
   */
  setRange(first: number, count: number, weight: number): void {
    if (count <= 0) return;
    this.#check(first, weight);
    this.#check(first + count - 1, weight);
    const sums = this.#sums;
    let low = this.#leafBase + first;
    let high = low + count - 1;
    for (let node = low; node <= high; node++) sums[node] = weight;
    while (low > 1) {
      low >>= 1;
      high >>= 1;
      for (let node = low; node <= high; node++) sums[node] = sums[2 * node]! + sums[2 * node + 1]!;
    }
  }

  /**
   * Sets `weights[i]` at `indices[i]` for i < count; of equal indices the last one counts.
   *
   * Works level by level: the loads of one level do not wait for each other, and neighbours of a sorted
   * batch share parents, which are then summed once. Two to three times faster than single sets.
   *
   * @throws RangeError like `set`, before anything is written.
   */
  setMany(indices: Uint32Array, weights: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) this.#check(indices[i]!, weights[i]!);
    if (this.#dirty.length < count) this.#dirty = new Uint32Array(count);
    const dirty = this.#dirty;
    const sums = this.#sums;
    for (let i = 0; i < count; i++) {
      const node = this.#leafBase + indices[i]!;
      sums[node] = weights[i]!;
      dirty[i] = node;
    }
    let dirtyCount = count;
    for (let width = this.#leafBase; width > 1; width >>= 1) {
      let kept = 0;
      let previous = 0;
      for (let i = 0; i < dirtyCount; i++) {
        const parent = dirty[i]! >> 1;
        if (parent === previous) continue;
        previous = parent;
        sums[parent] = sums[2 * parent]! + sums[2 * parent + 1]!;
        dirty[kept++] = parent;
      }
      dirtyCount = kept;
    }
  }

  /** Returns the leaf that `mass` in [0, total] falls in; its weight is > 0 if `total` is. */
  find(mass: number): number {
    const sums = this.#sums;
    let rest = mass;
    let node = 1;
    while (node < this.#leafBase) {
      node *= 2;
      const left = sums[node]!;
      // Rounding can leave `rest` at or past `left` where nothing lies to the right: stay left then.
      if (rest >= left && sums[node + 1]! > 0) {
        rest -= left;
        node += 1;
      }
    }
    return node - this.#leafBase;
  }

  /**
   * Writes `find(masses[i])` to `leaves[i]` for i < count.
   *
   * All walk down in step, so that a level's cache misses overlap, and without a branch on the comparison,
   * which no processor can predict: half the time of one walk after another.
   */
  findMany(masses: Float64Array, leaves: Uint32Array, count: number): void {
    if (this.#rests.length < count) this.#rests = new Float64Array(count);
    const sums = this.#sums;
    const rests = this.#rests;
    for (let i = 0; i < count; i++) {
      rests[i] = masses[i]!;
      leaves[i] = 1;
    }
    for (let width = 1; width < this.#leafBase; width *= 2) {
      for (let i = 0; i < count; i++) {
        const child = leaves[i]! << 1;
        const left = sums[child]!;
        const rest = rests[i]!;
        const right = Number(rest >= left);
        rests[i] = rest - left * right;
        leaves[i] = child + right;
      }
    }
    for (let i = 0; i < count; i++) {
      // Rounding led past the last weight; `find` asks at each node and is not led there.
      if (sums[leaves[i]!] === 0) leaves[i] = this.find(masses[i]!);
      else leaves[i]! -= this.#leafBase;
    }
  }

  /** Sums every inner node again after direct writes to `weights`: O(n). */
  rebuild(): void {
    const sums = this.#sums;
    for (let node = this.#leafBase - 1; node >= 1; node--) {
      sums[node] = sums[2 * node]! + sums[2 * node + 1]!;
    }
  }

  #check(index: number, weight: number): void {
    if (!(index >= 0 && index < this.capacity)) throw new RangeError(`index ${index}`);
    if (!(weight >= 0 && weight < Infinity)) throw new RangeError(`weight ${weight}`);
  }
}
