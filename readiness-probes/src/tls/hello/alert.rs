/// The alert by which a server says that a fallback to an older version was not needed (RFC 7507).
pub(in crate::tls) const INAPPROPRIATE_FALLBACK: u8 = 86;

/// The name of an alert in IANA's list (RFC 8446, section 6).
pub(super) fn name(code: u8) -> String {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        INAPPROPRIATE_FALLBACK => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return format!("number {code}"),
    };
    name.to_owned()
}

/// Whether it says that what was offered is not to the server's liking. The others tell of trouble of another
/// kind: its own, or with the name.
pub(super) fn is_refusal(code: u8) -> bool {
    matches!(code, 40 | 60 | 70 | 71 | INAPPROPRIATE_FALLBACK | 109)
}

/// Whether it says that the hello itself made no sense to the server: some refuse so, and some choke on a hello
/// that is longer or newer than they know.
pub(super) fn is_complaint(code: u8) -> bool {
    matches!(code, 10 | 47 | 50)
}
