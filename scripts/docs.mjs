// Writes the reference pages and the dashboard that are made from the code. Run by `npm run docs`, which builds first.
import { writeFileSync } from "node:fs";
import { configMarkdown } from "../dist/config/docs.js";
import { dashboardJson } from "../dist/metrics/dashboard/grafana.js";
import { metricsMarkdown } from "../dist/metrics/docs.js";

writeFileSync("docs/config.md", configMarkdown());
writeFileSync("docs/metrics.md", metricsMarkdown());
writeFileSync("deploy/grafana/dashboards/troupe.json", dashboardJson());
