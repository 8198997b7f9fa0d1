#!/usr/bin/env python3
"""Makes the JPEG XL and HEIC files beside it, and `references.npz`: what libjxl and libheif see in them.

    pip install pillow numpy pillow-heif pillow-jxl-plugin && python3 make_optional.py
"""
import io
import pathlib

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401, registers itself
from PIL import Image

pillow_heif.register_heif_opener()
HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 64, 48


def drawn():
    """Smooth, because lossy files of few pixels blur edges differently."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 64
    return (255 * np.stack([0.2 + 0.6 * x, 0.3 + 0.5 * y, 0.7 - 0.4 * x * y], -1)).round().astype(np.uint8)


def save(name, image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    (HERE / name).write_bytes(buffer.getvalue())
    seen = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA")).astype(float)
    share = seen[..., 3:] / 255
    return (seen[..., :3] * share + 255 * (1 - share)).round().astype(np.uint8)


def main():
    picture = Image.fromarray(drawn())
    ramp = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
    clear = Image.fromarray(np.dstack([drawn(), ramp]))
    np.savez_compressed(
        HERE / "references.npz",
        lossless_jxl=save("lossless.jxl", picture, "JXL", lossless=True),
        lossy_jxl=save("lossy.jxl", picture, "JXL", quality=90),
        alpha_jxl=save("alpha.jxl", clear, "JXL", lossless=True),
        grey_jxl=save("grey.jxl", picture.convert("L"), "JXL", lossless=True),
        plain_heic=save("plain.heic", picture, "HEIF", quality=90, chroma=444),
        subsampled_heic=save("subsampled.heic", picture, "HEIF", quality=90),
        alpha_heic=save("alpha.heic", clear, "HEIF", quality=95, chroma=444),
    )


if __name__ == "__main__":
    main()
