use super::{crypto, name::Name, record::Ds};

/// A key that is trusted without anybody above it: of the root, or of a zone of one's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Anchor {
    pub(super) zone: Name,
    pub(super) ds: Ds,
}

/// The keys of the root zone: of 2017 and of 2024. <https://data.iana.org/root-anchors/root-anchors.xml>
const ROOT: [&str; 2] = [
    ". 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The anchors of these texts, or those of the root where there are none.
///
/// # Errors
/// In words, with an example.
pub(super) fn anchors(texts: &[String]) -> Result<Vec<Anchor>, String> {
    if texts.is_empty() {
        return ROOT.into_iter().map(read).collect();
    }
    texts.iter().map(|text| read(text)).collect()
}

/// Reads a DS record as a zone file has it, with its owner in front: `example.com. IN DS 12345 13 2 49FD…`.
fn read(text: &str) -> Result<Anchor, String> {
    let wrong = |what: &str| {
        let shown: String = text.chars().take(60).collect();
        format!(
            "`trust_anchor` holds `{}`, {what}; write it as `example.com. DS 12345 13 2 49FD…`",
            shown.escape_debug()
        )
    };
    let mut fields = text.split_whitespace();
    let zone = fields
        .next()
        .and_then(Name::parse)
        .ok_or_else(|| wrong("which begins with no name"))?;
    // A time to live, the class and the type may stand between, as in a zone file.
    let mut fields: Vec<&str> = fields.collect();
    let is_word = |field: &&str| field.eq_ignore_ascii_case("IN") || field.eq_ignore_ascii_case("DS");
    if let Some(last) = fields.iter().rposition(is_word) {
        fields.drain(..=last);
    }
    let [tag, algorithm, digest_type, digest @ ..] = fields.as_slice() else {
        return Err(wrong("which is no DS record"));
    };
    let (Ok(tag), Ok(algorithm), Ok(digest_type)) = (tag.parse(), algorithm.parse(), digest_type.parse())
    else {
        return Err(wrong("which is no DS record"));
    };
    let digest =
        super::record::bytes(&digest.concat()).ok_or_else(|| wrong("whose digest is not hexadecimal"))?;
    if !crypto::can_check(algorithm) || !crypto::can_digest(digest_type) {
        return Err(wrong("whose algorithm or digest cannot be checked here"));
    }
    let length = match digest_type {
        1 => 20,
        2 => 32,
        _ => 48,
    };
    if digest.len() != length {
        return Err(wrong(&format!("whose digest should have {length} bytes")));
    }
    Ok(Anchor {
        zone,
        ds: Ds {
            tag,
            algorithm,
            digest_type,
            digest,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_trusted_by_default() {
        let all = anchors(&[]).unwrap();
        let tags: Vec<u16> = all.iter().map(|anchor| anchor.ds.tag).collect();
        assert_eq!(tags, [20326, 38696]);
        assert!(all.iter().all(|anchor| anchor.zone == Name::root()));
    }

    #[test]
    fn an_anchor_is_read_as_a_zone_file_writes_it() {
        let digest = "0123456789abcdef ".repeat(4);
        let rows = [
            format!("Test. 300 IN DS 7 13 2 {digest}"),
            format!("test DS 7 13 2 {}", digest.to_uppercase()),
            format!("test. 7 13 2 {digest}"),
        ];
        let read: Vec<Anchor> = anchors(&rows).unwrap();
        assert_eq!(read[0].zone.to_string(), "test");
        assert_eq!(
            (read[0].ds.tag, read[0].ds.algorithm, read[0].ds.digest.len()),
            (7, 13, 32)
        );
        assert!(read.iter().all(|anchor| *anchor == read[0]));
    }

    #[test]
    fn what_is_no_anchor_is_told() {
        let digest = "00".repeat(32);
        for (text, what) in [
            ("", "no name"),
            ("a..b 7 13 2 00", "no name"),
            ("test.", "no DS record"),
            ("test. 7 13", "no DS record"),
            ("test. 65536 13 2 00", "no DS record"),
            ("test. 7 13 2 xx", "not hexadecimal"),
            ("test. 7 13 2 00", "32 bytes"),
            (&format!("test. 7 3 2 {digest}"), "cannot be checked"),
            (&format!("test. 7 13 3 {digest}"), "cannot be checked"),
        ] {
            let wrong = anchors(&[text.to_owned()]).unwrap_err();
            assert!(wrong.contains(what) && wrong.contains("write it as"), "{wrong}");
        }
    }
}
