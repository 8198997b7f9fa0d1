//! Checks of any page: it is sound without looking at it, and asks no other host.

use serde_json::{Value, json};

use crate::webdriver::{Browser, Element};

/// Roles of elements that a person acts on, or looks at, which must have a name.
const NAMED: [&str; 16] = [
    "button",
    "checkbox",
    "combobox",
    "dialog",
    "heading",
    "image",
    "link",
    "listbox",
    "menuitem",
    "option",
    "radio",
    "searchbox",
    "slider",
    "spinbutton",
    "tab",
    "textbox",
];

/// Smallest contrast of a text with its ground (WCAG 2.2, 1.4.3 AA).
const CONTRAST: f64 = 4.5;
/// Smallest contrast of a large text.
const LARGE_CONTRAST: f64 = 3.0;

/// Checks that a page names its language, has a title, one main part with one heading of the first level, no level left
/// out, and no id twice.
pub fn structure(browser: &Browser) {
    let script = "
        const all = selector => [...document.querySelectorAll(selector)];
        const ids = all('[id]').map(element => element.id);
        return {
            language: document.documentElement.lang,
            title: document.title,
            mains: all('main').length,
            navigation: all('nav').length,
            levels: all('h1, h2, h3, h4, h5, h6').filter(heading => heading.checkVisibility())
                .map(heading => Number(heading.tagName[1])),
            twice: ids.filter((id, i) => ids.indexOf(id) !== i),
            inline: all('[style], style, script:not([src])').map(element => element.outerHTML.slice(0, 200)),
        };";
    let page = browser.run(script, &[]);
    let address = browser.address();
    assert_eq!((&page["language"], &page["mains"]), (&json!("en"), &json!(1)), "{address}: {page}");
    assert!(!page["title"].as_str().unwrap().is_empty(), "{address} has no title");
    let levels: Vec<i64> = page["levels"].as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect();
    let firsts = levels.iter().filter(|&&level| level == 1).count();
    assert!(firsts == 1 && levels.windows(2).all(|two| two[1] <= two[0] + 1), "{address}: levels {levels:?}");
    assert_eq!(page["twice"], json!([]), "{address}: ids that are there twice");
}

/// Checks that a screen reader has a name for each control and each picture, from Chromium's accessibility tree.
pub fn names(browser: &Browser) {
    browser.chromium("Accessibility.enable", json!({}));
    let tree = browser.chromium("Accessibility.getFullAXTree", json!({}));
    browser.chromium("Accessibility.disable", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let seen = nodes.iter().filter(|node| node["ignored"] == false);
    let to_name: Vec<&Value> =
        seen.filter(|node| NAMED.iter().any(|role| node["role"]["value"].as_str() == Some(role))).collect();
    assert!(to_name.len() > 3, "a page without links: {tree}");
    let nameless = |node: &&&Value| node["name"]["value"].as_str().is_none_or(|name| name.trim().is_empty());
    let nameless: Vec<String> =
        to_name.iter().filter(nameless).map(|node| description(browser, node)).collect();
    assert!(nameless.is_empty(), "{} has elements without a name: {nameless:?}", browser.address());
}

/// Role of a node, and its element.
fn description(browser: &Browser, node: &Value) -> String {
    let element = browser.chromium("DOM.describeNode", json!({"backendNodeId": node["backendDOMNodeId"]}));
    format!("{} {}", node["role"]["value"], element["node"])
}

/// Checks that nothing lies beyond the width of the window, or beyond the card that it is in.
pub fn fits(browser: &Browser, width: u32) {
    let script = "
        const hides = ['auto', 'scroll', 'hidden', 'clip'];
        const isHidden = (element, within) => {
            for (let at = element.parentElement; at && at !== within; at = at.parentElement) {
                if (hides.includes(getComputedStyle(at).overflowX)) return true;
            }
            return false;
        };
        const beyond = [];
        for (const within of [document.querySelector('main'), ...document.querySelectorAll('.card')]) {
            const { left, right } = within.getBoundingClientRect();
            for (const element of within.querySelectorAll('*')) {
                const own = element.getBoundingClientRect();
                const isBeyond = own.width > 0 && (own.left < left - 1 || own.right > right + 1);
                if (isBeyond && !isHidden(element, within)) beyond.push(element.outerHTML.slice(0, 200));
            }
        }
        return [document.documentElement.scrollWidth, beyond.slice(0, 3)];";
    let found = browser.run(script, &[]);
    let is_wide = found[0].as_u64().unwrap() > u64::from(width);
    let address = browser.address();
    assert!(!is_wide, "{address} is {} pixels wide in a window of {width}: {}", found[0], found[1]);
    assert_eq!(found[1], json!([]), "{address}, {width} pixels: beyond their card or the window");
}

/// Checks that texts stand out from their grounds, as far as those are plain colours.
pub fn contrast(browser: &Browser, scheme: &str) {
    let script = include_str!("contrast.js");
    let faint = browser.run(script, &[json!(CONTRAST), json!(LARGE_CONTRAST)]);
    assert_eq!(faint, json!([]), "{} ({scheme}): texts of little contrast", browser.address());
}

/// Checks that since the last call the console had nothing to say, and only the host of the page was asked.
pub fn quiet(browser: &Browser) {
    assert_eq!(complaints(browser), Vec::<String>::new(), "{}", browser.address());
}

/// Errors and warnings of the console since the last call; checks that only the host of the page was asked.
pub fn complaints(browser: &Browser) -> Vec<String> {
    let address = browser.address();
    let host = address.split('/').nth(2).unwrap();
    for event in browser.log("performance") {
        let event: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        let event = &event["message"];
        if event["method"] == "Network.requestWillBeSent" {
            let asked = event["params"]["request"]["url"].as_str().unwrap();
            let is_own = asked.split('/').nth(2) == Some(host);
            let is_local = ["data:", "blob:", "about:"].iter().any(|start| asked.starts_with(start));
            assert!(is_own || is_local, "{address} asks {asked}");
        }
    }
    let lines = browser.log("browser");
    let serious = lines.iter().filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
    serious.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// Checks that an element shows that it has the focus: an outline, or a shadow.
pub fn focus(browser: &Browser, element: &Element) {
    let script = "
        const style = getComputedStyle(arguments[0]);
        const hasOutline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        const { width, height } = arguments[0].getBoundingClientRect();
        return (hasOutline || style.boxShadow !== 'none') && width > 0 && height > 0;";
    let is_seen = browser.run(script, &[element.reference()]);
    assert_eq!(is_seen, true, "the focus on {:?} {} is not seen", element.name(), element.text());
}
