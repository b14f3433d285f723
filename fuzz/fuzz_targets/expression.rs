//! Any text as a `where`, on a few events.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaybell_fuzz::expression(data));
