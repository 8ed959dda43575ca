//! Tests that compare manifests, the template, documents and code. They fail on a new dependency
//! between crates, and on a route, a function or an entry kind that a place does not have.

#[cfg(test)]
mod actions;
#[cfg(test)]
mod features;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod names;
#[cfg(test)]
mod rings;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod security;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod workspace;
