//! Nothing to call: tests that hold the workspace to its design. They read manifests, the template and file names, so
//! that a new arrow between crates, or a route with two names, fails before anybody has to notice it in a review.

#[cfg(test)]
mod names;
#[cfg(test)]
mod rings;
#[cfg(test)]
mod workspace;
