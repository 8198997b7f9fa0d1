#!/usr/bin/env python3
"""Draws how search grows with the number of stored vectors.

    plot_growth.py search-growth.csv search-growth.svg

The table's columns are `n,threads,measure,nprobe,ours,faiss`; `measure` is `batch` (queries/s) or `single` (seconds).
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# Reproducible bytes, and text that stays text.
plt.rcParams.update({"svg.hashsalt": "search-growth", "svg.fonttype": "none", "font.size": 9})

LABELS = {"batch": ("queries / s, batch", 1), "single": ("one query, median, µs", 1e6)}


def draw(axes, rows, measure):
    label, scale = LABELS[measure]
    rows = [row for row in rows if row["measure"] == measure]
    for colour, nprobe in enumerate(sorted({int(row["nprobe"]) for row in rows})):
        of = sorted((row for row in rows if int(row["nprobe"]) == nprobe), key=lambda row: int(row["n"]))
        n = [int(row["n"]) for row in of]
        for side, style in (("ours", "-o"), ("faiss", "--s")):
            values = [scale * float(row[side]) for row in of]
            axes.loglog(n, values, style, color=f"C{colour}", markersize=4, label=f"{side}, nprobe {nprobe}")
    axes.set_xlabel("stored vectors")
    axes.set_ylabel(label)
    axes.grid(True, which="major", alpha=0.3)


def main(table, picture):
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    threads = sorted({int(row["threads"]) for row in rows}, reverse=True)
    figure, grid = plt.subplots(len(threads), 2, figsize=(9, 3.6 * len(threads)), squeeze=False)
    for line, count in zip(grid, threads):
        for axes, measure in zip(line, LABELS):
            draw(axes, [row for row in rows if int(row["threads"]) == count], measure)
            axes.set_title(f"IVF4096,PQ8x8, {count} thread{'s' if count > 1 else ''}", fontsize=9)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="lower center", ncols=6, fontsize=7)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:3])
