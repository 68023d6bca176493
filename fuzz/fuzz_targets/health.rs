#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| readiness_fuzz::health(data));
