//! Ways from workers to callers.

use std::panic::{self, AssertUnwindSafe};

use tokio::sync::oneshot;

use super::Found;
use crate::problem::Problem;

/// Way to the caller of a lookup.
pub trait Reply: Send {
    /// Returns true if the caller is gone.
    fn is_closed(&self) -> bool;

    /// Forms the answer in this thread, and sends it.
    fn send(self: Box<Self>, found: Result<Found, Problem>);
}

/// Way to a caller whose answer `form` makes of what was found, and the answer that is on its way.
pub fn reply<T, F>(form: F) -> (Box<dyn Reply>, oneshot::Receiver<Result<T, Problem>>)
where
    T: Send + 'static,
    F: FnOnce(Found) -> Result<T, Problem> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    (Box::new(Formed { form, sender }), receiver)
}

struct Formed<T, F> {
    form: F,
    sender: oneshot::Sender<Result<T, Problem>>,
}

impl<T, F> Reply for Formed<T, F>
where
    T: Send,
    F: FnOnce(Found) -> Result<T, Problem> + Send,
{
    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    fn send(self: Box<Self>, found: Result<Found, Problem>) {
        let Self { form, sender } = *self;
        let formed = panic::catch_unwind(AssertUnwindSafe(|| found.and_then(form)));
        let formed = formed.unwrap_or_else(|_| Err(Problem::internal("the form of an answer panicked")));
        // Nobody may wait any more.
        let _ = sender.send(formed);
    }
}
