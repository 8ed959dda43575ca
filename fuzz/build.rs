//! libFuzzer has a `__sanitizer_cov_trace_pc` of its own, which only ends the process with a message
//! to users of old compilers. The one that counts steps is found first (src/steps.rs).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-Wl,--allow-multiple-definition");
}
