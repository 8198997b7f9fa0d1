//! Parts of XMP that show or announce what the released file lacks: thumbnails of the original, and gain maps.

/// Prefix of the properties of a gain map (ISO 21496-1 in Adobe's form, Ultra HDR).
const GAIN_MAP: &[u8] = b"hdrgm";

/// Longest name of an attribute of a gain map, with spaces around it.
const LONGEST_NAME: usize = 64;

/// The text without its thumbnails, gain map and list of appended images.
pub(crate) fn without_other_images(xmp: &[u8]) -> Vec<u8> {
    without_gain_map_attributes(&without_elements(xmp))
}

fn without_elements(xmp: &[u8]) -> Vec<u8> {
    let (mut kept, mut at) = (Vec::with_capacity(xmp.len()), 0);
    while let Some(start) = find(xmp, at, b"<") {
        kept.extend(&xmp[at..start]);
        let (end, is_kept) = match Element::named(name(&xmp[start + 1..])) {
            // Its children are looked at by themselves.
            Element::Other => (start + 1, true),
            Element::OtherImage => (end_of_element(xmp, start), false),
            Element::List => {
                let end = end_of_element(xmp, start);
                (end, find(&xmp[..end], start, b"GainMap").is_none())
            }
        };
        kept.extend(if is_kept { &xmp[start..end] } else { &[] });
        at = end;
    }
    kept.extend(&xmp[at..]);
    kept
}

/// Meaning of an element's name.
enum Element {
    /// A thumbnail, or a property of a gain map.
    OtherImage,
    /// A list of appended images, which may be one of a gain map.
    List,
    Other,
}

impl Element {
    fn named(name: &[u8]) -> Self {
        let colon = name.iter().position(|&byte| byte == b':').unwrap_or(0);
        match (&name[..colon], name.get(colon + 1..).unwrap_or_default()) {
            (GAIN_MAP, _) | (_, b"Thumbnails") => Self::OtherImage,
            (_, b"Directory") => Self::List,
            _ => Self::Other,
        }
    }
}

fn name(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte));
    &text[..end.unwrap_or(text.len())]
}

/// Position behind an element; the end of the text if it is not closed.
fn end_of_element(xmp: &[u8], start: usize) -> usize {
    let Some(tag) = find(xmp, start, b">") else { return xmp.len() };
    if xmp[tag - 1] == b'/' {
        return tag + 1;
    }
    let closing = [b"</", name(&xmp[start + 1..]), b">"].concat();
    find(xmp, tag, &closing).map_or(xmp.len(), |at| at + closing.len())
}

fn without_gain_map_attributes(xmp: &[u8]) -> Vec<u8> {
    let (mut kept, mut at) = (Vec::with_capacity(xmp.len()), 0);
    while let Some(space) = next_space(xmp, at) {
        kept.extend(&xmp[at..space]);
        let (attribute, declared) = (&xmp[space + 1..], [b"xmlns:", GAIN_MAP, b"="].concat());
        let is_of_map = attribute.starts_with(GAIN_MAP) && attribute.get(GAIN_MAP.len()) == Some(&b':');
        let end = if is_of_map || attribute.starts_with(&declared) { behind_value(xmp, space) } else { None };
        if end.is_none() {
            kept.push(xmp[space]);
        }
        at = end.unwrap_or(space + 1);
    }
    kept.extend(&xmp[at..]);
    kept
}

fn next_space(xmp: &[u8], at: usize) -> Option<usize> {
    xmp[at..].iter().position(u8::is_ascii_whitespace).map(|found| at + found)
}

/// Position behind the quoted value of the attribute after a space.
fn behind_value(xmp: &[u8], space: usize) -> Option<usize> {
    let sign = find(&xmp[..xmp.len().min(space + LONGEST_NAME)], space, b"=")?;
    let quote = *xmp.get(sign + 1).filter(|&quote| b"\"'".contains(quote))?;
    find(xmp, sign + 2, &[quote]).map(|end| end + 1)
}

/// Position of a text from `at` on.
fn find(xmp: &[u8], at: usize, text: &[u8]) -> Option<usize> {
    xmp.get(at..)?.windows(text.len()).position(|window| window == text).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        String::from_utf8(without_other_images(text.as_bytes())).unwrap()
    }

    #[test]
    fn thumbnails_and_gain_maps_go_and_all_else_stays() {
        for prefix in ["xmp", "xap"] {
            let text =
                format!("<r:D a='1 2'><{prefix}:Thumbnails><i>/9j/</i></{prefix}:Thumbnails><b>c</b></r:D>");
            assert_eq!(kept(&text), "<r:D a='1 2'><b>c</b></r:D>");
        }
        let hdr = "<r:D xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\" x:a='b'>\
            <C:Directory><r:li><C:Item Item:Semantic=\"GainMap\"/></r:li></C:Directory><hdrgm:Gamma>1</hdrgm:Gamma>\
            <hdrgm:Offset v='1'/></r:D>";
        assert_eq!(kept(hdr), "<r:D x:a='b'></r:D>");
    }

    #[test]
    fn other_and_broken_texts_stay_and_open_thumbnails_go() {
        for text in [
            "",
            "<",
            "<a",
            "<>",
            "a hdrgm b",
            "<a hdrgm:x",
            "<a hdrgm:x=1>",
            "<C:Directory><b/></C:Directory>",
        ] {
            assert_eq!(kept(text), text);
        }
        assert_eq!(kept("<a/><xmp:Thumbnails><i>/9j/"), "<a/>");
    }
}
