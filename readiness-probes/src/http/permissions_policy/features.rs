//! The features that a `Permissions-Policy` speaks of.

/// Whether a browser has, or has had, a feature of this name. Client hints stand in policies as `ch-…`.
pub(super) fn is_known(name: &str) -> bool {
    name.starts_with("ch-") || KNOWN.binary_search(&name).is_ok()
}

/// Features that reach people, devices or money. What is not among them may be given to everybody.
pub(super) const POWERFUL: [&str; 23] = [
    "accelerometer",
    "ambient-light-sensor",
    "bluetooth",
    "camera",
    "clipboard-read",
    "display-capture",
    "gyroscope",
    "geolocation",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "keyboard-lock",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "publickey-credentials-get",
    "serial",
    "usb",
    "window-management",
    "xr-spatial-tracking",
];

/// In the order of the alphabet.
const KNOWN: [&str; 97] = [
    "accelerometer",
    "all-screens-capture",
    "ambient-light-sensor",
    "aria-notify",
    "attribution-reporting",
    "autofill",
    "autoplay",
    "battery",
    "bluetooth",
    "browsing-topics",
    "camera",
    "captured-surface-control",
    "clipboard-read",
    "clipboard-write",
    "compute-pressure",
    "controlled-frame",
    "cross-origin-isolated",
    "deferred-fetch",
    "deferred-fetch-minimal",
    "device-attributes",
    "digital-credentials-create",
    "digital-credentials-get",
    "direct-sockets",
    "direct-sockets-private",
    "display-capture",
    "document-domain",
    "encrypted-media",
    "execution-while-not-rendered",
    "execution-while-out-of-viewport",
    "focus-without-user-activation",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "interest-cohort",
    "join-ad-interest-group",
    "keyboard-lock",
    "keyboard-map",
    "language-detector",
    "language-model",
    "layout-animations",
    "legacy-image-formats",
    "local-fonts",
    "local-network",
    "local-network-access",
    "loopback-network",
    "magnetometer",
    "media-playback-while-not-visible",
    "mediasession",
    "microphone",
    "midi",
    "navigation-override",
    "on-device-speech-recognition",
    "otp-credentials",
    "oversized-images",
    "payment",
    "picture-in-picture",
    "private-aggregation",
    "private-state-token-issuance",
    "private-state-token-redemption",
    "proofreader",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "record-ad-auction-events",
    "rewriter",
    "run-ad-auction",
    "screen-wake-lock",
    "serial",
    "shared-storage",
    "shared-storage-select-url",
    "smart-card",
    "speaker-selection",
    "storage-access",
    "sub-apps",
    "summarizer",
    "sync-script",
    "sync-xhr",
    "translator",
    "trust-token-redemption",
    "unload",
    "unoptimized-images",
    "unsized-media",
    "usb",
    "usb-unrestricted",
    "vertical-scroll",
    "wake-lock",
    "web-app-installation",
    "web-share",
    "webprinting",
    "window-management",
    "window-placement",
    "writer",
    "xr",
    "xr-spatial-tracking",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_holds_the_powerful_ones() {
        assert!(KNOWN.is_sorted_by(|a, b| a < b));
        for name in POWERFUL {
            assert!(is_known(name), "{name}");
        }
        assert!(is_known("ch-ua-platform"));
        for name in ["", "Camera", "camera ", "cameras", "vibrate"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
