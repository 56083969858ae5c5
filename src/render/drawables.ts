import type { MjModel } from "@mujoco/mujoco";
import { nameAt, type Scene } from "./camera.ts";
import { BOX, CAPSULE, PLANE, ShapeTable } from "./shapes.ts";

/** MuJoCo draws these groups of geoms, sites and tendons unless told otherwise. */
const DEFAULT_GROUPS = [0, 1, 2];
/** mjtWrap: a tendon through joints has no path in space. */
const WRAP_JOINT = 1;
/** A tendon's wrap object: a pulley, where its path jumps. */
const PULLEY = -2;
/** MuJoCo's colour of what was given none: a material's own then counts. */
export const DEFAULT_GREY = 0.5;

/** The arrays read for each frame, as views into a heap that may move. */
interface HeapViews {
  readonly geomPositions: Float64Array;
  readonly geomRotations: Float64Array;
  readonly geomSizes: Float64Array;
  readonly geomColours: Float32Array;
  readonly sitePositions: Float64Array;
  readonly siteRotations: Float64Array;
  readonly siteSizes: Float64Array;
  readonly siteColours: Float32Array;
  readonly tendonColours: Float32Array;
  readonly pathStarts: Int32Array;
  readonly pathLengths: Int32Array;
  readonly pathPoints: Float64Array;
  readonly pathObjects: Int32Array;
}

/**
 * Everything that can be seen of a scene: first its geoms, then its sites, then the pieces of its
 * tendons. `read` brings them up to date; sizes and colours too, because tasks edit them.
 */
export class Drawables {
  readonly table: ShapeTable;
  /** [count, 4], red, green, blue, alpha in [0, 1]. */
  readonly colours: Float64Array;
  /** [count], the material's index, -1: none. */
  readonly materials: Int32Array;
  /** [geomCount], the model's number of each geom. */
  readonly geoms: Int32Array;
  /** Names of geoms that are shown as the box around them: meshes and height fields. */
  readonly boxed: readonly string[];

  readonly #scene: Scene;
  readonly #sites: Int32Array;
  readonly #tendons: Int32Array;
  /** [nmat, 4] */
  readonly #materialColours: Float32Array;
  readonly #boxCentres: Float64Array;
  /** [2, 3], of the piece of tendon at hand. */
  readonly #ends = new Float64Array(6);
  #views: HeapViews | undefined;
  #count = 0;

  constructor(scene: Scene, groups: readonly number[] = DEFAULT_GROUPS) {
    const { model } = scene;
    this.#scene = scene;
    this.geoms = inGroups(model.geom_group, groups);
    this.#sites = inGroups(model.site_group, groups);
    this.#tendons = spatialTendons(model, groups);
    const pieces = this.#tendons.length > 0 ? 2 * model.nwrap : 0;
    const capacity = this.geoms.length + this.#sites.length + pieces;
    this.table = new ShapeTable(capacity);
    this.colours = new Float64Array(4 * capacity);
    this.materials = new Int32Array(capacity);
    this.#materialColours = Float32Array.from(model.mat_rgba);
    this.#boxCentres = new Float64Array(3 * this.geoms.length);
    this.boxed = this.#setKinds(model);
  }

  /** Geoms, sites and pieces of tendons to be drawn now. */
  get count(): number {
    return this.#count;
  }

  read(): void {
    // Views of a heap that has moved have length 0; every model has a geom position, the rest may be empty.
    if (!this.#views || this.#views.geomPositions.length === 0)
      this.#views = fetchViews(this.#scene);
    const views = this.#views;
    this.#readGeoms(views);
    this.#readSites(views);
    this.#count = this.geoms.length + this.#sites.length;
    for (const tendon of this.#tendons) this.#readTendon(views, tendon);
  }

  #setKinds(model: MjModel): string[] {
    const { kinds } = this.table;
    const geomKinds: Int32Array = model.geom_type;
    const boxes: Float64Array = model.geom_aabb;
    const boxed: string[] = [];
    for (const [k, geom] of this.geoms.entries()) {
      const kind = geomKinds[geom]!;
      this.materials[k] = model.geom_matid[geom];
      kinds[k] = isAnalytic(kind) ? kind : BOX;
      if (isAnalytic(kind)) continue;
      boxed.push(nameAt(model, model.name_geomadr[geom]) || `geom ${geom}`);
      this.#boxCentres.set(boxes.subarray(6 * geom, 6 * geom + 3), 3 * k);
      this.table.sizes.set(boxes.subarray(6 * geom + 3, 6 * geom + 6), 3 * k);
    }
    for (const [s, site] of this.#sites.entries()) {
      this.materials[this.geoms.length + s] = model.site_matid[site];
      kinds[this.geoms.length + s] = model.site_type[site];
    }
    kinds.fill(CAPSULE, this.geoms.length + this.#sites.length);
    return boxed;
  }

  #readGeoms(views: HeapViews): void {
    const { table, geoms } = this;
    const { kinds, positions, rotations, sizes } = table;
    const analytic = this.boxed.length === 0;
    for (let k = 0; k < geoms.length; k++) {
      const geom = geoms[k]!;
      for (let a = 0; a < 3; a++) positions[3 * k + a] = views.geomPositions[3 * geom + a]!;
      for (let a = 0; a < 9; a++) rotations[9 * k + a] = views.geomRotations[9 * geom + a]!;
      if (analytic || kinds[k] !== BOX || !this.#shiftBox(k)) {
        for (let a = 0; a < 3; a++) sizes[3 * k + a] = views.geomSizes[3 * geom + a]!;
      }
      this.#setColour(k, views.geomColours, geom);
    }
  }

  /** Moves the box around a mesh to its centre; false when the geom is no mesh. */
  #shiftBox(k: number): boolean {
    const { positions, rotations } = this.table;
    const kind: number = this.#scene.model.geom_type[this.geoms[k]!];
    if (isAnalytic(kind)) return false;
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        positions[3 * k + a] =
          positions[3 * k + a]! + rotations[9 * k + 3 * a + b]! * this.#boxCentres[3 * k + b]!;
      }
    }
    return true;
  }

  #readSites(views: HeapViews): void {
    const { positions, rotations, sizes } = this.table;
    for (let s = 0; s < this.#sites.length; s++) {
      const site = this.#sites[s]!;
      const k = this.geoms.length + s;
      for (let a = 0; a < 3; a++) positions[3 * k + a] = views.sitePositions[3 * site + a]!;
      for (let a = 0; a < 9; a++) rotations[9 * k + a] = views.siteRotations[9 * site + a]!;
      for (let a = 0; a < 3; a++) sizes[3 * k + a] = views.siteSizes[3 * site + a]!;
      this.#setColour(k, views.siteColours, site);
    }
  }

  /** Straight pieces between the points of the path. */
  #readTendon(views: HeapViews, tendon: number): void {
    const { pathObjects, pathPoints } = views;
    const radius: number = this.#scene.model.tendon_width[tendon];
    const start = views.pathStarts[tendon]!;
    const end = start + views.pathLengths[tendon]! - 1;
    for (let point = start; point < end; point++) {
      if (pathObjects[point] === PULLEY || pathObjects[point + 1] === PULLEY) continue;
      const k = this.#count++;
      for (let a = 0; a < 6; a++) this.#ends[a] = pathPoints[3 * point + a]!;
      placePiece(this.table, k, this.#ends);
      this.table.sizes[3 * k] = radius;
      this.materials[k] = this.#scene.model.tendon_matid[tendon];
      this.#setColour(k, views.tendonColours, tendon);
    }
  }

  #setColour(k: number, colours: Float32Array, index: number): void {
    const material = this.materials[k]!;
    const grey =
      colours[4 * index] === DEFAULT_GREY &&
      colours[4 * index + 1] === DEFAULT_GREY &&
      colours[4 * index + 2] === DEFAULT_GREY &&
      colours[4 * index + 3] === 1;
    const source = material >= 0 && grey ? this.#materialColours : colours;
    const at = source === colours ? index : material;
    for (let a = 0; a < 4; a++) this.colours[4 * k + a] = source[4 * at + a]!;
  }
}

function isAnalytic(kind: number): boolean {
  return kind === PLANE || (kind > 1 && kind <= BOX);
}

function inGroups(groups: Int32Array, shown: readonly number[]): Int32Array {
  return Int32Array.from(groups.keys()).filter((i) => shown.includes(groups[i]!));
}

function spatialTendons(model: MjModel, shown: readonly number[]): Int32Array {
  const visible = inGroups(model.tendon_group, shown);
  return visible.filter((i) => model.wrap_type[model.tendon_adr[i]] !== WRAP_JOINT);
}

/** A capsule from one end of a piece, [2, 3], to the other; any axes about it will do. */
function placePiece(table: ShapeTable, k: number, ends: Float64Array): void {
  const { positions, rotations } = table;
  const [x, y, z] = [ends[3]! - ends[0]!, ends[4]! - ends[1]!, ends[5]! - ends[2]!];
  const length = Math.sqrt(x * x + y * y + z * z);
  table.sizes[3 * k + 1] = length / 2;
  for (let a = 0; a < 3; a++) positions[3 * k + a] = (ends[a]! + ends[3 + a]!) / 2;
  const [dx, dy, dz] = length > 0 ? [x / length, y / length, z / length] : [0, 0, 1];
  // Of the world's axes one that is not nearly parallel.
  const [ux, uz] = Math.abs(dx) < 0.9 ? [1, 0] : [0, 1];
  const [px, py, pz] = [dy * uz, dz * ux - dx * uz, -dy * ux];
  const scale = 1 / Math.sqrt(px * px + py * py + pz * pz);
  const [ax, ay, az] = [px * scale, py * scale, pz * scale];
  const [bx, by, bz] = [dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax];
  rotations[9 * k] = ax;
  rotations[9 * k + 1] = bx;
  rotations[9 * k + 2] = dx;
  rotations[9 * k + 3] = ay;
  rotations[9 * k + 4] = by;
  rotations[9 * k + 5] = dy;
  rotations[9 * k + 6] = az;
  rotations[9 * k + 7] = bz;
  rotations[9 * k + 8] = dz;
}

function fetchViews({ model, data }: Scene): HeapViews {
  return {
    geomPositions: data.geom_xpos,
    geomRotations: data.geom_xmat,
    geomSizes: model.geom_size,
    geomColours: model.geom_rgba,
    sitePositions: data.site_xpos,
    siteRotations: data.site_xmat,
    siteSizes: model.site_size,
    siteColours: model.site_rgba,
    tendonColours: model.tendon_rgba,
    pathStarts: data.ten_wrapadr,
    pathLengths: data.ten_wrapnum,
    pathPoints: data.wrap_xpos,
    pathObjects: data.wrap_obj,
  };
}
