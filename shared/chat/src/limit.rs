//! Limits, each declared together with the sentence that states it.

/// Declares a limit and the rest of a sentence that contains it, both from one literal.
macro_rules! limit {
    (
        $(#[$doc:meta])* $visibility:vis const $limit:ident = $number:literal;
        const $rule:ident = $before:literal, $after:literal;
    ) => {
        $(#[$doc])*
        $visibility const $limit: usize = $number;
        const $rule: &str = concat!($before, $number, $after);
    };
}
pub(crate) use limit;
