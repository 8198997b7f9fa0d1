//! Form of the find page.

use maud::{Markup, html};
use serde::Deserialize;

use crate::{api::lookups::find_parameters::EffortName, app::App, pages::parts::collection_field};

/// Names that file dialogues offer, beside all images: browsers do not know every format for one.
const ACCEPTED: &str = "image/*,.heic,.heif,.avif,.jxl,.tif,.tiff,.qoi";

/// Efforts with their names and what they mean.
const EFFORTS: [(EffortName, &str, &str); 3] = [
    (EffortName::Low, "low", "Quick: one look"),
    (EffortName::Normal, "normal", "Normal: up to 8 looks"),
    (EffortName::High, "high", "Thorough: up to 16 looks"),
];

/// Collection and effort that pictures are looked up with.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub collection: Option<String>,
    #[serde(default)]
    pub effort: EffortName,
}

impl Question {
    /// Form that asks it of pictures.
    pub fn form(&self, app: &App) -> Markup {
        html! {
            form id="find" class="card" method="post" action="/" enctype="multipart/form-data"
                data-max-upload=(app.settings.max_upload) {
                label class="target" {
                    span class="invitation" { "Drop, paste or pick pictures" }
                    span class="button pick" aria-hidden="true" hidden { "Pick pictures" }
                    input type="file" name="pictures" aria-label="Pictures" multiple accept=(ACCEPTED);
                }
                div class="fields" {
                    (collection_field(app, self.collection.as_deref()))
                    label class="field" {
                        span { "How thoroughly" }
                        select name="effort" {
                            @for (effort, value, text) in EFFORTS {
                                option value=(value) selected[effort == self.effort] { (text) }
                            }
                        }
                    }
                    button class="button" id="send" { "Find" }
                    button class="button quiet" type="button" id="clear" hidden { "Clear" }
                }
            }
        }
    }
}
