//! Headless Chromium, driven through chromedriver over WebDriver (W3C, <https://www.w3.org/TR/webdriver2/>).
//!
//! The protocol is JSON over HTTP, and a dozen of its commands are enough here. Chromium's own commands (colour scheme,
//! screen size, dropped files, the accessibility tree) and its log go through extensions of chromedriver.

mod element;
mod process;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::Agent;

pub use self::element::Element;
use self::process::Process;

/// Longest time until a page shows what it is waited for: the network is slow on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer of chromedriver: a picture of a long page.
const MAX_ANSWER: u64 = 64 << 20;
/// Keys that have no letter, as WebDriver encodes them.
pub mod key {
    pub const TAB: char = '\u{E004}';
    pub const ENTER: char = '\u{E007}';
    pub const SHIFT: char = '\u{E008}';
    pub const CONTROL: char = '\u{E009}';
    pub const ARROW_RIGHT: char = '\u{E014}';
}

/// Browser with one window, which ends with the test.
pub struct Browser {
    agent: Agent,
    /// Address of the session.
    session: String,
    _process: Process,
}

impl Browser {
    /// Starts a browser when no other test has one; `None`, with a note, where it is not installed.
    pub fn start(test: &str) -> Option<Self> {
        let process = Process::start(test)?;
        let agent = Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
        let mut browser =
            Self { agent, session: format!("{}/session", process.address()), _process: process };
        let arguments = [
            "--headless=new",
            // The sandbox refuses to run as root, which tests in a container do; the pages are our own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            // What fades in has no text for WebDriver until it begins to be seen; the pages then move nothing.
            "--force-prefers-reduced-motion",
            // Names of hosts lead nowhere, so that nothing is asked of the network.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let session = browser.send("", &wanted);
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    pub fn open(&self, address: &str) {
        self.send("/url", &json!({"url": address}));
    }

    pub fn address(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    /// First element of a selector, as soon as there is one.
    pub fn element(&self, selector: &str) -> Element<'_> {
        self.until(selector, || self.elements(selector).into_iter().next())
    }

    /// Elements of a selector now.
    pub fn elements(&self, selector: &str) -> Vec<Element<'_>> {
        let found = self.send("/elements", &json!({"using": "css selector", "value": selector}));
        found.as_array().unwrap().iter().map(|found| Element::new(self, found)).collect()
    }

    /// First element of a selector with this accessible name, as a screen reader says it, as soon as there is one.
    pub fn named(&self, selector: &str, name: &str) -> Element<'_> {
        self.until(&format!("{selector} with the name {name:?}"), || {
            self.elements(selector).into_iter().find(|element| element.name().as_deref() == Some(name))
        })
    }

    /// Element that has the focus.
    pub fn focused(&self) -> Element<'_> {
        Element::new(self, &self.get("/element/active"))
    }

    /// Text that the page shows.
    pub fn text(&self) -> String {
        let text = self.run("return document.body?.innerText", &[]);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a page with this heading of the first level.
    pub fn is_at(&self, heading: &str) {
        self.until(&format!("page {heading:?}"), || {
            (self.run("return document.querySelector('h1')?.innerText", &[]) == heading).then_some(())
        });
    }

    /// Waits until the page shows a text.
    pub fn shows(&self, text: &str) {
        self.until(&format!("the text {text:?}"), || self.text().contains(text).then_some(()));
    }

    /// Waits until there is something to return.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "no {what} at {}: {}", self.address(), self.text());
            sleep(Duration::from_millis(50));
        }
    }

    /// Presses keys one after the other while others are held.
    pub fn press(&self, held: &[char], keys: &str) {
        let of = |kind: &str, key: char| json!({"type": kind, "value": key.to_string()});
        let down = held.iter().map(|&key| of("keyDown", key));
        let pressed = keys.chars().flat_map(|key| [of("keyDown", key), of("keyUp", key)]);
        let up = held.iter().rev().map(|&key| of("keyUp", key));
        let actions: Vec<Value> = down.chain(pressed).chain(up).collect();
        self.send("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Runs a script in the page, and returns what it returns.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.send("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Runs a script that ends by a call of its last argument.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.send("/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Command of the Chrome DevTools Protocol.
    pub fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.send("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Runs no scripts of pages from now on; those of the tests are run.
    pub fn without_scripts(&self) {
        self.chromium("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    }

    /// Entries of a log of Chromium since the last call.
    pub fn log(&self, kind: &str) -> Vec<Value> {
        self.send("/se/log", &json!({"type": kind})).as_array().unwrap().clone()
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.agent.get(format!("{}{path}", self.session)).call();
        Self::value(path, answer).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn send(&self, path: &str, body: &Value) -> Value {
        self.try_send(path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    fn try_send(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{path}", self.session));
        Self::value(path, request.header("content-type", "application/json").send(body.to_string()))
    }

    /// Value of an answer, or the reason of a refusal.
    fn value(
        path: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, String> {
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        match answer.status().is_success() {
            true => Ok(document["value"].take()),
            false => Err(format!("{}: {}", document["value"]["error"], document["value"]["message"])),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium's processes too, which chromedriver leaves running if it is killed.
        let _ = self.agent.delete(&self.session).call();
    }
}
