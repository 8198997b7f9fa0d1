//! The status page: its numbers are those of the API.

use serde_json::Value;

use crate::{screenshots, shop::Shop, webdriver::Browser};

/// Names and values of the large numbers, and of the lists of facts.
fn told(browser: &Browser) -> Value {
    let script = "
        const text = (row, selector) => row.querySelector(selector).textContent.trim();
        const numbers = [...document.querySelectorAll('.number')];
        const facts = [...document.querySelectorAll('dl > div')];
        return Object.fromEntries([
            ...numbers.map(row => [text(row, '.name'), text(row, '.value')]),
            ...facts.map(row => [text(row, 'dt'), text(row, 'dd')]),
        ]);";
    browser.run(script, &[])
}

#[test]
fn the_status_page_tells_the_numbers_of_the_api() {
    let Some(browser) = Browser::start("the status page") else { return };
    let shop = Shop::open("", None);
    browser.open(&shop.at("/status"));
    browser.shows("None. Lookups of all collections are counted here");

    let copy = shop.put_crop("copy.jpg", "17_igloo.jpg");
    for _ in 0..3 {
        shop.found(&copy);
    }
    shop.find_with("review=true&k=1&max_e=1e-300", &[&copy]);
    assert_eq!(shop.delete("/v1/entries/2").status, 200);
    browser.open(&shop.at("/status"));
    let status = shop.json("/v1/collections/shop/status");
    let reviews = shop.json("/v1/reviews/counts");
    let told = told(&browser);
    let says =
        |name: &str, value: &Value| assert_eq!(told[name], value.to_string(), "{name}: {told} {status}");
    says("Live entries", &status["entries"]);
    says("Withdrawn", &status["withdrawn"]);
    says("Possible matches waiting", &reviews["total"]["undecided"]);
    says("In no segment yet", &status["fresh"]);
    let quantiser = told["Quantiser"].as_str().unwrap();
    assert!(quantiser.starts_with(status["factory"].as_str().unwrap()), "{told} {status}");
    browser.shows("4 lookups in all collections");
    assert!(browser.text().contains("no calibration of its own"), "{status}");
    assert_eq!(status["calibration"]["standard"], true);

    let plots = browser.elements(".plot div[role=img]");
    let names: Vec<String> = plots.iter().filter_map(|plot| plot.name()).collect();
    assert!(names.len() == 4 && names[0].starts_with("6 entries from"), "{names:?}");
    assert!(names[1].starts_with("4 lookups in the last hour"), "{names:?}");
    screenshots::take(&browser, "status");
}
