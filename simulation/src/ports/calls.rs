//! One call of a storage, and what may become of it.

use std::{future::Future, sync::atomic::Ordering, time::Duration};

use chat::{error::InternalError, fakes::Chance};

use super::Ports;
use crate::faults::{Kind, Place};

/// A call under way.
pub struct Call {
    pub place: Place,
    pub chance: Chance,
    doing: &'static str,
}

impl Ports {
    /// Makes a call whose effect is `apply`, which may be repeated.
    pub(super) async fn call<T, F>(
        &self,
        doing: &'static str,
        apply: impl Fn() -> F + Send + Sync,
    ) -> Result<T, InternalError>
    where
        T: Send,
        F: Future<Output = Result<T, InternalError>> + Send,
    {
        let call = self.set_out(doing).await?;
        self.complete(call, apply).await
    }

    /// The way there: whether the call arrives.
    pub(super) async fn set_out(&self, doing: &'static str) -> Result<Call, InternalError> {
        let place = self.next_call();
        let call = Call {
            place,
            chance: place.chance(),
            doing,
        };
        if self.strikes(&call, Kind::DiedBefore) {
            self.die(&format!("before {doing}")).await
        }
        self.travel(&call.chance).await;
        if self.strikes(&call, Kind::CallSlow) {
            // Now and then longer than a function may take.
            let longest = if call.chance.below(6) == 0 {
                12_000
            } else {
                3_800
            };
            let wait = Duration::from_millis(200 + call.chance.below(longest));
            self.stage
                .tell(|| format!("  {doing} takes {} ms", wait.as_millis()));
            self.stage.sleep(wait).await;
        }
        if self.strikes(&call, Kind::CallRefused) {
            self.stage.tell(|| format!("  {doing} is refused"));
            self.travel(&call.chance).await;
            return Err(InternalError::new(doing, "injected"));
        }
        Ok(call)
    }

    /// The effect, and the way back.
    pub(super) async fn complete<T, F>(
        &self,
        call: Call,
        apply: impl Fn() -> F + Send + Sync,
    ) -> Result<T, InternalError>
    where
        T: Send,
        F: Future<Output = Result<T, InternalError>> + Send,
    {
        let doing = call.doing;
        let mut outcome = apply().await;
        if self.strikes(&call, Kind::CallRepeated) {
            self.stage
                .tell(|| format!("  {doing} takes effect, and is repeated"));
            self.travel(&call.chance).await;
            self.travel(&call.chance).await;
            outcome = apply().await;
        }
        if self.strikes(&call, Kind::DiedAfter) {
            self.die(&format!("after {doing}")).await
        }
        self.travel(&call.chance).await;
        if self.strikes(&call, Kind::CallUnanswered) {
            self.stage
                .tell(|| format!("  {doing} takes effect, and is not answered"));
            return Err(InternalError::new(doing, "injected"));
        }
        outcome
    }

    /// Whether the function dies now while its call goes on: then `arrive` happens some time later.
    pub(super) async fn may_die_meanwhile<F>(&self, call: &Call, arrive: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !self.strikes(call, Kind::DiedMeanwhile) {
            return;
        }
        let longest = if call.chance.below(2) == 0 {
            200
        } else {
            20_000
        };
        let wait = Duration::from_millis(call.chance.below(longest));
        let (stage, doing) = (std::sync::Arc::clone(&self.stage), call.doing);
        stage.under_way.fetch_add(1, Ordering::Relaxed);
        self.stage.tasks.spawn(async move {
            stage.sleep(wait).await;
            stage.tell(|| format!("  {doing} arrives, of a function that is dead"));
            arrive.await;
            stage.under_way.fetch_sub(1, Ordering::Relaxed);
        });
        self.die(&format!("while {doing}")).await
    }

    fn strikes(&self, call: &Call, kind: Kind) -> bool {
        self.stage.faults.strikes(kind, call.place)
    }

    pub(super) fn is_torn(&self, call: &Call) -> bool {
        self.strikes(call, Kind::ReadTorn)
    }

    pub(super) fn lags(&self, call: &Call) -> bool {
        self.strikes(call, Kind::IndexLags)
    }

    /// Between the two halves of a torn read.
    pub(super) async fn meanwhile(&self, call: &Call) {
        let longest = if call.chance.below(2) == 0 { 600 } else { 20 };
        self.stage
            .sleep(Duration::from_millis(1 + call.chance.below(longest)))
            .await;
    }
}
