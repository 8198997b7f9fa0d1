//! The find page: pictures are picked, dropped and pasted, and their answers are those of the API.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, Rgb, RgbImage, imageops};
use serde_json::{Value, json};

use crate::{
    checks, screenshots,
    shop::{STRANGER, Shop},
    webdriver::{Browser, Element, key},
};

/// Name of the slider between an entry and a query.
const SLIDER: &str = "From the entry to your picture";

/// Opens the find page, and waits for its script.
fn open(browser: &Browser, shop: &Shop) {
    browser.open(&shop.at("/"));
    browser.element("main[data-ready=true]");
    browser.is_at("Find a picture");
}

/// Card of the answer to a picture, as soon as it is there.
fn answer<'a>(browser: &'a Browser, name: &str) -> Element<'a> {
    browser.named("article.answer:not(.waiting)", &format!("Answer for {name}"))
}

/// Checks that a card says what the API answers on the same picture: verdicts in words, numbers, places.
fn agrees(browser: &Browser, card: &Element, query: &Value) {
    let matches = query["matches"].as_array().unwrap();
    let found = card.elements("section.found");
    assert_eq!(found.len(), matches.len(), "{} {query}", card.text());
    let best = matches.first().map_or("Nothing found", |best| word(&best["verdict"]));
    assert_eq!(card.element("header .badge").text(), best);
    for (section, expected) in found.iter().zip(matches) {
        let text = section.text();
        let name = expected["name"].as_str().unwrap();
        assert!(text.starts_with(word(&expected["verdict"])) || text.starts_with(name), "{text} {expected}");
        assert!(text.contains(&format!("entry {}", expected["id"])) && text.contains("CC0"), "{text}");
        open_reasons(section);
        let reasons = facts(browser, section);
        let e_value = expected["e_value"].as_f64().unwrap();
        let said: f64 = first_word(&reasons["E-value"]).parse().unwrap();
        assert!((said - e_value).abs() <= 0.5 * e_value, "{reasons} {expected}");
        let cosine: f64 = first_word(&reasons["Cosine"]).parse().unwrap();
        assert!((cosine - expected["cosine"].as_f64().unwrap()).abs() < 0.006, "{reasons} {expected}");
        if let Some(inliers) = expected["inliers"].as_u64() {
            assert!(first_word(&reasons["Inliers"]) == inliers.to_string(), "{reasons} {expected}");
            let is_placed = expected["region"].is_array();
            assert!(!is_placed || text.contains(&format!("{inliers} points")), "{text} {expected}");
        }
        assert_eq!(reasons["Best look"], expected["look"], "{reasons}");
        assert_eq!(
            section.elements(".looks li").len() as u64,
            query["looks"].as_u64().unwrap(),
            "{reasons} {query}"
        );
    }
}

/// Verdict of the API in the words of the page.
fn word(verdict: &Value) -> &'static str {
    match verdict.as_str().unwrap() {
        "match" => "Match",
        "possible" => "Possible",
        other => panic!("{other}"),
    }
}

fn first_word(text: &Value) -> String {
    text.as_str().and_then(|text| text.split_whitespace().next()).unwrap_or_default().to_owned()
}

fn open_reasons(section: &Element) {
    let details = section.element("details");
    if details.attribute("open").is_none() {
        section.element("summary").click();
    }
}

/// Names and values of the reasons of a match.
fn facts(browser: &Browser, section: &Element) -> Value {
    let script = "return Object.fromEntries([...arguments[0].querySelectorAll('details dl > div')]
        .map(row => [row.querySelector('dt').textContent, row.querySelector('dd').innerText]))";
    browser.run(script, &[section.reference()])
}

/// Checks that the outline of the best match lies where the API says, on the picture as it is shown.
fn is_outlined(browser: &Browser, card: &Element, region: &Value) {
    let script = "
        const frame = arguments[0].querySelector('.frame');
        const [image, svg] = [...frame.children].map(child => child.getBoundingClientRect());
        const outline = frame.querySelector('polygon');
        const points = [...outline.points].map(({ x, y }) => [x, y]);
        const colour = getComputedStyle(outline).stroke;
        return { image, svg, points, colour };";
    let drawn = browser.run(script, &[card.reference()]);
    for edge in ["left", "top", "width", "height"] {
        let [image, svg] = ["image", "svg"].map(|part| drawn[part][edge].as_f64().unwrap());
        assert!((image - svg).abs() < 1.5, "{edge} of {drawn}");
    }
    assert_ne!(drawn["colour"], "none");
    for (corner, expected) in drawn["points"].as_array().unwrap().iter().zip(region.as_array().unwrap()) {
        for axis in [0, 1] {
            let [own, expected] = [corner, expected].map(|corner| corner[axis].as_f64().unwrap());
            assert!((own - expected).abs() < 0.002, "{drawn} {region}");
        }
    }
}

/// Moves the slider with the keyboard, and looks at the difference.
fn compare(browser: &Browser, card: &Element) {
    let covered = || {
        let script = "return getComputedStyle(arguments[0].querySelector('.laid')).clipPath";
        browser.run(script, &[card.reference()]).as_str().unwrap().to_owned()
    };
    let slider = card.element("input[type=range]");
    assert_eq!(slider.name().as_deref(), Some(SLIDER));
    let half = covered();
    slider.type_text(&key::ARROW_RIGHT.to_string().repeat(30));
    assert_eq!(slider.property("value"), "80");
    assert!(half.contains("50%") && covered().contains("20%"), "{half}, then {}", covered());

    let difference =
        card.elements("button").into_iter().find(|button| button.text() == "Difference").unwrap();
    difference.click();
    assert_eq!(difference.attribute("aria-pressed").as_deref(), Some("true"));
    let script = "
        const image = arguments[0].querySelector('.difference img');
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d');
        canvas.drawImage(image, 0, 0);
        const { data } = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += Math.abs(data[i] - 128);
        return { isShown: image.checkVisibility({ visibilityProperty: true }), mean: 4 * sum / data.length };";
    let shown = browser.run(script, &[card.reference()]);
    assert!(shown["isShown"] == true && shown["mean"].as_f64().unwrap() < 40.0, "{shown}");
}

/// Photograph on a page, with a margin and lines beside it.
fn on_a_page(photo: &DynamicImage) -> DynamicImage {
    let photo = photo.thumbnail(420, 420).brighten(-8).into_rgb8();
    let mut page = RgbImage::from_pixel(photo.width() + 380, photo.height() + 200, Rgb([246, 243, 236]));
    imageops::overlay(&mut page, &photo, 60, 120);
    for line in 0..(photo.height() / 26) {
        let width = 200 - 37 * (line % 4);
        let ink = RgbImage::from_pixel(width, 10, Rgb([120, 116, 110]));
        imageops::overlay(&mut page, &ink, i64::from(photo.width()) + 110, i64::from(130 + 26 * line));
    }
    page.into()
}

#[test]
fn a_picture_that_is_picked_is_found_and_compared() {
    let Some(browser) = Browser::start("the find page") else { return };
    let shop = Shop::open("", None);
    let copy = shop.put("copy.jpg", "02_coffee.jpg", |photo| on_a_page(&photo));
    open(&browser, &shop);
    screenshots::take(&browser, "find");
    browser.element("input[type=file]").pick(&[&copy]);
    let card = answer(&browser, "copy.jpg");
    let query = shop.found(&copy);
    let best = &query["matches"][0];
    assert_eq!((&best["name"], &best["verdict"]), (&json!("02_coffee.jpg"), &json!("match")), "{query}");
    screenshots::take(&browser, "find-match");
    agrees(&browser, &card, &query);
    is_outlined(&browser, &card, &best["region"]);
    assert_eq!(browser.element("main").attribute("aria-busy").as_deref(), Some("false"));
    compare(&browser, &card);
    screenshots::take(&browser, "find-difference");
}

#[test]
fn pictures_that_are_dropped_together_are_answered_one_by_one() {
    let Some(browser) = Browser::start("pictures that are dropped") else { return };
    let shop = Shop::open("", None);
    let crop = shop.put_crop("crop.jpg", "17_igloo.jpg");
    let stranger = shop.put("stranger.jpg", STRANGER, |photo| photo);
    fs::write(shop.path("notes.txt"), "no picture").unwrap();
    open(&browser, &shop);
    browser.element("main").drop_files(&[&crop, &stranger, &shop.path("notes.txt")]);
    for (name, path) in [("crop.jpg", &crop), ("stranger.jpg", &stranger)] {
        agrees(&browser, &answer(&browser, name), &shop.found(path));
    }
    let text = answer(&browser, "stranger.jpg").text();
    assert!(text.contains("Nothing found") && text.contains("Tried: 8 looks"), "{text}");
    browser.element("article.failed[aria-label='Answer for notes.txt']");
    browser.shows("3 of 3 pictures answered");
    let complaints = checks::complaints(&browser);
    assert!(complaints.len() == 1 && complaints[0].contains("415"), "{complaints:?}");
    screenshots::take(&browser, "find-several");
}

#[test]
fn a_picture_is_pasted_and_compared_with_the_keyboard_alone() {
    let Some(browser) = Browser::start("the find page with the keyboard alone") else { return };
    let shop = Shop::open("", None);
    let mirrored = shop.put("mirrored.png", "06_dandelions.jpg", |photo| photo.fliph());
    open(&browser, &shop);
    skip_to_the_content(&browser);
    copy_to_the_clipboard(&browser, &mirrored);
    browser.press(&[key::CONTROL], "v");
    let card = answer(&browser, "image.png");
    assert!(card.text().contains("mirrored"), "{}", card.text());

    tab_to(&browser, "Difference");
    browser.press(&[], " ");
    assert_eq!(browser.focused().attribute("aria-pressed").as_deref(), Some("true"));
    browser.press(&[key::SHIFT], &key::TAB.to_string().repeat(2));
    assert_eq!(browser.focused().text(), "Curtain");
    browser.press(&[], &key::ENTER.to_string());
    tab_to(&browser, SLIDER);
    browser.press(&[], &key::ARROW_RIGHT.to_string());
    assert_eq!(browser.focused().property("value"), "51");
    tab_to(&browser, "Why this matched");
    browser.press(&[], " ");
    agrees(&browser, &card, &shop.found(&mirrored));
    checks::quiet(&browser);
}

/// The first stop of the keyboard leads past the navigation.
fn skip_to_the_content(browser: &Browser) {
    browser.press(&[], &key::TAB.to_string());
    assert_eq!(browser.focused().text(), "Skip to the content");
    browser.press(&[], &key::ENTER.to_string());
    browser.until("focus on the content", || {
        (browser.focused().attribute("id").as_deref() == Some("content")).then_some(())
    });
}

/// Presses the tabulator until an element of this name has the focus; each stop on the way must be seen.
fn tab_to(browser: &Browser, name: &str) {
    for _ in 0..40 {
        browser.press(&[], &key::TAB.to_string());
        let focused = browser.focused();
        checks::focus(browser, &focused);
        if focused.name().as_deref() == Some(name) || focused.text() == name {
            return;
        }
    }
    panic!("the keyboard does not lead to {name}");
}

fn copy_to_the_clipboard(browser: &Browser, picture: &Path) {
    browser.chromium("Browser.grantPermissions", json!({"permissions": ["clipboardSanitizedWrite"]}));
    let script = "
        const [data, done] = arguments;
        const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
        const item = new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) });
        navigator.clipboard.write([item]).then(() => done('written'), error => done(`${error}`));";
    let data = json!(BASE64_STANDARD.encode(fs::read(picture).unwrap()));
    assert_eq!(browser.run_async(script, &[data]), "written");
}

#[test]
fn the_find_form_works_without_scripts() {
    let Some(browser) = Browser::start("the find form without scripts") else { return };
    let shop = Shop::open("", None);
    let crop = shop.put_crop("crop.jpg", "14_moose.jpg");
    browser.without_scripts();
    browser.open(&shop.at("/"));
    browser.named("button", "Find").follow();
    browser.shows("Pick at least one picture.");
    browser.element("input[type=file]").pick(&[&crop]);
    browser.named("button", "Find").follow();
    let card = answer(&browser, "crop.jpg");
    let query = shop.found(&crop);
    assert_eq!(query["matches"][0]["name"], "14_moose.jpg", "{query}");
    agrees(&browser, &card, &query);
    screenshots::take(&browser, "find-without-scripts");
}
