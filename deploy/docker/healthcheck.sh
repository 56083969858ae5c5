#!/bin/sh
# TROUPE_HEALTH holds what `troupe health` is asked, word by word; without it, the newest run in /runs.
# An actor host: TROUPE_HEALTH="--url http://127.0.0.1:9464".
# shellcheck disable=SC2086
exec node /app/dist/cli.js health ${TROUPE_HEALTH:-latest}
