//! Elements of a page.

use std::path::Path;

use serde_json::{Value, json};

use super::Browser;

/// Key of an element in the protocol.
const KEY: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Element of a page.
#[derive(Clone)]
pub struct Element<'a> {
    browser: &'a Browser,
    /// Element in the protocol.
    reference: Value,
}

impl<'a> Element<'a> {
    pub(super) fn new(browser: &'a Browser, reference: &Value) -> Self {
        assert!(reference[KEY].is_string(), "{reference} is no element");
        Self { browser, reference: reference.clone() }
    }

    /// Clicks at the middle, after scrolling there; something that lies over it fails the test.
    pub fn click(&self) {
        self.browser.send(&self.path("click"), &json!({}));
    }

    /// Clicks, and waits until the page that this leads to has taken the place of this one.
    ///
    /// Until then what is looked for may be found in the page that goes, and is gone when it is used.
    pub fn follow(&self) {
        self.click();
        self.browser.until("next page", || self.name().is_none().then_some(()));
    }

    /// Gives the element the focus.
    pub fn focus(&self) {
        self.browser.run("arguments[0].focus()", std::slice::from_ref(&self.reference));
    }

    /// Types a text.
    pub fn type_text(&self, text: &str) {
        self.browser.send(&self.path("value"), &json!({"text": text}));
    }

    /// Empties a field, and types a text.
    pub fn replace_text(&self, text: &str) {
        self.browser.send(&self.path("clear"), &json!({}));
        self.type_text(text);
    }

    /// Picks files in an input of files.
    pub fn pick(&self, files: &[&Path]) {
        let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        self.type_text(&files.join("\n"));
    }

    /// Drops files of the machine on the element, as a file manager does.
    pub fn drop_files(&self, files: &[&Path]) {
        let script = "arguments[0].scrollIntoView({block: 'center'});
            const at = arguments[0].getBoundingClientRect();
            return [at.x + at.width / 2, at.y + at.height / 2];";
        let at = self.browser.run(script, std::slice::from_ref(&self.reference));
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({"items": [], "files": files, "dragOperationsMask": 1});
            let event = json!({"type": kind, "x": at[0], "y": at[1], "data": data});
            self.browser.chromium("Input.dispatchDragEvent", event);
        }
    }

    /// Text that is shown.
    pub fn text(&self) -> String {
        self.get("text").as_str().unwrap().to_owned()
    }

    /// Accessible name; `None` if the element is gone meanwhile.
    pub fn name(&self) -> Option<String> {
        let answer =
            self.browser.agent.get(format!("{}{}", self.browser.session, self.path("computedlabel")));
        let label = Browser::value("computedlabel", answer.call());
        label.ok().map(|label| label.as_str().unwrap().to_owned())
    }

    /// Attribute; `None` if there is none.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let script = "return arguments[0].getAttribute(arguments[1])";
        self.browser.run(script, &[self.reference.clone(), json!(name)]).as_str().map(str::to_owned)
    }

    /// Property of the element in a script.
    pub fn property(&self, name: &str) -> Value {
        self.get(&format!("property/{name}"))
    }

    /// First element of a selector within this one, as soon as there is one.
    pub fn element(&self, selector: &str) -> Self {
        self.browser.until(selector, || self.elements(selector).into_iter().next())
    }

    /// Elements of a selector within this one, now.
    pub fn elements(&self, selector: &str) -> Vec<Self> {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.browser.send(&self.path("elements"), &wanted);
        found.as_array().unwrap().iter().map(|found| Self::new(self.browser, found)).collect()
    }

    /// The element as an argument of a script.
    pub fn reference(&self) -> Value {
        self.reference.clone()
    }

    fn get(&self, what: &str) -> Value {
        self.browser.get(&self.path(what))
    }

    fn path(&self, what: &str) -> String {
        format!("/element/{}/{what}", self.reference[KEY].as_str().unwrap())
    }
}
