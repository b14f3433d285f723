//! Any text as a configuration, a rule file and a template.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaybell_fuzz::loader(data));
