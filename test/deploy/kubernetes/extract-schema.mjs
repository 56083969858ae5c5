// Makes test/fixtures/kubernetes/schema.json: the fields of the kinds that our manifests use, and of all types
// below them. Kubernetes' own OpenAPI document has megabytes; the npm package kubernetes-models declares the same
// types, and what is read here are its declarations, from a folder where somebody installed it:
//   npm install kubernetes-models@5.1.0 @kubernetes-models/prometheus-operator && node extract-schema.mjs FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(process.argv[2] ?? ".", "node_modules");

const KINDS = {
  "v1 Namespace": "kubernetes-models/v1/Namespace",
  "v1 ConfigMap": "kubernetes-models/v1/ConfigMap",
  "v1 Secret": "kubernetes-models/v1/Secret",
  "v1 Service": "kubernetes-models/v1/Service",
  "v1 ServiceAccount": "kubernetes-models/v1/ServiceAccount",
  "v1 PersistentVolumeClaim": "kubernetes-models/v1/PersistentVolumeClaim",
  "v1 Pod": "kubernetes-models/v1/Pod",
  "apps/v1 StatefulSet": "kubernetes-models/apps/v1/StatefulSet",
  "apps/v1 Deployment": "kubernetes-models/apps/v1/Deployment",
  "autoscaling/v2 HorizontalPodAutoscaler":
    "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler",
  "policy/v1 PodDisruptionBudget": "kubernetes-models/policy/v1/PodDisruptionBudget",
  "networking.k8s.io/v1 NetworkPolicy": "kubernetes-models/networking.k8s.io/v1/NetworkPolicy",
  "monitoring.coreos.com/v1 PodMonitor":
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
  "monitoring.coreos.com/v1 PrometheusRule":
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
};

/** Type name (its module) -> its fields. */
const types = new Map();

/** One declaration file: its imports, and its interface read by recursive descent. */
class Declaration {
  #tokens;
  #at = 0;
  #imports = new Map();
  #parents = [];

  constructor(module) {
    const file = join(root, `${module}.d.ts`);
    const text = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
    for (const [, names, from] of text.matchAll(/import \{ ([^}]*) \} from "([^"]*)"/g)) {
      const path = from.startsWith(".") ? relative(root, resolve(dirname(file), from)) : from;
      for (const name of names.split(", ").filter((n) => n !== "TypeMeta"))
        this.#imports.set(name, path.replace(/\.js$/, ""));
    }
    const [, parents, body] =
      /export interface \w+(?: extends ([\w, ]+?))? (\{[\s\S]*?\n\})/.exec(text) ?? [];
    this.#parents = (parents ?? "").split(", ").filter((name) => this.#imports.has(name));
    const alias = /export (?:declare )?type \w+ = ([^;]*);/.exec(text)?.[1];
    if (!(body ?? alias)) throw new Error(`${file} declares nothing`);
    this.#tokens = (body ?? alias).match(/"[^"]*"|[A-Za-z_]\w*|[{}[\]<>?:;|&]/g);
  }

  /** The whole, with what it inherits. */
  read() {
    const own = this.type();
    for (const parent of this.#parents) {
      const { fields } = types.get(define(this.#imports.get(parent)));
      own.fields = { ...fields, ...own.fields };
    }
    return own;
  }

  type() {
    const options = [this.#one()];
    while (this.#take("|")) options.push(this.#one());
    if (options.every((option) => option.enum)) return { enum: options.flatMap((o) => o.enum) };
    const rest = options.filter((option) => option !== "null");
    return rest.length === 1 ? rest[0] : { any: rest };
  }

  #one() {
    const token = this.#tokens[this.#at++];
    if (token.startsWith('"')) return { enum: [JSON.parse(token)] };
    if (token === "{") return this.#object();
    if (token === "Array") {
      this.#take("<");
      const list = this.type();
      this.#take(">");
      return { list };
    }
    if (["string", "number", "boolean", "any", "unknown", "null", "object"].includes(token)) {
      return ["unknown", "object"].includes(token) ? "any" : token;
    }
    const module = this.#imports.get(token);
    if (module === undefined) throw new Error(`what is ${token}?`);
    return { ref: define(module) };
  }

  #object() {
    const fields = {};
    while (!this.#take("}")) {
      if (this.#take("[")) {
        while (!this.#take("]")) this.#at++;
        this.#take(":");
        const map = this.type();
        while (!this.#take("}")) this.#at++;
        return { map };
      }
      const name = JSON.parse(this.#tokens[this.#at++]);
      const required = this.#take("?") ? "" : "!";
      this.#take(":");
      // Nobody writes a status; it is the cluster's.
      if (name === "status") while (this.#tokens[this.#at] !== ";") this.#at++;
      else fields[name + required] = this.type();
      this.#take(";");
    }
    return { fields };
  }

  #take(token) {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}

function define(module) {
  const name = module.replace(/^(@kubernetes-models\/|kubernetes-models\/)/, "");
  if (!types.has(name)) {
    types.set(name, null);
    types.set(name, new Declaration(module).read());
  }
  return name;
}

const version = (name) => JSON.parse(readFileSync(join(root, name, "package.json"))).version;
const kinds = Object.fromEntries(Object.entries(KINDS).map(([kind, m]) => [kind, define(m)]));
const source = ["kubernetes-models", "@kubernetes-models/prometheus-operator"].map(
  (name) => `${name}@${version(name)}`,
);
const file = new URL("../../fixtures/kubernetes/schema.json", import.meta.url);
const lines = [...types]
  .sort()
  .map((entry) => entry.map((part) => JSON.stringify(part)).join(": "));
writeFileSync(
  file,
  `{\n"source": ${JSON.stringify(source)},\n"kinds": ${JSON.stringify(kinds)},\n"types": {\n${lines.join(",\n")}\n}\n}\n`,
);
