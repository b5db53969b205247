#!/bin/sh
# Runs the embedded fleet as a container's main process. Databases outlive `freehold up`, but not their container: when
# that is stopped, they are shut down cleanly rather than killed.
freehold up "$@" &
up=$!
stop() {
  freehold down
  wait "$up"
  exit 0
}
trap stop TERM INT
wait "$up"
