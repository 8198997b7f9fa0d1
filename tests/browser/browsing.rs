//! The pages of the collection: entries are filtered, changed, withdrawn and restored, and the API knows it.

use serde_json::{Value, json};

use crate::{
    checks, screenshots,
    shop::{ENTRIES, Shop},
    webdriver::Browser,
};

/// Entry as the API has it.
fn entry(shop: &Shop, id: u64) -> Value {
    shop.json(&format!("/v1/entries/{id}"))["entry"].clone()
}

/// Id of an entry of [`ENTRIES`].
fn id(name: &str) -> u64 {
    ENTRIES.iter().position(|entry| *entry == name).unwrap() as u64 + 1
}

/// Waits until the API has a state of an entry.
fn has_state(browser: &Browser, shop: &Shop, name: &str, state: &str) {
    browser.until(&format!("{name} that is {state}"), || {
        (entry(shop, id(name))["state"] == state).then_some(())
    });
}

/// Checks that the page lists the entries that the API lists for the same question, in the same order.
fn agrees(browser: &Browser, shop: &Shop, question: &str) {
    let listed = shop.json(&format!("/v1/entries?{question}"));
    let expected: Vec<String> =
        listed["entries"].as_array().unwrap().iter().map(|entry| text(&entry["name"])).collect();
    let what = format!("list of {expected:?}");
    browser.until(&what, || {
        let script = "return [...document.querySelectorAll('li.entry h2')].map(name => name.innerText)";
        (browser.run(script, &[]) == json!(expected)).then_some(())
    });
    let noun = if expected.len() == 1 { "entry" } else { "entries" };
    browser.shows(&format!("{} {noun}", expected.len()));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn filter(browser: &Browser, label: &str, value: &str) {
    browser.named("input", label).replace_text(value);
    browser.named("button", "Show").follow();
}

#[test]
fn entries_are_filtered_withdrawn_and_restored() {
    let Some(browser) = Browser::start("the collection page") else { return };
    let shop = Shop::open("", None);
    browser.open(&shop.at("/collection"));
    agrees(&browser, &shop, "");
    screenshots::take(&browser, "collection");

    filter(&browser, "Part of the name", "MOOSE");
    agrees(&browser, &shop, "name=MOOSE");
    let copy = shop.put_crop("copy.jpg", "14_moose.jpg");
    assert_eq!(shop.found(&copy)["matches"][0]["name"], "14_moose.jpg");
    browser.named("button", "Withdraw 14_moose.jpg").click();
    browser.shows("14_moose.jpg is withdrawn.");
    // A message with the focus stays.
    let undo = browser.named("button", "Undo");
    undo.focus();
    has_state(&browser, &shop, "14_moose.jpg", "withdrawn");
    assert!(shop.found(&copy)["matches"].as_array().unwrap().iter().all(|found| found["id"] != 4));
    screenshots::take(&browser, "collection-undo");
    undo.click();
    has_state(&browser, &shop, "14_moose.jpg", "live");
    assert_eq!(shop.found(&copy)["matches"][0]["name"], "14_moose.jpg");
    browser.named("button", "Withdraw 14_moose.jpg");

    filter(&browser, "Part of the name", "");
    filter(&browser, "Field", "licence=CC BY");
    browser.shows("No entry is like that");
    screenshots::take(&browser, "collection-none");
    browser.named("a", "Show all entries").follow();
    agrees(&browser, &shop, "");
    browser.named("a", "Table").follow();
    browser.element("table.list");
    assert_eq!(browser.elements("tbody tr").len(), ENTRIES.len());
    screenshots::take(&browser, "collection-table");
}

#[test]
fn fields_of_an_entry_are_edited_unless_someone_else_was_faster() {
    let Some(browser) = Browser::start("the page of an entry") else { return };
    let shop = Shop::open("", None);
    browser.open(&shop.at("/collection"));
    browser.named("li.entry a", "02_coffee.jpg").follow();
    browser.is_at("02_coffee.jpg");
    screenshots::take(&browser, "entry");
    let width = browser.run("return document.querySelector('main img').naturalWidth", &[]);
    assert!(width.as_u64().is_some_and(|width| width >= 64), "the picture has a width of {width}");

    browser.named("input", "Value of licence").replace_text("CC BY 4.0");
    let empty = |name: &str| {
        let own = |field: &crate::webdriver::Element| field.name().as_deref() == Some(name);
        browser.elements("input").into_iter().find(own).unwrap()
    };
    let fields: Vec<_> = browser.elements("input[name=name]").into_iter().skip(1).take(1).collect();
    fields[0].type_text("author");
    empty("Value").type_text("Ada");
    browser.named("button", "Save").click();
    browser.shows("The fields are saved.");
    assert_eq!(entry(&shop, 1)["meta"], json!({"licence": "CC BY 4.0", "author": "Ada"}));
    assert_eq!(shop.verb("collection list shop --limit 1")["entries"][0]["meta"]["author"], "Ada");
    screenshots::take(&browser, "entry-saved");

    let changed = shop.patch("/v1/entries/1", &json!({"meta": {"author": "Grace"}}));
    assert_eq!(changed.status, 200);
    browser.named("input", "Value of author").replace_text("Edsger");
    browser.named("button", "Save").click();
    browser.shows("Someone has changed the entry since you opened it");
    assert_eq!(browser.named("input", "Value of author").property("value"), "Grace");
    assert_eq!(entry(&shop, 1)["meta"]["author"], "Grace");
    assert!(checks::complaints(&browser).iter().all(|line| line.contains("412")));

    browser.named("button", "Withdraw").click();
    browser.shows("The entry is withdrawn");
    has_state(&browser, &shop, "02_coffee.jpg", "withdrawn");
    browser.named("button", "Restore").click();
    browser.shows("The entry is restored");
    has_state(&browser, &shop, "02_coffee.jpg", "live");
    checks::quiet(&browser);
}

#[test]
fn entries_are_withdrawn_and_restored_without_scripts() {
    let Some(browser) = Browser::start("the collection page without scripts") else { return };
    let shop = Shop::open("", None);
    browser.without_scripts();
    browser.open(&shop.at("/collection?name=igloo"));
    browser.named("button", "Withdraw 17_igloo.jpg").follow();
    browser.shows("17_igloo.jpg is withdrawn.");
    has_state(&browser, &shop, "17_igloo.jpg", "withdrawn");
    assert!(browser.address().contains("name=igloo"), "the filter is gone: {}", browser.address());
    browser.named("button", "Undo 17_igloo.jpg").follow();
    browser.shows("17_igloo.jpg is restored.");
    has_state(&browser, &shop, "17_igloo.jpg", "live");
}

#[test]
fn an_empty_collection_says_what_to_do() {
    let Some(browser) = Browser::start("an empty collection") else { return };
    let shop = Shop::empty();
    browser.open(&shop.at("/collection"));
    browser.shows("The collection is empty");
    screenshots::take(&browser, "collection-empty");
    browser.open(&shop.at("/status"));
    browser.shows("There is no entry yet");
    screenshots::take(&browser, "status-empty");
}
