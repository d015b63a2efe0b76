#!/bin/sh
# The browser tests need Chromium: take it from the system's packages if that is allowed, else say how.
set -u
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing Chromium from the system's packages"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null && exit 0
fi
echo "Chromium is missing and could not be installed. As an administrator: apt-get install chromium fonts-noto-cjk" >&2
exit 1
