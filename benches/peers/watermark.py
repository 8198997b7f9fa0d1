"""Share of edited copies that a watermark identifies, beside verified matches of `eval find` on the same edits.

The watermark is RivaGAN of 32 bits (Zhang et al. 2019), whose networks the package `invisible-watermark` ships as ONNX files. A copy
counts as identified if at least 30 of the 32 bits are read right, which chance does once in 8 million (529 of 2^32).

    python3 -m venv target/watermark
    target/watermark/bin/pip install onnxruntime numpy pillow
    target/watermark/bin/pip install --no-deps invisible-watermark==0.2.0
    target/watermark/bin/python benches/peers/watermark.py target/release/active-index find.json FOLDER < photographs.txt

FOLDER gets the watermarked photographs and their copies. `find.json` is the report of `eval find --json` on the same photographs.
"""

import importlib.util
import json
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

BITS = 32
LEAST_RIGHT = 30
SEED = 7
# The package reads a bit as one above this value.
THRESHOLD = 0.52


def network(name):
    # Found without importing the package, which needs torch and OpenCV.
    folder = Path(importlib.util.find_spec("imwatermark").origin).parent
    return onnxruntime.InferenceSession(folder / f"rivagan_{name}.onnx", providers=["CPUExecutionProvider"])


def frames(pixels):
    """Pixels `[h, w, 3]` of 8 bits as the networks take them, `[1, 3, 1, h, w]` in [-1, 1], blue first."""
    return (pixels[:, :, ::-1].astype("f4") / 127.5 - 1).transpose(2, 0, 1)[None, :, None]


def embed(encoder, pixels, bits):
    output = encoder.run(None, {"frame": frames(pixels), "data": bits[None].astype("f4")})[0]
    marked = (np.clip(output, -1, 1)[0, :, 0].transpose(1, 2, 0) + 1) * 127.5
    return marked.round().astype("u1")[:, :, ::-1]


def right_bits(decoder, pixels, bits):
    read = decoder.run(None, {"frame": frames(pixels)})[0][0] > THRESHOLD
    return int((read == bits.astype(bool)).sum())


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype("f8") - b.astype("f8")) ** 2))


def pixels_of(path):
    return np.asarray(Image.open(path).convert("RGB"))


def main():
    program, report, folder = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    photographs = [Path(line.rstrip("\n")) for line in sys.stdin]
    folder.mkdir(parents=True, exist_ok=True)
    encoder, decoder = network("encoder"), network("decoder")
    generator = np.random.Generator(np.random.PCG64(SEED))
    edits = [edit["name"] if edit["param"] is None else f"{edit['name']}={edit['param']:g}" for edit in report["transforms"]]
    quality, identified = [], defaultdict(list)
    for number, photograph in enumerate(photographs):
        bits = generator.integers(0, 2, BITS)
        original = pixels_of(photograph)
        marked = embed(encoder, original, bits)
        quality.append(psnr(original, marked))
        released = folder / f"{photograph.stem}.png"
        Image.fromarray(marked).save(released)
        for edit in edits:
            copy = folder / f"{photograph.stem}.{edit}.png"
            command = [program, "transform", edit, released, "--out", copy, "--seed", str(number)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            identified[edit].append(right_bits(decoder, pixels_of(copy), bits) >= LEAST_RIGHT)
    packages = ", ".join(f"{name} {version(name)}" for name in ["invisible-watermark", "onnxruntime"])
    print(f"{len(photographs)} photographs, watermark at {np.mean(quality):.1f} dB; {packages}\n")
    print("| edit | watermark | verified |\n|---|---|---|")
    for edit, found in zip(edits, report["transforms"]):
        print(f"| {edit} | {np.mean(identified[edit]):.2f} | {found['verified']['share']:.2f} |")
    every, verified = np.mean(list(identified.values())), report["verified"]["share"]
    print(f"| mean | {every:.3f} | {verified:.3f} |")


if __name__ == "__main__":
    main()
