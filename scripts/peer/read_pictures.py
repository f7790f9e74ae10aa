"""Pillow as the other reader of `make conformance PEER=...`: a path a line on stdin; on stdout
`ok WIDTH HEIGHT` and the RGBA pixels, upright, or `error MESSAGE`. With an argument N pictures are
laid over white and resized to N by N (bilinear, antialiased). Needs python3-pil."""

import sys
import warnings

from PIL import Image, ImageOps

warnings.simplefilter("ignore")
out = sys.stdout.buffer
size = int(sys.argv[1]) if len(sys.argv) > 1 else 0
for line in sys.stdin:
    try:
        with Image.open(line.rstrip("\n")) as stored:
            stored.load()
            image = ImageOps.exif_transpose(stored)
            if image.mode.startswith("I"):
                image = image.point(lambda v: v / 256).convert("L")
            pixels = image.convert("RGBA")
            if size:
                white = Image.new("RGBA", pixels.size, "white")
                flat = Image.alpha_composite(white, pixels).convert("RGB")
                pixels = flat.resize((size, size), Image.Resampling.BILINEAR).convert("RGBA")
        out.write(b"ok %d %d\n" % pixels.size + pixels.tobytes())
    except Exception as error:
        out.write(b"error " + str(error).replace("\n", " ").encode() + b"\n")
    out.flush()
