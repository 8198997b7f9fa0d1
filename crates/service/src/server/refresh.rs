//! Changes of other processes, taken in once a second.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;

/// Time between two looks at each collection.
const PERIOD: Duration = Duration::from_secs(1);

/// Takes in the calibrations of all collections, without an end.
pub async fn follow(app: Arc<App>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        for served in app.collections.iter() {
            let served = served.clone();
            let refreshed = tokio::task::spawn_blocking(move || {
                served.refresh().map_err(|error| (served.name().to_owned(), error))
            });
            if let Ok(Err((collection, error))) = refreshed.await {
                tracing::warn!(collection, %error, "the calibration as it was read last stays in use");
            }
        }
    }
}
