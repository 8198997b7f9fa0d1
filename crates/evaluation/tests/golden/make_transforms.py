"""Writes transforms.zip, what src/transform/parity.rs compares with: python make_transforms.py
Compares a program on samples of full size, for docs/guide/edits.md:  python make_transforms.py PROGRAM

Needs numpy, pillow, torch, torchvision and AugLy 1.0.0. AugLy asks for versions of the others of 2021: install it with
`pip install --no-deps augly iopath python-magic regex portalocker`; the lines marked "since removed" below give it
what numpy and Pillow have dropped meanwhile. Made with Pillow 13.0, torchvision 0.29 and numpy 2.4.

The zip holds, without loss, `PHOTO/input.webp`, `PHOTO/EDIT.webp` for every edit as the command line spells it, and
`draws.tsv`: edit, photo and the numbers that were drawn for it.
"""

import io
import math
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import torch
from PIL import Image, ImageFont, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

np.float = float  # since removed
ImageFont.FreeTypeFont.getsize_multiline = lambda font, text: font.getbbox(text)[2:]  # since removed
import augly.image.functional as augly  # noqa: E402

HERE = pathlib.Path(__file__).parent
SAMPLES = HERE.parents[3] / "samples"
ASSETS = HERE.parents[1] / "assets"
# Sides odd and even, wide and tall, grey
PHOTOS = [("01_chelsea_cat", (69, 46)), ("05_grace_hopper", (37, 50)), ("04_camera_gray", (40, 33))]
# The post's place on the screen: left, top, right, bottom
POST = [24, 516, 804, 1116]
# The screenshot is kept every so many pixels
EVERY = 6
EMOJI_SIDE, EMOJI_COLUMNS = 128, 8


def tensor(photo):
    return torch.from_numpy(np.asarray(photo).copy()).permute(2, 0, 1)


def picture(levels):
    return Image.fromarray(levels.permute(1, 2, 0).numpy())


def on_levels(edit):
    return lambda photo, value: picture(edit(tensor(photo), value))


def sides(photo, area):
    return [int(side * math.sqrt(area)) for side in (photo.height, photo.width)]


def jpeg(photo, quality):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def square(photo, _):
    side = max(photo.size)
    return ImageOps.pad(photo, (side, side))


def letterbox(photo, bar):
    return ImageOps.expand(photo, (0, int(photo.height * bar), 0, int(photo.height * bar)), "black")


def screenshot(photo, _):
    with tempfile.TemporaryDirectory() as folder:
        places = pathlib.Path(folder) / "places.json"
        places.write_text(f'{{"screenshot.png": {POST}}}')
        screen = augly.overlay_onto_screenshot(
            photo, template_filepath=str(ASSETS / "screenshot.png"), template_bboxes_filepath=str(places)
        )
    return Image.fromarray(np.asarray(screen)[::EVERY, ::EVERY])


EDITS = {
    "none": lambda photo, _: photo,
    "rotation": lambda photo, degrees: tv.rotate(photo, degrees, InterpolationMode.BILINEAR, expand=True),
    "crop": lambda photo, area: tv.center_crop(photo, sides(photo, area)),
    "resize": lambda photo, area: tv.resize(photo, sides(photo, area), InterpolationMode.BILINEAR),
    "blur": on_levels(lambda levels, kernel: tv.gaussian_blur(levels, kernel)),
    "jpeg": jpeg,
    "hue": on_levels(tv.adjust_hue),
    "contrast": on_levels(tv.adjust_contrast),
    "brightness": on_levels(tv.adjust_brightness),
    "saturation": on_levels(tv.adjust_saturation),
    "greyscale": on_levels(lambda levels, _: tv.rgb_to_grayscale(levels, 3)),
    "opacity": lambda photo, level: augly.opacity(photo, level=level),
    "hflip": lambda photo, _: augly.hflip(photo),
    "vflip": lambda photo, _: augly.vflip(photo),
    "aspect": lambda photo, ratio: augly.change_aspect_ratio(photo, ratio=ratio),
    "square": square,
    "letterbox": letterbox,
    "pixelize": lambda photo, ratio: augly.pixelization(photo, ratio=ratio),
    "edges": lambda photo, _: augly.apply_pil_filter(photo),
    "palette": lambda photo, _: augly.convert_color(photo, mode="P").convert("RGB"),
    "screenshot": screenshot,
}


def tenths(first, last):
    return [tenth / 10 for tenth in range(first, last + 1)]


# The sweeps of the set `full`, on the first photograph
SWEEPS = {
    "rotation": range(-90, 91, 10),
    "crop": tenths(1, 10),
    "resize": tenths(1, 10),
    "blur": range(1, 30, 2),
    "jpeg": range(10, 101, 10),
    "contrast": tenths(5, 19),
    "brightness": tenths(5, 19),
    "hue": tenths(-5, 5),
}
# On every photograph: the set `paper` and what `full` does not sweep
OTHERS = {
    "none": [None],
    "rotation": [5, 15, 25, 45, 90, 180, 270, -130],
    "crop": [0.25, 0.5],
    "resize": [0.5, 2.2],
    "blur": [11],
    "jpeg": [1, 50, 75],
    "hue": [0.2, -0.35],
    "contrast": [0.5, 2],
    "brightness": [0.5, 2],
    "saturation": [0, 0.5, 3],
    "greyscale": [None],
    "opacity": [0, 0.3, 0.75],
    "hflip": [None],
    "vflip": [None],
    "aspect": [0.5, 1, 2],
    "square": [None],
    "letterbox": [0, 0.3, 1],
    "pixelize": [0.1, 0.3, 0.7],
    "edges": [None],
    "palette": [None],
    "screenshot": [None],
}


def spelled(name, value):
    return name if value is None else f"{name}={value:g}"


def perspective(photo, seed):
    """As AugLy draws, and the drawn corners in shares of the sides."""
    sigma = 0.06 * min(photo.size)
    rng = np.random.RandomState(seed)
    width, height = photo.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    moved = [(rng.normal(x, sigma) / width, rng.normal(y, sigma) / height) for x, y in corners]
    return augly.perspective_transform(photo, sigma=sigma, seed=seed), [v for corner in moved for v in corner]


def emoji(photo, number):
    """Number on the sheet, side, left and top in pixels."""
    side = 9 + 2 * number
    left, top = 3 + number, photo.height // 2
    column, row = number % EMOJI_COLUMNS, number // EMOJI_COLUMNS
    corner = (column * EMOJI_SIDE, row * EMOJI_SIDE)
    sheet = Image.open(ASSETS / "emoji.png")
    art = sheet.crop((*corner, corner[0] + EMOJI_SIDE, corner[1] + EMOJI_SIDE))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "emoji.png"
        art.save(path)
        # half a pixel more: AugLy truncates the products of these shares and the sides
        shares = {"emoji_size": (side + 0.5) / photo.height, "x_pos": (left + 0.5) / photo.width}
        edited = augly.overlay_emoji(photo, emoji_path=str(path), y_pos=(top + 0.5) / photo.height, **shares)
    return edited, [number, side, left, top]


def offcentre(photo, number):
    """Share of the area, left and top in pixels."""
    area = (0.4, 0.25)[number % 2]
    height, width = sides(photo, area)
    left, top = (photo.width - width) * number // 8, (photo.height - height) * (7 - number) // 8
    return tv.crop(photo, top, left, height, width), [area, left, top]


def meme():
    """On one colour; only the letters are not ours."""
    photo = Image.new("RGB", (200, 150), (90, 60, 30))
    return augly.meme_format(photo, caption_height=45)


def report(program):
    """The smallest share of pixels within a level, and the farthest level, of each edit."""
    found = {name: (1.0, 0) for name in EDITS}
    for sample in ("02_coffee", "05_grace_hopper"):
        photo = Image.open(SAMPLES / f"{sample}.jpg").convert("RGB")
        for name, value in [(n, v) for edits in (OTHERS, SWEEPS) for n, values in edits.items() for v in values]:
            with tempfile.TemporaryDirectory() as folder:
                before, after = (pathlib.Path(folder) / f"{side}.png" for side in ("before", "after"))
                photo.save(before)
                edit = spelled(name, value)
                subprocess.run([program, "transform", edit, before, "--out", after, "--json"], check=True, stdout=subprocess.DEVNULL)
                ours = np.asarray(Image.open(after).convert("RGB")).astype(int)
            ours = ours[::EVERY, ::EVERY] if name == "screenshot" else ours
            theirs = np.asarray(EDITS[name](photo, value).convert("RGB")).astype(int)
            assert ours.shape == theirs.shape, f"{sample}, {edit}: {ours.shape}, {theirs.shape}"
            off = np.abs(ours - theirs).max(-1)
            found[name] = (min(found[name][0], (off <= 1).mean()), max(found[name][1], off.max()))
    for name, (share, farthest) in found.items():
        print(f"{name:12} {share:.5f} {farthest}")


def main():
    draws = []
    with zipfile.ZipFile(HERE / "transforms.zip", "w") as archive:

        def keep(name, edited):
            file = io.BytesIO()
            edited.convert("RGB").save(file, "WEBP", lossless=True, quality=100, method=6)
            archive.writestr(zipfile.ZipInfo(f"{name}.webp"), file.getvalue())

        for place, (name, size) in enumerate(PHOTOS):
            photo = Image.open(SAMPLES / f"{name}.jpg").convert("RGB").resize(size, Image.Resampling.LANCZOS)
            keep(f"{name}/input", photo)
            edits = {spelled(edit, value): (edit, value) for edit, values in OTHERS.items() for value in values}
            for edit, values in SWEEPS.items() if place == 0 else ():
                edits |= {spelled(edit, value): (edit, value) for value in values}
            for file, (edit, value) in edits.items():
                keep(f"{name}/{file}", EDITS[edit](photo, value))
            for edit, draw in (("perspective", perspective), ("emoji", emoji), ("offcentre", offcentre)):
                for number in (0, 7):
                    edited, drawn = draw(photo, number)
                    keep(f"{name}/{edit}-{number}", edited)
                    draws.append("\t".join([name, f"{edit}-{number}", *map(repr, map(float, drawn))]) + "\n")
        keep("meme", meme())
        archive.writestr(zipfile.ZipInfo("draws.tsv"), "".join(draws))


if __name__ == "__main__":
    report(sys.argv[1]) if len(sys.argv) > 1 else main()
