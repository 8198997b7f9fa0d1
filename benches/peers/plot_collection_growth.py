#!/usr/bin/env python3
"""Draws how a collection grows with its entries.

    plot_collection_growth.py collection-growth.csv collection-growth.svg

The table's columns are `n,threads,measure,nprobe,collection,bare,faiss,lancedb`; `single`, `batch` (1,000 queries) and
`open` are in seconds, `add` in entries a second. Empty cells are left out.
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# Reproducible bytes, and text that stays text.
plt.rcParams.update({"svg.hashsalt": "collection-growth", "svg.fonttype": "none", "font.size": 9})

SIDES = {"collection": "collection", "bare": "bare index", "faiss": "faiss", "lancedb": "LanceDB"}
STYLES = {0: "-o", 1: "-o", 16: "--s"}
PANELS = {
    "single": ("one query, median, µs", lambda seconds: 1e6 * seconds),
    "batch": ("queries / s, 1,000 at once", lambda seconds: 1000 / seconds),
    "open": ("opening, ms", lambda seconds: 1e3 * seconds),
    "add": ("entries added / s", lambda rate: rate),
}


def draw(axes, rows, measure):
    label, scale = PANELS[measure]
    rows = sorted((row for row in rows if row["measure"] == measure), key=lambda row: int(row["n"]))
    for nprobe in sorted({int(row["nprobe"]) for row in rows}):
        for colour, (side, name) in enumerate(SIDES.items()):
            of = [row for row in rows if int(row["nprobe"]) == nprobe and row[side]]
            if not of:
                continue
            name = f"{name}, nprobe {nprobe}" if nprobe else name
            n, values = [int(row["n"]) for row in of], [scale(float(row[side])) for row in of]
            axes.loglog(n, values, STYLES[nprobe], color=f"C{colour}", markersize=4, label=name)
    axes.set_xlabel("entries")
    axes.set_ylabel(label)
    axes.grid(True, which="major", alpha=0.3)


def main(table, picture):
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure, grid = plt.subplots(2, 2, figsize=(9, 7))
    for axes, measure in zip(grid.flat, PANELS):
        draw(axes, rows, measure)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="lower center", ncols=4, fontsize=7)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:3])
