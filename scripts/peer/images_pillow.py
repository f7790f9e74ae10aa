"""Pillow's side of scripts/bench-images.sh: pictures from files into batches of floats.

Prints a JSON line: images a second (median of passes), with the processes used. Each process takes
whole batches; a batch is an array (32, size, size, 3) of float32, pixel / 255. `--draft` lets the
decoder scale down (JPEG). Needs python3-pil and python3-numpy.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time

import numpy
from PIL import Image

BATCH = 32


def batch(job):
    paths, size, draft = job
    out = numpy.empty((len(paths), size, size, 3), numpy.float32)
    for i, path in enumerate(paths):
        with Image.open(path) as stored:
            if draft:
                stored.draft("RGB", (size, size))
            image = stored.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        out[i] = numpy.asarray(image)
    out *= 1 / 255
    return len(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draft", action="store_true")
    options = parser.parse_args()
    endings = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
    paths = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(options.folder)
        for name in names
        if name.lower().endswith(endings)
    )
    jobs = [
        (paths[i : i + BATCH], options.image_size, options.draft)
        for i in range(0, len(paths), BATCH)
    ]
    # Only counts come back from other processes, so passing arrays on costs nothing here.
    pool = multiprocessing.Pool(options.processes) if options.processes > 1 else None
    run = (lambda: sum(pool.imap_unordered(batch, jobs))) if pool else (
        lambda: sum(map(batch, jobs)))
    run()
    times = []
    end = time.perf_counter() + options.seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(json.dumps({
        "samples_per_s": round(len(paths) / statistics.median(times), 1),
        "pictures": len(paths),
        "processes": options.processes,
        "draft": options.draft,
    }))


if __name__ == "__main__":
    main()
