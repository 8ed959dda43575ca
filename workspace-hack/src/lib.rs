//! Nothing: only the features in this package's manifest matter.
