#!/usr/bin/env python3
"""Two files of JSON lines, dl's and the peer's, side by side as a Markdown table.

usage: gpu_table.py DL.jsonl PEER.jsonl [--copy]
Lines meet by workload, or by part and name. The ratio says how many times as fast dl is; a dash
stands where one side has no figure. --copy adds each speed as a share of the line `copy`.
"""
import json
import sys


def read(path):
    rows = {}
    for line in open(path):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and ("workload" in row or "name" in row):
            rows[row.get("workload") or (row["part"], row["name"])] = row
    return rows


def speed(row):
    for key, unit, scale in (
            ("samples_per_s", "samples/s", 1), ("gflops", "TFLOP/s", 1e-3), ("gb_per_s", "GB/s", 1)):
        if row and row.get(key):
            return row[key] * scale, unit
    return None, ""


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def main():
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    ours, theirs = read(paths[0]), read(paths[1])
    if not ours and not theirs:
        print("no figures: see the errors above\n")
        return 1
    copy = speed(ours.get(("peak", "copy")))[0] if "--copy" in sys.argv else None
    print("| work | dl | torch | unit | dl / torch |" + (" of copy |" if copy else ""))
    print("| --- | ---: | ---: | --- | ---: |" + (" ---: |" if copy else ""))
    for key in list(ours) + [key for key in theirs if key not in ours]:
        (a, unit), (b, other) = speed(ours.get(key)), speed(theirs.get(key))
        name = key if isinstance(key, str) else (
            " ".join(key) if key[0] in ("matmul", "peak") else key[1])
        ratio = number(a / b if a and b else None)
        share = "" if not copy else f" {a / copy:.0%} |" if a and unit == "GB/s" else " - |"
        print(f"| {name} | {number(a)} | {number(b)} | {unit or other} | {ratio} |{share}")
    print()
    return 0


sys.exit(main())
