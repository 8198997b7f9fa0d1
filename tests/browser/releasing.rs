//! The release page: pictures are uploaded, released, downloaded, and found again by their edited copies.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    checks, screenshots,
    shop::Shop,
    webdriver::{Browser, Element},
};

/// Few steps of activation: what the page does is tested, and not how much is gained.
const OPTIONS: &str = "--iterations 2";

/// Small photographs that are in no collection.
fn pictures(shop: &Shop) -> [PathBuf; 2] {
    [("panda.jpg", "15_panda.jpg"), ("bowl.jpg", "12_fig_bowl.jpg")]
        .map(|(name, sample)| shop.put(name, sample, |photo| photo.thumbnail(320, 320)))
}

/// Release of a picture in the API.
fn release(shop: &Shop, name: &str) -> Option<Value> {
    let answer = shop.json("/v1/releases");
    answer["releases"].as_array().unwrap().iter().find(|release| release["name"] == name).cloned()
}

/// Row of a picture in the queue, as soon as it has a state.
fn row<'a>(browser: &'a Browser, name: &str, state: &str) -> Element<'a> {
    let script = "return [...document.querySelectorAll('li[data-release]')].find(row =>
        row.querySelector('h3').innerText === arguments[0] && row.querySelector('.badge').innerText === arguments[1])
        ?.dataset.release";
    let id = browser.until(&format!("{name} that is {state}"), || {
        browser.run(script, &[json!(name), json!(state)]).as_str().map(str::to_owned)
    });
    browser.element(&format!("li[data-release='{id}']"))
}

/// Checks that a row tells the quality and the size that the API tells.
fn agrees(row: &Element, release: &Value) {
    let text = row.text();
    let quality = &release["quality"];
    let psnr = quality["psnr"].as_f64().unwrap();
    let told = format!("PSNR {psnr:.1} dB, SSIM {:.3}", quality["ssim"].as_f64().unwrap());
    assert!(text.contains(&told), "{text} {release}");
    assert!(text.contains(&format!("Entry {}", release["entry"])), "{text} {release}");
}

/// Clicks on a link, and returns the file that the browser saves.
fn download(browser: &Browser, shop: &Shop, link: &Element) -> PathBuf {
    let folder = shop.path("downloads");
    fs::create_dir_all(&folder).unwrap();
    browser.chromium("Browser.setDownloadBehavior", json!({"behavior": "allow", "downloadPath": folder}));
    link.click();
    browser.until("downloaded file", || {
        let mut files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some_and(|end| end != "crdownload"))
    })
}

#[test]
fn pictures_are_released_downloaded_and_found_again() {
    let Some(browser) = Browser::start("the release page") else { return };
    let shop = Shop::open(OPTIONS, None);
    let [panda, bowl] = pictures(&shop);
    fs::write(shop.path("notes.txt"), "no picture").unwrap();
    browser.open(&shop.at("/release"));
    browser.shows("Nothing is released here yet");
    screenshots::take(&browser, "release-empty");

    browser.element("main").drop_files(&[&panda, &bowl, &shop.path("notes.txt")]);
    browser.shows("Only pictures are released.");
    browser.named("button", "Leave panda.jpg out");
    browser.named("input", "Licence").type_text("CC BY 4.0");
    screenshots::take(&browser, "release-chosen");
    browser.named("button", "Release").click();
    browser.shows("2 pictures are accepted.");
    for name in ["panda.jpg", "bowl.jpg"] {
        let row = row(&browser, name, "Released");
        agrees(&row, &release(&shop, name).unwrap());
    }
    screenshots::take(&browser, "release");

    let panda = row(&browser, "panda.jpg", "Released");
    let accepted = release(&shop, "panda.jpg").unwrap();
    let saved = download(&browser, &shop, &panda.element("a[download]"));
    let route = format!("/v1/releases/{}/file", accepted["id"].as_str().unwrap());
    assert_eq!(fs::read(&saved).unwrap(), shop.get(&route).body);
    let copy = shop.path("copy.jpg");
    let photo = image::open(&saved).unwrap();
    photo.crop_imm(20, 20, photo.width() - 60, photo.height() - 50).into_rgb8().save(&copy).unwrap();
    let found = shop.found(&copy);
    assert_eq!(
        (&found["matches"][0]["id"], &found["matches"][0]["verdict"]),
        (&accepted["entry"], &json!("match"))
    );
    assert_eq!(found["matches"][0]["meta"], json!({"licence": "CC BY 4.0"}), "{found}");

    browser.named("button", "Remove bowl.jpg from the queue").click();
    browser.until("a queue without bowl.jpg", || release(&shop, "bowl.jpg").is_none().then_some(()));
    browser.until("a page without bowl.jpg", || (!browser.text().contains("bowl.jpg")).then_some(()));
    browser.named("a", &format!("Entry {}", accepted["entry"])).follow();
    browser.is_at("panda.jpg");
    browser.shows("released by this collection");
    checks::quiet(&browser);
    screenshots::take(&browser, "release-entry");
}

#[test]
fn a_picture_that_is_known_or_broken_is_told() {
    let Some(browser) = Browser::start("releases that fail") else { return };
    let shop = Shop::open(OPTIONS, None);
    fs::copy(crate::shop::samples().join("17_igloo.jpg"), shop.path("again.jpg")).unwrap();
    let bytes = fs::read(shop.path("again.jpg")).unwrap();
    fs::write(shop.path("broken.jpg"), &bytes[..400]).unwrap();
    browser.open(&shop.at("/release"));
    let pick = |name: &str| {
        browser.named("input[type=file]", "Pictures").pick(&[&shop.path(name)]);
        browser.named("button", "Release").click();
    };
    pick("again.jpg");
    row(&browser, "again.jpg", "Known already");
    assert_eq!(release(&shop, "again.jpg").unwrap()["entry"], 5);
    checks::quiet(&browser);
    pick("broken.jpg");
    browser.element("#toasts .bad");
    assert!(checks::complaints(&browser).iter().all(|line| line.contains("422")));
    assert!(release(&shop, "broken.jpg").is_none());
    screenshots::take(&browser, "release-refused");
}

#[test]
fn pictures_are_released_without_scripts() {
    let Some(browser) = Browser::start("the release page without scripts") else { return };
    let shop = Shop::open(OPTIONS, None);
    let [panda, _] = pictures(&shop);
    browser.without_scripts();
    browser.open(&shop.at("/release"));
    browser.named("input[type=file]", "Pictures").pick(&[&panda]);
    browser.named("input", "Author").type_text("Ada");
    browser.named("button", "Release").follow();
    browser.shows("1 picture is accepted.");
    let is_done = || release(&shop, "panda.jpg").is_some_and(|release| release["state"] == "done");
    browser.until("release that is done", || is_done().then_some(()));
    browser.open(&shop.at("/release"));
    agrees(&row(&browser, "panda.jpg", "Released"), &release(&shop, "panda.jpg").unwrap());
    screenshots::take(&browser, "release-without-scripts");
}
