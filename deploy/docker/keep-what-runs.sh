#!/bin/sh
# Removes what production never opens: other platforms' ONNX Runtime, MuJoCo's build for browsers'
# threads, sources of maps. Run where node_modules and dist are.
set -eu
# shellcheck disable=SC2016 # of JavaScript
platform=$(node -p '`${process.platform}/${process.arch}`')
runtime=node_modules/onnxruntime-node/bin
find "$runtime" -mindepth 3 -maxdepth 3 -type d ! -path "$runtime/*/$platform" -exec rm -rf {} +
rm -rf node_modules/@mujoco/mujoco/mt
find node_modules -name '*.map' -type f -delete
find node_modules dist -name '*.d.ts' -type f -delete
# A wrong path above must fail the build, not the run.
node -e 'require("onnxruntime-node")'
