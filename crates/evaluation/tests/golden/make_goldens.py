"""Writes what tests/parity.rs compares with: python make_goldens.py SAMPLE_IMAGE

Needs numpy, pillow and scikit-image. Quality is scikit-image itself; the edits whose quality is measured follow
torchvision's documented behaviour on uint8 tensors, in numpy.
"""

import pathlib
import sys

import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

HERE = pathlib.Path(__file__).parent
SIZE = (83, 80)
F = np.float32


def to_levels(x):
    return np.clip(x, 0, 255).astype(np.uint8)


def grey(x):
    r, g, b = (x[..., c].astype(F) for c in range(3))
    return (F(0.2989) * r + F(0.587) * g + F(0.114) * b).astype(np.uint8)


def blend(x, other, factor):
    return to_levels(F(factor) * x.astype(F) + F(1.0 - factor) * other)


def contrast(x, factor):
    return blend(x, grey(x).astype(F).mean(dtype=F), factor)


def saturation(x, factor):
    return blend(x, grey(x).astype(F)[..., None], factor)


def hue(x, shift):
    p = x.astype(F) / F(255)
    top, bottom = p.max(-1), p.min(-1)
    chroma = top - bottom
    safe = np.where(chroma == 0, F(1), chroma)
    r, g, b = p[..., 0], p[..., 1], p[..., 2]
    sixths = np.select(
        [chroma == 0, top == r, top == g],
        [np.zeros_like(top), (g - b) / safe, F(2) + (b - r) / safe],
        F(4) + (r - g) / safe,
    )
    h = (sixths / F(6) + F(shift)) % F(1)
    s = np.where(top == 0, F(0), chroma / np.where(top == 0, F(1), top))
    # f(n) = v - v s max(0, min(k, 4 - k, 1)), k = (n + 6 h) mod 6: HSV to RGB without cases
    channels = []
    for n in (5, 3, 1):
        k = (F(n) + h * F(6)) % F(6)
        channels.append(top - top * s * np.maximum(0, np.minimum(np.minimum(k, 4 - k), 1)))
    return (np.stack(channels, -1) * F(255.999)).astype(np.uint8)


def blur(x, kernel):
    radius = kernel // 2
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    bell = np.exp(-0.5 * (np.linspace(-radius, radius, kernel) / sigma) ** 2)
    bell /= bell.sum()
    p = np.pad(x.astype(np.float64), ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    p = sum(w * p[i : i + x.shape[0]] for i, w in enumerate(bell))
    p = sum(w * p[:, i : i + x.shape[1]] for i, w in enumerate(bell))
    return np.round(p).astype(np.uint8)


EDITS = [
    ("contrast", contrast, [0.5, 2.0]),
    ("brightness", lambda x, f: blend(x, F(0), f), [0.5, 2.0]),
    ("saturation", saturation, [2.0]),
    ("greyscale", lambda x, _: np.repeat(grey(x)[..., None], 3, -1), [None]),
    ("hue", hue, [0.2, -0.35]),
    ("blur", blur, [11]),
]


def quality(a, b):
    with np.errstate(divide="ignore"):
        psnr = peak_signal_noise_ratio(a, b, data_range=255)
    ssim = structural_similarity(a, b, channel_axis=2, data_range=255)
    linf = int(np.abs(a.astype(int) - b.astype(int)).max())
    return f"{psnr!r}\t{ssim!r}\t{linf}".replace("np.float64(", "").replace(")", "")


def main():
    photo = Image.open(sys.argv[1]).convert("RGB").crop((60, 0, 475, 400)).resize(SIZE, Image.Resampling.LANCZOS)
    x = np.asarray(photo)
    photo.save(HERE / "input.png", optimize=True)
    rows = []
    for name, edit, parameters in EDITS:
        for parameter in parameters:
            edited = edit(x, parameter)
            spelled = name if parameter is None else f"{name}={parameter:g}"
            Image.fromarray(edited).save(HERE / f"{spelled}.png", optimize=True)
            rows.append(f"{spelled}\t{quality(x, edited)}\n")
    noisy = to_levels(x.astype(int) + np.random.default_rng(0).integers(-3, 4, x.shape))
    Image.fromarray(noisy).save(HERE / "noise.png", optimize=True)
    rows.append(f"noise\t{quality(x, noisy)}\n")
    (HERE / "quality.tsv").write_text("".join(rows))


if __name__ == "__main__":
    main()
