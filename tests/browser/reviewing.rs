//! The review page: possible matches are confirmed, rejected and taken back, and the API counts what the page says.

use serde_json::{Value, json};

use crate::{
    checks, screenshots,
    shop::Shop,
    webdriver::{Browser, Element},
};

/// Looks copies up with a bound on E-values that none keeps, so that each is a possible match and waits for a review.
fn queue(shop: &Shop, copies: &[(&str, &str)]) {
    for (name, sample) in copies {
        let copy = shop.put_crop(name, sample);
        let answer = shop.find_with("review=true&k=1&max_e=1e-300", &[&copy]);
        assert_eq!(answer["reviews"].as_array().map(Vec::len), Some(1), "{answer}");
    }
}

/// The review of a query, as the API has it.
fn review(shop: &Shop, query: &str) -> Value {
    let answer = shop.json("/v1/reviews");
    let reviews = answer["reviews"].as_array().unwrap();
    reviews.iter().find(|review| review["name"] == query).unwrap_or_else(|| panic!("{answer}")).clone()
}

/// Waits until the API has a decision on the review of a query.
fn decided(browser: &Browser, shop: &Shop, query: &str, decision: &str) {
    let what = format!("review of {query} that is {decision}");
    browser.until(&what, || (review(shop, query)["decision"] == decision).then_some(()));
}

/// The possible match in the middle, as soon as it is that of a query.
fn in_the_middle<'a>(browser: &'a Browser, query: &str) -> Element<'a> {
    browser.named("article", &format!("Possible match of {query}"))
}

/// Checks that the page tells what was measured as the API does.
fn agrees(browser: &Browser, article: &Element, review: &Value) {
    let script = "return Object.fromEntries([...arguments[0].querySelectorAll('dl > div')]
        .map(row => [row.querySelector('dt').textContent, row.querySelector('dd').innerText.split(' ')[0]]))";
    let told = browser.run(script, &[article.reference()]);
    let number =
        |name: &str| -> f64 { told[name].as_str().and_then(|text| text.parse().ok()).unwrap_or(-1.0) };
    let [e_value, cosine] = ["e_value", "cosine"].map(|name| review[name].as_f64().unwrap());
    assert!((number("E-value") - e_value).abs() <= 0.5 * e_value, "{told} {review}");
    assert!((number("Cosine") - cosine).abs() < 0.0006, "{told} {review}");
    assert_eq!(number("Points that agree"), review["inliers"].as_f64().unwrap(), "{told} {review}");
    let text = article.text();
    assert!(text.contains(review["answer"]["name"].as_str().unwrap()), "{text} {review}");
    let script =
        "return [...arguments[0].querySelectorAll('img')].map(image => image.complete && image.naturalWidth)";
    browser.until("two pictures", || {
        let widths = browser.run(script, &[article.reference()]);
        let widths: Vec<u64> = widths.as_array()?.iter().filter_map(Value::as_u64).collect();
        (widths.len() == 2 && widths.iter().all(|&width| width > 0)).then_some(())
    });
}

/// Waits until the tabs and the measured share of the page are those of the API.
fn counts(browser: &Browser, shop: &Shop) -> Value {
    let total = shop.json("/v1/reviews/counts")["total"].clone();
    let expected = ["Waiting", "Confirmed", "Rejected"]
        .into_iter()
        .zip(["undecided", "confirmed", "rejected"])
        .map(|(word, key)| format!("{word} {}", total[key]));
    browser.until(&format!("tabs with {total}"), || {
        let text = browser.text();
        expected.clone().all(|tab| text.contains(&tab)).then_some(())
    });
    let share = total["false_rate"]["share"].as_f64();
    let said = browser.element(".rate").text();
    match share {
        None => assert!(said.contains("nothing is decided yet"), "{said}"),
        Some(share) => {
            let decided = total["confirmed"].as_u64().unwrap() + total["rejected"].as_u64().unwrap();
            assert!(said.contains(&format!("{:.0} % of {decided}", 100.0 * share)), "{said} {total}");
        }
    }
    total
}

#[test]
fn possible_matches_are_confirmed_rejected_and_taken_back() {
    let Some(browser) = Browser::start("the review page") else { return };
    let shop = Shop::open("", None);
    browser.open(&shop.at("/review"));
    browser.shows("Nothing waits");
    screenshots::take(&browser, "review-empty");

    queue(
        &shop,
        &[("igloo.jpg", "17_igloo.jpg"), ("moose.jpg", "14_moose.jpg"), ("coffee.jpg", "02_coffee.jpg")],
    );
    browser.open(&shop.at("/review"));
    let article = in_the_middle(&browser, "coffee.jpg");
    agrees(&browser, &article, &review(&shop, "coffee.jpg"));
    assert_eq!(counts(&browser, &shop)["undecided"], 3);
    screenshots::take(&browser, "review");

    button(&article, "Confirm").click();
    in_the_middle(&browser, "moose.jpg");
    decided(&browser, &shop, "coffee.jpg", "confirmed");
    browser.shows("coffee.jpg is confirmed.");
    // A message with the focus stays.
    let undo = browser.named("button", "Undo");
    undo.focus();
    assert_eq!(counts(&browser, &shop)["confirmed"], 1);
    screenshots::take(&browser, "review-undo");
    undo.click();
    in_the_middle(&browser, "coffee.jpg");
    decided(&browser, &shop, "coffee.jpg", "undecided");
    assert_eq!(counts(&browser, &shop)["undecided"], 3);

    browser.press(&[], "r");
    in_the_middle(&browser, "moose.jpg");
    decided(&browser, &shop, "coffee.jpg", "rejected");
    browser.press(&[], "c");
    in_the_middle(&browser, "igloo.jpg");
    decided(&browser, &shop, "moose.jpg", "confirmed");
    browser.press(&[], "u");
    in_the_middle(&browser, "moose.jpg");
    decided(&browser, &shop, "moose.jpg", "undecided");
    browser.press(&[], "c");
    in_the_middle(&browser, "igloo.jpg");
    browser.named("input", "Your name (optional)").type_text("Ada");
    button(&browser.element("article"), "Confirm").click();
    browser.shows("All is decided");
    assert_eq!(review(&shop, "igloo.jpg")["by"], "Ada");
    let total = counts(&browser, &shop);
    assert_eq!((&total["confirmed"], &total["rejected"]), (&json!(2), &json!(1)), "{total}");
    checks::quiet(&browser);
    screenshots::take(&browser, "review-done");
}

fn button<'a>(within: &Element<'a>, word: &str) -> Element<'a> {
    let found = within.elements("button").into_iter().find(|button| button.text().starts_with(word));
    found.unwrap_or_else(|| panic!("no button {word} in {}", within.text()))
}

#[test]
fn reviews_are_decided_without_scripts() {
    let Some(browser) = Browser::start("the review page without scripts") else { return };
    let shop = Shop::open("", None);
    queue(&shop, &[("igloo.jpg", "17_igloo.jpg"), ("moose.jpg", "14_moose.jpg")]);
    browser.without_scripts();
    browser.open(&shop.at("/review"));
    button(&in_the_middle(&browser, "moose.jpg"), "Reject").follow();
    browser.shows("moose.jpg is rejected.");
    in_the_middle(&browser, "igloo.jpg");
    decided(&browser, &shop, "moose.jpg", "rejected");
    counts(&browser, &shop);
    browser.named("button", "Undo").follow();
    in_the_middle(&browser, "moose.jpg");
    decided(&browser, &shop, "moose.jpg", "undecided");
    counts(&browser, &shop);
    screenshots::take(&browser, "review-without-scripts");
}
