#!/usr/bin/env python3
"""Writes an index of most kinds that are not supported with faiss 1.15, into the folder refused.

    python3 -m venv PEER && PEER/bin/pip install faiss-cpu==1.15.1 numpy
    PEER/bin/python make_refused.py refused

kinds.json: one record a file: its name, the class of faiss that must be named, and whether it is the index itself, an
index within another, or a coarse quantiser. Indexes are empty where that changes nothing; of files above 4 kB the first
4 kB are kept, behind which no reader gets.
"""
import json
import pathlib
import sys

import faiss
import numpy as np

ALONE = """PQ4x4fs RaBitQ2 RaBitQfs RQ2x4 LSQ2x4 PRQ2x2x4 PLSQ2x2x4 RQ4x4fs_Nrq2x4 LSQ4x4fs_Nlsq2x4 PRQ2x2x4fs_Nrq2x4
PLSQ2x2x4fs_Nlsq2x4 EDEN ZnLattice2x3_4 Residual8,PQ4x4 MinMax,SQ8 MinMaxFP16,SQ8 HNSW8_4+PQ4
HNSW8,RaBitQ NSG8 NSG8,PQ4x4 NSG8,SQ8 IVF8,FlatDedup IVF8,FlatPanorama4 FlatL2Panorama4 HNSW8,FlatPanorama4
IVF8,RQ2x4 IVF8,LSQ2x4 IVF8,PRQ2x2x4 IVF8,PLSQ2x2x4 IVF8,RQ4x4fs_Nrq2x4 IVF8,LSQ4x4fs_Nlsq2x4 IVF8,PRQ2x2x4fs_Nrq2x4
IVF8,PLSQ2x2x4fs_Nlsq2x4 IVF8,RaBitQ4 IVF8,RaBitQfs IVF8,EDEN IVF8,ITQ8,SH1""".split()
BINARY = "BFlat BIVF8 BHNSW8 BHash8 BHash4x4 IDMap,BFlat IDMap2,BFlat".split()
WITHIN = [
    ("IDMap,NSG8", "IndexNSGFlat"),
    ("IDMap2,RQ2x4", "IndexResidualQuantizer"),
    ("IDMap,IVF8,RQ2x4", "IndexIVFResidualQuantizer"),
    ("IDMap,IDMap,Flat", "IndexIDMap within IndexIDMap"),
    ("PCA4,PQ4x4fs", "IndexPQFastScan"),
    ("PCA4,RaBitQ2", "IndexRaBitQ"),
    ("LSQ2x4,RFlat", "IndexLocalSearchQuantizer"),
    ("PQ4x4fs,Refine(SQ8)", "IndexPQFastScan"),
    ("PQ4x4,Refine(RQ2x4)", "IndexResidualQuantizer"),
    ("PQ4x4,Refine(PQ4x4fs)", "IndexPQFastScan"),
    ("PQ4x4,Refine(IVF8,Flat)", "IndexRefine by IVF8,Flat"),
    ("PQ4x4,IDMap,RFlat", "IndexIDMap within IndexRefine"),
    ("ITQ8,LSH", "ITQTransform"),
    ("Pad16,Flat", "RemapDimensionsTransform"),
    ("HR8,Flat", "HadamardRotation"),
]
COARSE = [
    ("IVF16(PQ4x4),Flat", "IndexPQ"),
    ("IVF8(IVF4,Flat),Flat", "IndexIVFFlat"),
    ("IMI2x2,Flat", "MultiIndexQuantizer"),
    ("IMI2x2,PQ4x4", "MultiIndexQuantizer"),
    ("IVF128_NSG8,SQ8", "IndexNSGFlat"),
    ("IVF8(SQ8),PQ4x4fs", "IndexScalarQuantizer"),
]


def put(name, index, kind, where, data=None):
    data = faiss.serialize_index(index) if data is None else data
    (OUT / f"{name}.index").write_bytes(bytes(data)[:4096])
    RECORDS.append(dict(name=name, **{"class": kind}, where=where))


def stem(factory):
    return factory.lower().replace(",", "_").replace("(", "_").replace(")", "").replace("+", "plus")


OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(exist_ok=True)
RECORDS = []
X = np.random.default_rng(5).standard_normal((1000, 8)).astype(np.float32)
for factory in ALONE:
    index = faiss.index_factory(8, factory)
    put(stem(factory), index, type(index).__name__, "alone")
others = dict(
    flat_l1=faiss.IndexFlat(8, faiss.METRIC_L1),
    panorama_ip=faiss.IndexFlatIPPanorama(8, 4),
    nndescent=faiss.IndexNNDescentFlat(8, 4),
    cagra=faiss.IndexHNSWCagra(8, 8),
    refine_panorama=faiss.IndexRefinePanorama(faiss.IndexPQ(8, 4, 4), faiss.IndexFlatL2Panorama(8, 4)),
    independent=faiss.IndexIVFIndependentQuantizer(faiss.IndexFlatL2(8), faiss.index_factory(8, "IVF8,Flat")),
    imi=faiss.MultiIndexQuantizer(8, 2, 3),
    residual_coarse=faiss.ResidualCoarseQuantizer(8, 2, 3),
)
for name, index in others.items():
    put(name, index, type(index).__name__, "alone")
for factory in BINARY:
    index = faiss.index_binary_factory(32, factory)
    put("binary_" + stem(factory), index, type(faiss.downcast_IndexBinary(index)).__name__, "alone", faiss.serialize_index_binary(index))
inner = faiss.IndexFlatL2(32)
binary = faiss.IndexBinaryFromFloat(inner)
put("binary_from_float", binary, "IndexBinaryFromFloat", "alone", faiss.serialize_index_binary(binary))
for cases, where in ((WITHIN, "within"), (COARSE, "coarse")):
    for factory, kind in cases:
        index = faiss.index_factory(8, factory)
        index.train(X)
        put(stem(factory), index, kind, where)
centred = faiss.IndexPreTransform(faiss.CenteringTransform(8), faiss.IndexFlatL2(8))
centred.train(X)
put("centring", centred, "CenteringTransform", "within")
lists = faiss.index_factory(8, "IVF4,Flat")
lists.train(X)
lists.replace_invlists(None)
put("no_lists", lists, "an inverted file without its lists", "within")
(OUT / "kinds.json").write_text("[\n" + ",\n".join(json.dumps(record) for record in RECORDS) + "\n]\n")
