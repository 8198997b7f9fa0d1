#!/usr/bin/env python3
"""Writes inverted files of faiss whose lists are in a file of their own (OnDiskInvertedLists).

    PEER/bin/python make_on_disk.py indexes on_disk

Each holds the base vectors of an index in the folder indexes, so its answers are the ones beside that index.
The path in a file is the bare name of the file of lists, which faiss looks up in its working folder.

- filled_KIND.index and .ivfdata: the lists grew by additions, which leaves free parts.
- merged_KIND.index and .ivfdata: two parts merged as faiss.contrib.ondisk.merge_ondisk does, without room.
- empty_KIND.index: no entries, and no file of lists.
"""
import os
import pathlib
import sys

import faiss
import numpy as np

indexes, out = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
out.mkdir(exist_ok=True)
faiss.omp_set_num_threads(1)
base = np.load(indexes / "base.npy")
os.chdir(out)


def emptied(kind):
    index = faiss.read_index(str(indexes / f"{kind}.index"))
    index.reset()
    return index


def on_disk(index, name):
    inverted = faiss.extract_index_ivf(index)
    lists = faiss.OnDiskInvertedLists(inverted.nlist, inverted.code_size, f"{name}.ivfdata")
    inverted.replace_invlists(lists)
    return lists


for kind in ("ivf8_pq4x8_l2", "ivf8_sqfp16_ip", "l2norm_ivf8_flat_l2"):
    rows = base[:, : emptied(kind).d]
    if "flat" not in kind:
        whole = emptied(kind)
        lists = on_disk(whole, f"filled_{kind}")
        for start in range(0, 400, 100):
            whole.add(np.ascontiguousarray(rows[start : start + 100]))
        faiss.write_index(whole, f"filled_{kind}.index")

    parts = [emptied(kind) for _ in range(2)]
    for part, start in zip(parts, (0, 200)):
        part.add(np.ascontiguousarray(rows[start : start + 200]))
    whole = emptied(kind)
    lists = on_disk(whole, f"merged_{kind}")
    inverted = [faiss.extract_index_ivf(part) for part in parts]
    vector = faiss.InvertedListsPtrVector()
    for part in inverted:
        vector.push_back(part.invlists)
    total = lists.merge_from_multiple(vector.data(), vector.size(), True)
    whole.ntotal = faiss.extract_index_ivf(whole).ntotal = total
    faiss.write_index(whole, f"merged_{kind}.index")

empty = emptied("ivf8_pq4x8_l2")
lists = on_disk(empty, "empty_ivf8_pq4x8_l2")
faiss.write_index(empty, "empty_ivf8_pq4x8_l2.index")
