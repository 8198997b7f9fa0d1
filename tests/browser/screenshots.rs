//! Pictures of pages, for people to look at: two widths, light and dark.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{checks, webdriver::Browser};

/// Widths of the window in pixels: a desk, and a phone.
pub const WIDTHS: [u32; 2] = [1280, 420];
/// Colour schemes, of which a page follows the one of its reader.
pub const SCHEMES: [&str; 2] = ["light", "dark"];
/// Smallest height of a picture.
const HEIGHT: u32 = 800;

/// Folder of the pictures.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots")
}

/// Checks the page that is shown, and takes pictures of it: `NAME-1280-light.png` and three others.
pub fn take(browser: &Browser, name: &str) {
    fs::create_dir_all(folder()).unwrap();
    checks::structure(browser);
    checks::names(browser);
    for width in WIDTHS {
        for scheme in SCHEMES {
            show(browser, width, scheme);
            checks::fits(browser, width);
            checks::contrast(browser, scheme);
            let answer = browser.chromium("Page.captureScreenshot", json!({"format": "png"}));
            let png = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
            fs::write(folder().join(format!("{name}-{width}-{scheme}.png")), png).unwrap();
        }
    }
    browser.chromium("Emulation.clearDeviceMetricsOverride", json!({}));
    checks::quiet(browser);
}

/// Gives the window a width, the height of the whole page, and a colour scheme, and waits for what comes into view.
fn show(browser: &Browser, width: u32, scheme: &str) {
    let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.chromium("Emulation.setEmulatedMedia", scheme);
    let resize = |height: u32| {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.chromium("Emulation.setDeviceMetricsOverride", size);
    };
    resize(HEIGHT);
    let height = browser.run("return document.documentElement.scrollHeight", &[]);
    resize(HEIGHT.max(height.as_u64().unwrap() as u32));
    browser.until("pictures that are loaded", || {
        let script = "return [...document.images].every(image => image.complete)
            && document.getAnimations().every(animation => animation.playState !== 'running')";
        (browser.run(script, &[]) == true).then_some(())
    });
}
