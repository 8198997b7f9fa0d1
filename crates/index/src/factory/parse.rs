//! Parser of factory strings; errors name the offending part.

use std::{
    iter::Peekable,
    str::{FromStr, Split},
};

use super::{CoarseKind, Codes, Factory, IdMap, NBITS, ScalarType, TransformKind};
use crate::error::{Error, Result};

/// Links per centroid if `_HNSW` gives no number, as in faiss.
const HNSW_LINKS: usize = 32;

/// Fault of a map within a map: faiss builds one, to which nothing can be added.
const SECOND_MAP: &str = "is a second map of ids";

impl FromStr for Factory {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let error = |fault: Fault| Error::Factory {
            factory: text.to_owned(),
            part: fault.part.to_owned(),
            reason: fault.reason.to_owned(),
        };
        parse(text).map_err(error)
    }
}

/// Offending part and the reason.
struct Fault<'a> {
    part: &'a str,
    reason: &'static str,
}

fn parse(text: &str) -> Result<Factory, Fault<'_>> {
    let (outer, rest) = outer_map(text);
    let (refine, rest) = refinement(rest)?;
    let mut parts = rest.split(',').peekable();
    let (transforms, inner) = transforms(&mut parts)?;
    let ids = single_map(outer, inner, refine)?;
    let coarse = parts.peek().and_then(|part| coarse(part)).transpose()?;
    if coarse.is_some() {
        parts.next();
    }
    let hnsw = parts.peek().and_then(|part| graph(part)).transpose()?;
    if hnsw.is_some() {
        parts.next();
    }
    let missing = Fault {
        part: text,
        reason: "does not end with codes: `Flat`, `PQ{m}`, `SQ8` or another `SQ`, or `LSH`",
    };
    let part = match (parts.next(), hnsw) {
        (Some(part), _) => part,
        (None, Some(_)) => "Flat",
        (None, None) => return Err(missing),
    };
    let codes = codes(part)?;
    check_company(part, codes, coarse, hnsw)?;
    match parts.next() {
        None => Ok(Factory { transforms, coarse, hnsw, codes, refine, ids }),
        Some(part) => Err(Fault {
            part,
            reason: "may not follow the codes; `RFlat`, `Refine({codes})`, `IDMap` and `IDMap2` may, once, in this order",
        }),
    }
}

/// Strips a map that stands before or behind everything else, in faiss's order of precedence.
fn outer_map(text: &str) -> (Option<IdMap>, &str) {
    let found = [",IDMap2", ",IDMap"].into_iter().zip(["IDMap2,", "IDMap,"]).zip([true, false]);
    for ((behind, before), two_way) in found {
        if let Some(rest) = text.strip_suffix(behind).or_else(|| text.strip_prefix(before)) {
            return (Some(IdMap { two_way, behind: 0 }), rest);
        }
    }
    (None, text)
}

/// Strips the re-ranking at the end.
fn refinement(text: &str) -> Result<(Option<Codes>, &str), Fault<'_>> {
    if let Some(rest) = text.strip_suffix(",RFlat") {
        return Ok((Some(Codes::Flat), rest));
    }
    let inside = text.strip_suffix(')').and_then(|text| text.rsplit_once(",Refine("));
    let Some((rest, inner)) = inside else { return Ok((None, text)) };
    let finer = codes(inner)?;
    match finer {
        Codes::Lsh { .. } | Codes::FastScan { .. } | Codes::PqResidual { .. } | Codes::RaBitQ => Err(Fault {
            part: inner,
            reason: "cannot be in `Refine({codes})`, which needs distances of single codes",
        }),
        _ => Ok((Some(finer), rest)),
    }
}

/// Map of ids and the part that names it.
type NamedMap<'a> = (IdMap, &'a str);

/// Parses the transforms, and the map between or behind them.
fn transforms<'a>(
    parts: &mut Peekable<Split<'a, char>>,
) -> Result<(Vec<TransformKind>, Option<NamedMap<'a>>), Fault<'a>> {
    let (mut transforms, mut map) = (Vec::new(), None);
    while let Some(&part) = parts.peek() {
        if let Some(two_way) = map_name(part) {
            if map.is_some() {
                return Err(Fault { part, reason: SECOND_MAP });
            }
            map = Some((IdMap { two_way, behind: transforms.len() }, part));
        } else if let Some(transform) = transform(part) {
            transforms.push(transform?);
        } else {
            break;
        }
        parts.next();
    }
    Ok((transforms, map))
}

/// Returns true for `IDMap2`, false for `IDMap`, `None` for any other part.
fn map_name(part: &str) -> Option<bool> {
    match part {
        "IDMap2" => Some(true),
        "IDMap" => Some(false),
        _ => None,
    }
}

/// The map of an index, which must be the only one and outside a re-ranking.
fn single_map<'a>(
    outer: Option<IdMap>,
    inner: Option<NamedMap<'a>>,
    refine: Option<Codes>,
) -> Result<Option<IdMap>, Fault<'a>> {
    let Some((map, part)) = inner else { return Ok(outer) };
    if outer.is_some() {
        return Err(Fault { part, reason: SECOND_MAP });
    }
    match refine {
        None => Ok(Some(map)),
        Some(_) => Err(Fault {
            part,
            reason: "must be the first or the last part if the candidates are ranked again",
        }),
    }
}

/// Checks that LSH has no inverted file and no graph, that fast-scan codes have an inverted file, and that an
/// inverted file has no graph of entries.
fn check_company(
    part: &str,
    codes: Codes,
    coarse: Option<CoarseKind>,
    hnsw: Option<usize>,
) -> Result<(), Fault<'_>> {
    let reason = match (codes, coarse, hnsw) {
        (_, Some(_), Some(_)) => "follows `IVF{nlist}` and `HNSW{links}`, of which an index has one",
        (Codes::Lsh { .. }, Some(_), _) => "cannot follow `IVF{nlist}`",
        (Codes::Lsh { .. } | Codes::RaBitQ, _, Some(_)) => "cannot follow `HNSW{links}`",
        (Codes::FastScan { .. } | Codes::PqResidual { .. }, None, _) => "needs `IVF{nlist}` before it",
        _ => return Ok(()),
    };
    Err(Fault { part, reason })
}

/// Parses a transform; `None` if the part is of another type.
fn transform(part: &str) -> Option<Result<TransformKind, Fault<'_>>> {
    let fault = |reason| Fault { part, reason };
    let sized = |rest, make: fn(usize) -> TransformKind, reason| {
        Some(positive(rest).map(make).ok_or_else(|| fault(reason)))
    };
    if part == "L2norm" {
        return Some(Ok(TransformKind::Normalise));
    }
    if let Some(rest) = part.strip_prefix("OPQ") {
        return Some(
            opq(rest).ok_or_else(|| fault("is not `OPQ{m}` or `OPQ{m}_{d}`, with numbers of at least 1")),
        );
    }
    if let Some(rest) = part.strip_prefix("PCAR") {
        let make = |d| TransformKind::Pca { d, rotated: true };
        return sized(rest, make, "is not `PCAR{d}` with d at least 1");
    }
    if let Some(rest) = part.strip_prefix("PCA") {
        let make = |d| TransformKind::Pca { d, rotated: false };
        return sized(rest, make, "is not `PCA{d}` with d at least 1");
    }
    let rest = part.strip_prefix("RR")?;
    sized(rest, |d| TransformKind::Rotation { d }, "is not `RR{d}` with d at least 1")
}

fn opq(rest: &str) -> Option<TransformKind> {
    let (m, d) = match rest.split_once('_') {
        Some((m, d)) => (m, Some(positive(d)?)),
        None => (rest, None),
    };
    Some(TransformKind::Opq { m: positive(m)?, d })
}

/// Parses a coarse quantiser; `None` if the part is of another type.
fn coarse(part: &str) -> Option<Result<CoarseKind, Fault<'_>>> {
    let rest = part.strip_prefix("IVF")?;
    let (nlist, links) = match rest.split_once("_HNSW") {
        Some((nlist, "")) => (nlist, Some(Some(HNSW_LINKS))),
        Some((nlist, links)) => (nlist, Some(positive(links))),
        None => (rest, None),
    };
    let reason = "is not `IVF{nlist}` or `IVF{nlist}_HNSW{links}`, with numbers of at least 1";
    Some(match (positive(nlist), links) {
        (Some(nlist), None) => Ok(CoarseKind { nlist, hnsw: None }),
        (Some(nlist), Some(Some(links))) => Ok(CoarseKind { nlist, hnsw: Some(links) }),
        _ => Err(Fault { part, reason }),
    })
}

/// Parses a graph of entries; `None` if the part is of another type.
fn graph(part: &str) -> Option<Result<usize, Fault<'_>>> {
    let rest = part.strip_prefix("HNSW")?;
    if rest.is_empty() {
        return Some(Ok(HNSW_LINKS));
    }
    let reason = "is not `HNSW{links}` with at least 2 links";
    Some(positive(rest).filter(|&links| links > 1).ok_or(Fault { part, reason }))
}

fn codes(part: &str) -> Result<Codes, Fault<'_>> {
    if part == "Flat" {
        return Ok(Codes::Flat);
    }
    if part == "RaBitQ" {
        return Ok(Codes::RaBitQ);
    }
    if part.starts_with("SQ") {
        let reason = "is not `SQ4`, `SQ6`, `SQ8`, `SQfp16`, `SQbf16`, `SQ8_direct`, `SQ8_direct_signed`, `SQ4_uniform` or `SQ8_uniform`";
        return ScalarType::of_name(part).map(Codes::Sq).ok_or(Fault { part, reason });
    }
    if let Some(rest) = part.strip_prefix("PQ") {
        return product(part, rest);
    }
    let rest = part.strip_prefix("LSH").ok_or(Fault {
        part,
        reason: "is not a transform (OPQ, PCA, PCAR, RR, L2norm), IVF, HNSW, or codes (Flat, PQ, SQ8 and its like, RaBitQ, LSH)",
    })?;
    lsh(rest).ok_or(Fault { part, reason: "is not `LSH{nbits}`, optionally followed by `r`, `t` or `rt`" })
}

fn product<'a>(part: &'a str, rest: &str) -> Result<Codes, Fault<'a>> {
    if let Some((first, finer)) = rest.split_once('+') {
        let [first, finer] = [first, finer].map(|rest| product(part, rest));
        let (Codes::Pq { m, nbits }, Codes::Pq { m: finer_m, nbits: finer_nbits }) = (first?, finer?) else {
            return Err(Fault { part, reason: "is not `PQ{m}+{r}`, optionally with `x{nbits}`" });
        };
        return Ok(Codes::PqResidual { m, nbits, finer_m, finer_nbits });
    }
    let fault = |reason| Fault { part, reason };
    let (m, nbits) = rest.split_once('x').unwrap_or((rest, "8"));
    let m = positive(m).ok_or_else(|| fault("is not `PQ{m}x{nbits}` with m at least 1"))?;
    match nbits {
        "4fs" => return Ok(Codes::FastScan { m, by_residual: false }),
        "4fsr" => return Ok(Codes::FastScan { m, by_residual: true }),
        _ => {}
    }
    let nbits = positive(nbits).filter(|nbits| NBITS.contains(nbits));
    let nbits =
        nbits.ok_or_else(|| fault("is not `PQ{m}x{nbits}` with nbits from 4 to 12, or `PQ{m}x4fs`"))?;
    Ok(Codes::Pq { m, nbits })
}

fn lsh(rest: &str) -> Option<Codes> {
    let digits = rest.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let (rotated, thresholds) = match &rest[digits.len()..] {
        "" => (false, false),
        "r" => (true, false),
        "t" => (false, true),
        "rt" => (true, true),
        _ => return None,
    };
    let nbits = if digits.is_empty() { None } else { Some(positive(digits)?) };
    Some(Codes::Lsh { nbits, rotated, thresholds })
}

/// Parses a decimal number of at least 1 that fits the file format's 32-bit sizes.
fn positive(digits: &str) -> Option<usize> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i32>().ok().filter(|&number| number > 0).map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_strings_parse_and_print() {
        let same = [
            "Flat",
            "SQ8",
            "SQ4",
            "SQ6",
            "SQfp16",
            "SQbf16",
            "SQ8_direct",
            "SQ8_direct_signed",
            "SQ4_uniform",
            "SQ8_uniform",
            "IVF7,SQfp16",
            "RaBitQ",
            "RR16,IVF4,RaBitQ",
            "HNSW8,Flat",
            "PCA8,HNSW16,SQ8",
            "HNSW32,PQ8x8,RFlat",
            "PQ8x8",
            "PQ8x4",
            "PQ8x12",
            "LSH",
            "LSHr",
            "LSH64",
            "LSH64rt",
            "LSH64t",
            "IVF7,Flat",
            "IVF7,SQ8",
            "IVF1024,PQ8x8",
            "IVF16_HNSW8,PQ8x6",
            "IVF16,PQ8x4fs",
            "IVF16,PQ8x4fsr",
            "OPQ8,IVF16,PQ8x8",
            "OPQ8_64,PQ8x8",
            "PCA32,Flat",
            "PCAR32,L2norm,IVF4,Flat",
            "RR16,LSH",
            "IVF4,PQ8x8,RFlat",
            "L2norm,PCA8,PQ4x8,RFlat",
            "IVF4,PQ8x8,Refine(SQ8)",
            "PQ4x4,Refine(PQ8x8)",
            "IVF4,PQ4+8",
            "OPQ4,IVF4_HNSW8,PQ4x6+2x5",
            "IDMap,Flat",
            "IDMap2,Flat",
            "IDMap,IVF4,PQ8x8",
            "IDMap2,PCA8,LSH",
            "PCA8,IDMap,Flat",
            "PCA8,IDMap2,L2norm,SQ8",
            "IDMap,L2norm,PCA8,PQ4x8,RFlat",
            "IDMap2,PQ4x8,Refine(SQ8)",
        ];
        for text in same {
            assert_eq!(text.parse::<Factory>().expect(text).to_string(), text);
        }
        let short = [
            ("IVF4,PQ2", "IVF4,PQ2x8"),
            ("IVF4_HNSW,Flat", "IVF4_HNSW32,Flat"),
            ("Flat,IDMap", "IDMap,Flat"),
            ("PCA8,Flat,IDMap2", "IDMap2,PCA8,Flat"),
            ("PQ4,RFlat,IDMap", "IDMap,PQ4x8,RFlat"),
            ("PQ4,Refine(Flat)", "PQ4x8,RFlat"),
            ("HNSW16", "HNSW16,Flat"),
            ("HNSW,SQ6", "HNSW32,SQ6"),
        ];
        for (text, long) in short {
            assert_eq!(text.parse::<Factory>().expect(text).to_string(), long);
        }
    }

    #[test]
    fn errors_name_the_offending_part() {
        let cases = [
            ("", ""),
            ("flat", "flat"),
            ("IVF0,Flat", "IVF0"),
            ("IVF,Flat", "IVF"),
            ("IVF-4,Flat", "IVF-4"),
            ("IVF+4,Flat", "IVF+4"),
            ("IVF99999999999999999999,Flat", "IVF99999999999999999999"),
            ("IVF4_HNSW0,Flat", "IVF4_HNSW0"),
            ("HNSW1,Flat", "HNSW1"),
            ("HNSW0", "HNSW0"),
            ("HNSW32,HNSW32,Flat", "HNSW32"),
            ("HNSW32,IVF4,Flat", "IVF4"),
            ("IVF4,HNSW32,Flat", "Flat"),
            ("HNSW32,LSH", "LSH"),
            ("HNSW32,RaBitQ", "RaBitQ"),
            ("IVF4,RaBitQ4", "RaBitQ4"),
            ("HNSW32,PQ4x4fs", "PQ4x4fs"),
            ("IVF4", "IVF4"),
            ("OPQ8", "OPQ8"),
            ("IVF4,flat", "flat"),
            ("IVF4,IVF4,Flat", "IVF4"),
            ("IVF4,PCA4,Flat", "PCA4"),
            ("IVF4,PQ", "PQ"),
            ("IVF4,PQ0", "PQ0"),
            ("IVF4,PQ8x", "PQ8x"),
            ("IVF4,PQ8x3", "PQ8x3"),
            ("IVF4,PQ8x13", "PQ8x13"),
            ("PQ8x4fs", "PQ8x4fs"),
            ("SQ", "SQ"),
            ("SQ5", "SQ5"),
            ("IVF4,SQfp32", "SQfp32"),
            ("IVF4,LSH", "LSH"),
            ("LSH0", "LSH0"),
            ("LSHtr", "LSHtr"),
            ("LSH12é", "LSH12é"),
            ("PCA0,Flat", "PCA0"),
            ("PCAR,Flat", "PCAR"),
            ("RRx,Flat", "RRx"),
            ("OPQ8_,Flat", "OPQ8_"),
            ("OPQ0_8,Flat", "OPQ0_8"),
            ("Flat,Flat", "Flat"),
            ("Flat,RFlat,RFlat", "RFlat"),
            ("IDMap", "IDMap"),
            ("IDMap,", ""),
            ("IDMap3,Flat", "IDMap3"),
            ("IDMap,IDMap,Flat", "IDMap"),
            ("IDMap,Flat,IDMap2", "IDMap"),
            ("PCA8,IDMap,L2norm,IDMap2,Flat", "IDMap2"),
            ("IVF4,IDMap,Flat", "IDMap"),
            ("PCA8,IDMap,Flat,RFlat", "IDMap"),
            ("PQ4,IDMap,RFlat", "IDMap"),
            ("PQ4+8", "PQ4+8"),
            ("IVF4,PQ4+", "PQ4+"),
            ("IVF4,PQ4x4fs+4", "PQ4x4fs+4"),
            ("IVF4,PQ4+4+4", "PQ4+4+4"),
            ("PQ4,Refine(PQ4+4)", "PQ4+4"),
            ("PQ4,Refine(", "Refine("),
            ("PQ4,Refine()", ""),
            ("PQ4,Refine(LSH)", "LSH"),
            ("PQ4,Refine(IVF4,Flat)", "IVF4,Flat"),
            ("PQ4,Refine(PQ4x4fs)", "PQ4x4fs"),
            ("PQ4,Refine(SQ8),RFlat", "Refine(SQ8)"),
        ];
        for (text, offending) in cases {
            match text.parse::<Factory>() {
                Err(Error::Factory { part, .. }) => assert_eq!(part, offending, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
