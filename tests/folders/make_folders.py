"""Makes files that people's folders hold and that are no plain images, and what independent readers see in them.

    python make_folders.py      # Pillow 13.0.0, NumPy 2

- `stereo.mpo`: two pictures in one file, as Pillow's MPO writer leaves them.
- `stereo.png`: the picture that Pillow shows of it, frame 0 of 2.
- `ids_TYPE.npy`: ids 7, 0 and 9 in NumPy's integer types, and in some others.
"""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent
IDS = np.array([7, 0, 9])


def picture(shift):
    x, y = np.meshgrid(np.arange(96), np.arange(64))
    bands = [128 + 100 * np.sin((x + shift) / 17), 128 + 90 * np.cos((y + shift) / 13), (x + 2 * y + shift) % 256]
    return Image.fromarray(np.stack(bands, -1).astype(np.uint8))


def mpo():
    first, second = picture(0), picture(9)
    file = FOLDER / "stereo.mpo"
    first.save(file, save_all=True, append_images=[second], quality=92, subsampling=0)
    image = Image.open(file)
    assert image.format == "MPO" and image.n_frames == 2, (image.format, image.n_frames)
    image.convert("RGB").save(FOLDER / "stereo.png")


def ids():
    for kind in ["i1", "u1", "<i2", ">u2", "<i4", ">i4", "<u4", "<i8", ">i8", "<u8", "<f8"]:
        array = IDS.astype(kind)
        order = {">": "big_"}.get(kind[0], "")
        np.save(FOLDER / f"ids_{order}{array.dtype.name}.npy", array)
        assert (np.load(FOLDER / f"ids_{order}{array.dtype.name}.npy") == IDS).all()


if __name__ == "__main__":
    mpo()
    ids()
