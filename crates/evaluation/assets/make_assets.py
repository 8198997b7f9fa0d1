"""Draws the pictures that overlays use: python make_assets.py TWEMOJI_SVG_FOLDER

Needs pillow and resvg_py. The folder is that of the npm package @twemoji/svg 15.0.0; emoji.LICENSE.txt has the terms.
screenshot.svg is our own drawing; PLACE in src/transform/screenshot.rs is its black rectangle, twice as large.
"""

import io
import pathlib
import sys

import resvg_py
from PIL import Image

HERE = pathlib.Path(__file__).parent
# Levels a side of one emoji, and emoji a row of the sheet
SIDE, COLUMNS = 128, 8
EMOJI = """
    1f600 1f602 1f923 1f60d 1f618 1f60e 1f914 1f62d 1f621 1f631 1f973 1f47b 1f480 1f47d 1f916 1f4a9
    1f648 2764 1f494 1f525 1f4af 1f44d 1f44f 1f389 2b50 1f680 1f31f 1f436 1f431 1f984 1f339 1f355
""".split()


def drawn(path, width):
    font = [str(HERE / "LiberationSans-Bold.ttf")]
    png = resvg_py.svg_to_bytes(svg_path=str(path), width=width, skip_system_fonts=True, font_files=font)
    return Image.open(io.BytesIO(bytes(png)))


def main():
    sheet = Image.new("RGBA", (SIDE * COLUMNS, SIDE * len(EMOJI) // COLUMNS))
    for place, code in enumerate(EMOJI):
        emoji = drawn(pathlib.Path(sys.argv[1]) / f"{code}.svg", SIDE)
        sheet.paste(emoji, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    sheet.save(HERE / "emoji.png", optimize=True)
    screen = drawn(HERE / "screenshot.svg", 2 * 414).convert("RGB")
    screen.save(HERE / "screenshot.png", optimize=True)


if __name__ == "__main__":
    main()
