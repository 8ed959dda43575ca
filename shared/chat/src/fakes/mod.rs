//! In-memory implementations of the ports, for tests: stores that keep the contract, a gateway that
//! records pushes, and a clock that advances only when every task waits for it.

mod chance;
mod log;
mod memory;
mod people;
mod reactions;
mod rows;
mod runtime;
mod traces;
mod transactions;

pub use chance::Chance;
pub use memory::{Call, FakeChat, PushOutcome};
pub use runtime::Runtime;

impl crate::contract::Stores for FakeChat {
    type Ports = Self;

    fn ports(&self) -> &Self {
        self
    }

    fn run<F: std::future::Future>(&self, future: F) -> F::Output {
        self.runtime.run(future)
    }
}

#[cfg(test)]
mod tests {
    use super::FakeChat;

    fn with_small_pages() -> FakeChat {
        let mut chat = FakeChat::new();
        chat.roster_page = 3;
        chat
    }

    crate::contract_tests!(with_small_pages());
}
