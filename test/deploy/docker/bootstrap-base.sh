#!/usr/bin/env bash
# Makes an image with node and npm without any registry: Debian by mmdebstrap, this machine's node.
#   bootstrap-base.sh IMAGE        needs mmdebstrap, docker and a node installed under /usr
set -euo pipefail
image=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck disable=SC1091
suite=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
mmdebstrap --quiet --variant=minbase --include=ca-certificates,libstdc++6 "$suite" "$scratch/base.tar"
docker import --change 'CMD ["node"]' "$scratch/base.tar" "$image-debian" >/dev/null
rm "$scratch/base.tar"
npm_folder=$(readlink -f "$(command -v npm)")
npm_folder=${npm_folder%/bin/npm-cli.js}
cp -L "$(command -v node)" "$scratch/node"
cp -a "$npm_folder" "$scratch/npm"
cat >"$scratch/Dockerfile" <<DOCKER
FROM $image-debian
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
DOCKER
DOCKER_BUILDKIT=1 docker build --quiet -t "$image" "$scratch" >/dev/null
