"""TIFF files of many arrangements of samples: depths, tiles and strips, planes, byte orders, BigTIFF, compressions, samples
beside the colours, and fax codes. The files are written by hand; tifffile and libtiff (by imagecodecs and Pillow) read them
and say which samples are in them.
"""
import io
import struct
import zlib

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

NONE, FAX_ROWS, FAX_3, FAX_4, LZW, JPEG, DEFLATE, PACK_BITS = 1, 2, 3, 4, 5, 7, 8, 32773
NAMES = {NONE: "raw", LZW: "lzw", DEFLATE: "deflate", PACK_BITS: "packbits", FAX_ROWS: "fax_rows", FAX_3: "fax_3", FAX_4: "fax_4"}
GREY, RGB, PALETTE, CMYK = 1, 2, 3, 5


def packed(samples, bits, order):
    """Rows of samples, each from a whole byte on: of bits, the highest first; of two bytes, in the byte order."""
    rows = samples.reshape(samples.shape[0], -1)
    if bits in (8, 16):
        return rows.astype("u1" if bits == 8 else f"{order}u2").tobytes()
    planes = rows[..., None].astype(int) >> np.arange(bits - 1, -1, -1) & 1
    return np.packbits(planes.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def compressed(compression, data):
    if compression == LZW:
        return imagecodecs.lzw_encode(data)
    if compression == DEFLATE:
        return zlib.compress(data, 9)
    return imagecodecs.packbits_encode(data) if compression == PACK_BITS else data


def container(order, big, entries, chunks, is_tiled):
    """A file of chunks: entries are (tag, kind, values), and the offsets and lengths of the chunks are added."""
    offsets, lengths = (324, 325) if is_tiled else (273, 279)
    entries = [*entries, (offsets, 4, [0] * len(chunks)), (lengths, 4, [len(chunk) for chunk in chunks])]
    sizes = {3: "H", 4: "I"}
    field, entry_bytes, head = (8, 20, 16) if big else (4, 12, 8)
    count_bytes = 8 if big else 2
    extra_at = head + count_bytes + entry_bytes * len(entries) + field
    lengths_of = [len(values) * struct.calcsize(sizes[kind]) for _, kind, values in entries]
    at = extra_at + sum(length for length in lengths_of if length > field)
    starts = (at + np.cumsum([0] + [len(chunk) for chunk in chunks[:-1]])).tolist()
    table, extra = b"", b""
    for tag, kind, values in sorted(entries):
        body = struct.pack(f"{order}{len(values)}{sizes[kind]}", *(starts if tag == offsets else values))
        if len(body) > field:
            extra, body = extra + body, struct.pack(order + ("Q" if big else "I"), extra_at + len(extra))
        table += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + body.ljust(field, b"\0")
    mark = b"II" if order == "<" else b"MM"
    header = struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries)) if big else struct.pack(order + "HIH", 42, 8, len(entries))
    return mark + header + table + bytes(field) + extra + b"".join(chunks)


def arranged(samples, bits, photometric, order="<", big=False, compression=NONE, tile=None, rows=7, planar=False, predicted=False, extra=(),
             entries=()):
    """A file of samples [h, w, channels]."""
    height, width, channels = samples.shape
    tile_width, tile_height = tile or (width, rows)
    chunks = []
    for plane in np.moveaxis(samples, 2, 0)[..., None] if planar else [samples]:
        if tile:
            plane = np.pad(plane, [(0, -height % tile_height), (0, -width % tile_width), (0, 0)], constant_values=1)
        for top in range(0, height, tile_height):
            for left in range(0, width, tile_width):
                part = plane[top : top + tile_height, left : left + tile_width].astype(np.uint16)
                if predicted:
                    part = np.diff(part, axis=1, prepend=np.uint16(0)) & (2**bits - 1)
                chunks.append(compressed(compression, packed(part, bits, order)))
    shape = [(322, 3, [tile_width]), (323, 3, [tile_height])] if tile else [(278, 3, [rows])]
    listed = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * channels), (259, 3, [compression]), (262, 3, [photometric]),
              (277, 3, [channels]), (284, 3, [2 if planar else 1]), *shape, *entries]
    listed += [(317, 3, [2])] * predicted + [(338, 3, list(extra))] * bool(extra)
    return container(order, big, listed, chunks, tile is not None)


def check(name, data, samples, planar=False):
    """Asserts that tifffile finds the samples in a file."""
    found = tifffile.imread(io.BytesIO(data))
    expected = np.moveaxis(samples, 2, 0) if planar and samples.shape[2] > 1 else samples
    assert (found.reshape(expected.shape) == expected).all(), name


def stretched(samples, bits):
    top, full = 2**bits - 1, 255 if bits <= 8 else 65535
    return ((samples.astype(np.int64) * full + top // 2) // top).astype(np.uint8 if bits <= 8 else np.uint16)


def three(levels):
    return np.repeat(levels[..., None], 3, 2)


def quantised(drawn, bits):
    return drawn(depth=16).astype(np.int64) * (2**bits - 1) // 65535


def depths(drawn):
    """Grey of all usual depths in tiles that are cropped at both edges, and of unusual depths in strips and tiles."""
    turn = 0
    for bits in [1, 2, 4, 8, 16]:
        for compression in [NONE, LZW, DEFLATE, PACK_BITS]:
            for predicted in [False, True] if bits > 4 and compression in (LZW, DEFLATE) else [False]:
                order, big, turn = "<>"[turn % 2], turn % 3 == 0, turn + 1
                levels = quantised(drawn, bits)[..., :1]
                data = arranged(levels, bits, GREY, order, big, compression, (16, 16), predicted=predicted)
                name = f"tiff_tiles_of_{bits}_bits_{NAMES[compression]}{'_predicted' * predicted}.tif"
                check(name, data, levels)
                yield name, data, three(stretched(levels[..., 0], bits)), 0
    for bits in [3, 10, 12, 14]:
        for order in "<>":
            for tile in [None, (32, 16)]:
                samples = quantised(drawn, bits)
                suffix = f"{bits}_bits_{'tiles' if tile else 'strips'}_{'little' if order == '<' else 'big'}.tif"
                for kind, photometric, used in [("grey", GREY, samples[..., :1]), ("rgb", RGB, samples)]:
                    data = arranged(used, bits, photometric, order, tile == (32, 16), LZW if tile else NONE, tile)
                    check(suffix, data, used)
                    if bits == 12 and not tile:
                        assert (imagecodecs.tiff_decode(data).reshape(used.shape) == used).all(), suffix
                    pixels = stretched(used, bits)
                    yield f"tiff_{kind}_{suffix}", data, pixels if kind == "rgb" else three(pixels[..., 0]), 0
    white = 4095 - quantised(drawn, 12)[..., :1]
    yield "tiff_white_is_zero_12_bits.tif", arranged(white, 12, 0), three(stretched(4095 - white[..., 0], 12)), 0
    for planar in [False, True]:
        samples = quantised(drawn, 12)
        data = arranged(samples, 12, RGB, ">", tile=(16, 32), planar=planar)
        check("planes", data, samples, planar)
        yield f"tiff_rgb_12_bits_in_{'planes' if planar else 'pixels'}.tif", data, stretched(samples, 12), 0
    for bits in [1, 2, 4, 8]:
        colours = drawn(2**bits, 1)[0].astype(np.int64) * 257
        indices = (np.arange(44 * 30).reshape(30, 44, 1) * 7 // 3) % 2**bits
        data = arranged(indices, bits, PALETTE, "<>"[bits % 2], compression=LZW, tile=(16, 16), entries=[(320, 3, colours.T.ravel().tolist())])
        assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) == colours[indices[..., 0]] // 257).all(), bits
        yield f"tiff_palette_of_{bits}_bits_in_tiles.tif", data, (colours[indices[..., 0]] // 257).astype(np.uint8), 0


def extras(drawn, alpha, on_white):
    """Samples beside the colours, in tiles, planes and with differences: only alpha behind the colours counts."""
    arrangements = {"tiles": dict(compression=DEFLATE, tile=(16, 16)), "predicted": dict(compression=LZW, predicted=True, order=">"),
                    "predicted_tiles": dict(compression=DEFLATE, predicted=True, tile=(32, 16), big=True),
                    "planes": dict(compression=DEFLATE, planar=True), "plane_tiles": dict(compression=LZW, planar=True, predicted=True, tile=(16, 16))}
    # Nothing like the colours or the alpha.
    beside = (np.array([13, 40_000, 65_535]) - np.arange(44 * 30).reshape(30, 44, 1) * 7) % 65_536
    turn = 0
    for kind, photometric in [("grey", GREY), ("rgb", RGB)]:
        for extra in [(0,), (0, 0), (0, 0, 0), (0, 2), (1,), (2,), (2, 0), (1, 0)]:
            for arrangement, options in arrangements.items():
                bits, turn = (8, 16)[turn % 2], turn + 1
                colours, share = drawn(depth=bits), alpha(depth=bits)
                colours = colours[..., 1:2] if kind == "grey" else colours
                stored, pixels = colours, np.broadcast_to(colours, (30, 44, 3))
                rest = (beside >> (16 - bits))[..., : len(extra)].astype(colours.dtype)
                if extra[0]:
                    rest[..., 0] = share
                    pixels = on_white(np.ascontiguousarray(pixels), share)
                if extra[0] == 1:
                    stored = np.round(colours * (share[..., None] / (2**bits - 1))).astype(colours.dtype)
                samples = np.dstack([stored, rest])
                data = arranged(samples, bits, photometric, extra=extra, **options)
                name = f"tiff_{kind}_beside_{''.join(map(str, extra))}_{arrangement}.tif"
                check(name, data, samples, options.get("planar"))
                # Premultiplied colours are divided by their alpha, and multiplied again.
                yield name, data, pixels.astype(colours.dtype), 1 if extra[0] else 0


def inks_and_more(inks, seen):
    for extra in [(0,), (0, 0)]:
        samples = np.dstack([inks, np.full((30, 44, len(extra)), 77, np.uint8)])
        for name, options in [("tiles", dict(tile=(16, 16))), ("planes", dict(planar=True))]:
            data = arranged(samples, 8, CMYK, extra=extra, compression=DEFLATE, **options)
            yield f"tiff_cmyk_beside_{''.join(map(str, extra))}_{name}.tif", data, seen, 1


def fax_codes(bilevel, options, compression, **tags):
    """Codes of one strip, by libtiff."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if options is not None:
        info[292] = options
    for tag, value in {262: 0, 278: bilevel.shape[0], **tags}.items():
        info[int(tag)] = value
    buffer = io.BytesIO()
    Image.fromarray(bilevel).save(buffer, "TIFF", compression={FAX_ROWS: "tiff_ccitt", FAX_3: "group3", FAX_4: "group4"}[compression], tiffinfo=info)
    data = buffer.getvalue()
    page = Image.open(io.BytesIO(data)).tag_v2
    return data, data[page[273][0] : page[273][0] + page[279][0]]


def fax(drawn):
    """Fax codes in strips and tiles, in both fill orders, with white as 0 and as 1."""
    bilevel = drawn()[..., 0].astype(int) * 7 % 256 > 128
    as_seen = three(np.where(bilevel, np.uint8(255), np.uint8(0)))
    kinds = [(FAX_ROWS, None), (FAX_3, 0), (FAX_3, 1), (FAX_3, 4), (FAX_3, 5), (FAX_4, None)]
    for compression, options in kinds:
        name = NAMES[compression] + (f"_options_{options}" if options is not None else "")
        for fill_order in [1, 2]:
            for photometric, rows in [(0, 7), (1, 30)]:
                data, _ = fax_codes(bilevel, options, compression, **{"262": photometric, "266": fill_order, "278": rows})
                assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) == as_seen).all(), name
                yield f"tiff_{name}_fill_order_{fill_order}_white_is_{1 - photometric}.tif", data, as_seen, 0
        padded = np.pad(bilevel, [(0, 2), (0, 4)], constant_values=True)
        tiles = [fax_codes(padded[top : top + 16, left : left + 16], options, compression)[1] for top in (0, 16) for left in (0, 16, 32)]
        entries = [(256, 3, [44]), (257, 3, [30]), (258, 3, [1]), (259, 3, [compression]), (262, 3, [0]), (277, 3, [1]), (322, 3, [16]), (323, 3, [16])]
        data = container(">", False, entries + [(292, 4, [options])] * (options is not None), tiles, True)
        assert (imagecodecs.tiff_decode(data).astype(bool) == ~bilevel).all(), name
        yield f"tiff_{name}_tiles.tif", data, as_seen, 0


def jpeg_tiles(drawn, seen):
    full, rgb = {"level": 95, "subsampling": "444"}, {"level": 95, "colorspace": "rgb", "outcolorspace": "rgb"}
    chunky = dict(photometric="rgb", planarconfig="contig")
    for name, samples, options, encoded, tolerance in [
        ("rgb", drawn(), chunky, rgb, 2), ("ycbcr", drawn(), dict(photometric="ycbcr"), full, 2), ("ycbcr_420", drawn(), chunky, {"level": 95}, 4),
        ("grey", drawn()[..., 1], dict(photometric="minisblack"), {"level": 95}, 2),
        ("planes", np.moveaxis(drawn(), 2, 0), dict(photometric="rgb", planarconfig="separate"), {"level": 95}, 2),
    ]:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, samples, tile=(16, 16), compression="jpeg", compressionargs=encoded, metadata=None, **options)
        found = imagecodecs.tiff_decode(buffer.getvalue()) if name == "planes" else seen(buffer.getvalue())
        pixels = np.moveaxis(found, 0, 2) if found.shape[0] == 3 else found
        yield f"tiff_jpeg_tiles_{name}.tif", buffer.getvalue(), np.ascontiguousarray(pixels), tolerance


def refused(drawn):
    """Files to refuse, and a part of the reason."""
    grey = drawn()[..., :1]
    five = np.dstack([drawn(), drawn()[..., :2]])
    yield "tiff_cmyk_with_alpha.tif", arranged(five, 8, CMYK, extra=(2,)), "CMYK with alpha is not supported"
    yield "tiff_lab.tif", arranged(drawn(), 8, 8), "L*a*b* colours is not supported"
    yield "tiff_signed.tif", arranged(grey, 8, GREY, entries=[(339, 3, [2])]), "negative is not supported"
    yield "tiff_zstandard.tif", arranged(grey, 8, GREY, compression=50000), "Zstandard compression is not supported"
    yield "tiff_two_samples_of_rgb.tif", arranged(drawn()[..., :2], 8, RGB), "2 samples of 8 bits for RGB"
    yield "tiff_differences_of_4_bits.tif", arranged(grey // 16, 4, GREY, compression=LZW, predicted=True), "differences of 4 bits"
    yield "tiff_subsampled_ycbcr.tif", arranged(drawn(), 8, 6, entries=[(530, 3, [2, 2])]), "subsampled chroma outside JPEG"
    yield "tiff_fax_of_4_bits.tif", arranged(grey // 16, 4, GREY, compression=FAX_4), "fax codes of 4 bits"
    whole = arranged(grey, 8, GREY, compression=LZW, tile=(16, 16))
    yield "tiff_tiles_cut.tif", whole[:-40], "TIFF data ends too early"
    entries = [(256, 3, [44]), (257, 3, [30]), (258, 3, [8]), (259, 3, [1]), (262, 3, [1]), (277, 3, [1]), (322, 4, [100000]), (323, 3, [16])]
    yield "tiff_tile_of_100000x16.tif", container("<", False, entries, [b"few", b"few"], True), "100000 x 16"
