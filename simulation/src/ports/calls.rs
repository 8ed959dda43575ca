//! One call of the storage, and the faults that may be injected into it.

use std::{future::Future, sync::atomic::Ordering, time::Duration};

use chat::{error::InternalError, fakes::Chance};

use super::Ports;
use crate::faults::{Kind, Place};

/// A call in progress.
pub struct Call {
    pub place: Place,
    pub chance: Chance,
    doing: &'static str,
}

impl Ports {
    /// Makes a call with the effect `apply`, which may be applied repeatedly.
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

    /// Sends a call. Fails if the call is refused before it has an effect.
    pub(super) async fn set_out(&self, doing: &'static str) -> Result<Call, InternalError> {
        let place = self.next_call();
        let call = Call {
            place,
            chance: place.chance(),
            doing,
        };
        if self.injects(&call, Kind::DiedBefore) {
            self.die(&format!("before {doing}")).await
        }
        self.travel(&call.chance).await;
        if self.injects(&call, Kind::CallSlow) {
            // Sometimes longer than a function's timeout.
            let longest = if call.chance.below(6) == 0 {
                12_000
            } else {
                3_800
            };
            let wait = Duration::from_millis(200 + call.chance.below(longest));
            self.world
                .trace(|| format!("  {doing} takes {} ms", wait.as_millis()));
            self.world.sleep(wait).await;
        }
        if self.injects(&call, Kind::CallRefused) {
            self.world.trace(|| format!("  {doing} is refused"));
            self.travel(&call.chance).await;
            return Err(InternalError::new(doing, "injected"));
        }
        Ok(call)
    }

    /// Applies the effect of a call, and returns its answer.
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
        if self.injects(&call, Kind::CallRepeated) {
            self.world
                .trace(|| format!("  {doing} takes effect and is repeated"));
            self.travel(&call.chance).await;
            self.travel(&call.chance).await;
            outcome = apply().await;
        }
        if self.injects(&call, Kind::DiedAfter) {
            self.die(&format!("after {doing}")).await
        }
        self.travel(&call.chance).await;
        if self.injects(&call, Kind::CallUnanswered) {
            self.world
                .trace(|| format!("  {doing} takes effect, but the answer is lost"));
            return Err(InternalError::new(doing, "injected"));
        }
        outcome
    }

    /// May kill the function while its call is in flight; then `arrive` runs some time later.
    pub(super) async fn may_die_meanwhile<F>(&self, call: &Call, arrive: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !self.injects(call, Kind::DiedMeanwhile) {
            return;
        }
        let longest = if call.chance.below(2) == 0 {
            200
        } else {
            20_000
        };
        let wait = Duration::from_millis(call.chance.below(longest));
        let (world, doing) = (std::sync::Arc::clone(&self.world), call.doing);
        world.under_way.fetch_add(1, Ordering::Relaxed);
        self.world.tasks.spawn(async move {
            world.sleep(wait).await;
            world.trace(|| format!("  {doing} of a dead function arrives"));
            arrive.await;
            world.under_way.fetch_sub(1, Ordering::Relaxed);
        });
        self.die(&format!("while {doing}")).await
    }

    fn injects(&self, call: &Call, kind: Kind) -> bool {
        self.world.faults.injects(kind, call.place)
    }

    pub(super) fn is_torn(&self, call: &Call) -> bool {
        self.injects(call, Kind::ReadTorn)
    }

    pub(super) fn lags(&self, call: &Call) -> bool {
        self.injects(call, Kind::IndexLags)
    }

    /// Waits between the two halves of a torn read.
    pub(super) async fn meanwhile(&self, call: &Call) {
        let longest = if call.chance.below(2) == 0 { 600 } else { 20 };
        self.world
            .sleep(Duration::from_millis(1 + call.chance.below(longest)))
            .await;
    }
}
