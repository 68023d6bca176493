use proptest::prelude::*;
use readiness_core::fact::Resource;

use super::*;

fn urls(html: &str) -> Vec<(String, String)> {
    read_document(html.as_bytes())
        .resources
        .into_iter()
        .map(|resource| (resource.element, resource.url))
        .collect()
}

#[test]
fn what_a_page_says_of_itself_is_told() {
    let document = read_document(
        br#"<!doctype html><html><head>
            <meta charset=utf-8>
            <title> A &amp; B </title><title>second</title>
            <base target=_top><base href=/app/><base href=/other/>
            <meta HTTP-EQUIV="Content-Security-Policy" content="default-src 'self'">
            <meta name=Referrer content=no-referrer>
            <link rel="stylesheet PRELOAD" as=STYLE href=a.css integrity=sha256-x crossorigin>
            <link rel=canonical href=/here>
            <script type=module src=m.js crossorigin=Use-Credentials></script>
            <script>let a = 1</script></head>
            <body><meta http-equiv=Content-Security-Policy content="script-src *">
            <form action=/send></form><svg><title>chart</title></svg>"#,
    );
    assert!(document.is_complete);
    assert_eq!(document.title, "A & B");
    assert_eq!(document.base.as_deref(), Some("/app/"));
    assert_eq!(document.inline_scripts, 1);
    let metas: Vec<_> = document
        .metas
        .iter()
        .map(|meta| (&*meta.http_equiv, &*meta.name, &*meta.content, meta.is_in_head))
        .collect();
    assert_eq!(
        metas,
        [
            ("content-security-policy", "", "default-src 'self'", true),
            ("", "referrer", "no-referrer", true),
            ("content-security-policy", "", "script-src *", false),
        ]
    );
    let style = Resource::new("link", "a.css")
        .rel("stylesheet preload")
        .kind("style")
        .integrity("sha256-x")
        .cross_origin("");
    let module = Resource::new("script", "m.js")
        .kind("module")
        .cross_origin("use-credentials");
    assert_eq!(
        document.resources,
        [style, module, Resource::new("form", "/send")]
    );
}

#[test]
fn each_element_that_loads_or_sends_is_found() {
    for (html, wanted) in [
        ("<script src=a>", &["script a"][..]),
        ("<script type=text/plain src=a></script>", &[]),
        ("<script type=' Text/JavaScript ' src=a></script>", &["script a"]),
        ("<script language=vbscript src=a></script>", &[]),
        ("<script language=JavaScript src=a></script>", &["script a"]),
        ("<link rel=icon href=a>", &["link a"]),
        ("<link rel=next href=a><link rel=preconnect href=b>", &[]),
        (
            "<link rel=preload as=image imagesrcset='a 1x, b 2x'>",
            &["link a", "link b"],
        ),
        (
            "<img src=a srcset='b 1x,c,d 2x, data:image/png;base64,AA 3x'>",
            &["img a", "img b", "img c,d", "img data:image/png;base64,"],
        ),
        ("<img srcset='a (x, y) 1x, b'>", &["img a", "img b"]),
        (
            "<picture><source srcset=a><img src=b></picture>",
            &["source a", "img b"],
        ),
        (
            "<video src=a poster=b><source src=c><track src=d>",
            &["video a", "video b", "source c", "track d"],
        ),
        (
            "<audio src=a></audio><embed src=b><object data=c>",
            &["audio a", "embed b", "object c"],
        ),
        ("<frameset><frame src=a></frameset>", &["frame a"]),
        ("<iframe src=a><img src=b></iframe>", &["iframe a"]),
        (
            "<form action=a><button formaction=b>x</button><input type=submit formaction=c>",
            &["form a", "form b", "form c"],
        ),
        ("<input type=image src=a><input src=b>", &["input a"]),
        ("<image src=a>", &["img a"]),
        (
            "<svg><image href=a /><use xlink:href=b /><script href=c /></svg>",
            &["image a", "use b", "script c"],
        ),
        ("<a href=x>a</a><p background=y>", &[]),
        // What browsers with scripts do not load.
        (
            "<noscript><img src=a></noscript><!-- <img src=b> --><textarea><img src=c></textarea>",
            &[],
        ),
        (
            "<template><img src=a><template><img src=b></template></template><img src=c>",
            &["img c"],
        ),
        ("<template shadowrootmode=open><img src=a></template>", &["img a"]),
        // A script in a table, and one that the table keeps out.
        (
            "<table><script src=a></script><tr><td><img src=b></table>",
            &["script a", "img b"],
        ),
        ("<table><img src=a>", &["img a"]),
        ("<b><p><img src=a></b><img src=b></p>", &["img a", "img b"]),
    ] {
        let found: Vec<String> = urls(html)
            .into_iter()
            .map(|(element, url)| format!("{element} {url}"))
            .collect();
        assert_eq!(found, wanted, "{html}");
    }
}

#[test]
fn metadata_counts_in_the_head_alone() {
    let placed = |html: &str| -> Vec<bool> {
        let document = read_document(html.as_bytes());
        document.metas.iter().map(|meta| meta.is_in_head).collect()
    };
    const META: &str = "<meta http-equiv=content-security-policy content=x>";
    for (before, wanted) in [
        ("", &[true][..]),
        ("<!doctype html><title>x</title>", &[true]),
        ("<head>", &[true]),
        // After `</head>` it is moved into the head; after text there is a body.
        ("<head></head>", &[true]),
        ("text", &[false]),
        ("<body>", &[false]),
        ("<div>", &[false]),
        ("<head><noscript></noscript>", &[true]),
        ("<head><template>", &[]),
        ("<head><svg>", &[false]),
        ("<!-- ", &[]),
        ("<script>", &[]),
    ] {
        assert_eq!(placed(&format!("{before}{META}")), wanted, "{before}");
    }
}

#[test]
fn inline_scripts_are_counted() {
    for (html, wanted) in [
        ("<script>a</script><script>b<c</script>", 2),
        ("<script> \n</script>", 0),
        ("<script src=a>b</script>", 0),
        ("<script type=application/ld+json>{}</script>", 0),
        (
            "<script type=module>a</script><script type=importmap>{}</script>",
            2,
        ),
        ("<svg><script>a</script></svg>", 1),
        ("<template><script>a</script></template>", 0),
    ] {
        assert_eq!(read_document(html.as_bytes()).inline_scripts, wanted, "{html}");
    }
}

#[test]
fn secrets_are_not_told() {
    let document = extract(
        b"<meta name=csrf-token content=s3cr3t><meta name=description content='of T0KEN'>\
          <meta http-equiv=refresh content='5; url=/x?t=s3cr3t'><meta http-equiv=set-cookie content=a=s3cr3t>\
          <img src='https://joe:s3cr3t@h.test/a?key=s3cr3t&b'><script src='/T0&#75;EN.js'></script>\
          <iframe src='javascript:s3cr3t()'></iframe><img src='data:text/plain,s3cr3t'>",
        |text| text.replace("T0KEN", "[redacted]"),
    );
    let json = serde_json::to_string(&document).unwrap();
    assert!(!json.contains("s3cr3t") && !json.contains("T0KEN"), "{json}");
    let urls: Vec<&str> = document.resources.iter().map(|found| &*found.url).collect();
    assert_eq!(
        urls,
        [
            "https://[redacted]@h.test/a?key=[redacted]&[redacted]",
            "/[redacted].js",
            "javascript:",
            "data:text/plain,"
        ]
    );
    assert_eq!(document.metas[2].content, "5; url=/x?t=[redacted]");
}

#[test]
fn lists_and_texts_are_capped() {
    let many = |n: usize| read_document("<img src=a>".repeat(n).as_bytes());
    let full = many(Document::MOST_ENTRIES);
    assert!(full.is_complete && full.resources.len() == Document::MOST_ENTRIES);
    let over = many(Document::MOST_ENTRIES + 1);
    assert!(!over.is_complete && over.resources.len() == Document::MOST_ENTRIES);
    let page = |most: usize| format!("<meta http-equiv=x content={}>", "é".repeat(most));
    let whole = read_document(page(4096).as_bytes());
    assert!(whole.is_complete && whole.metas[0].content.len() == 8192);
    let cut = read_document(page(4097).as_bytes());
    assert!(!cut.is_complete && cut.metas[0].content.len() == 8192);
    let long = read_document(format!("<title>{0}</title><img src={0}>", "é".repeat(99_999)).as_bytes());
    assert_eq!((long.title.len(), long.resources[0].url.len()), (1024, 2048));
    let heavy = read_document(format!("<img src={}>", "a".repeat(2000)).repeat(500).as_bytes());
    assert!(!heavy.is_complete && heavy.resources.len() == 512 * 1024 / 2000);
    let mebibyte = " ".repeat(MOST_PAGE_BYTES);
    assert!(read_document(mebibyte.as_bytes()).is_complete);
    assert!(!read_document(format!("{mebibyte} ").as_bytes()).is_complete);
}

#[test]
fn other_encodings_lose_no_names() {
    let latin = read_document(b"<title>caf\xe9</title><img src='/\xe9.png'>");
    assert_eq!(
        (&*latin.title, &*latin.resources[0].url),
        ("caf\u{fffd}", "/\u{fffd}.png")
    );
    assert_eq!(read_document(b"\xef\xbb\xbf<title>x</title>").title, "x");
    let utf16: Vec<u8> = "\u{feff}<title>x</title>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(!read_document(&utf16).is_complete);
    assert_eq!(read_document(b""), Document::new());
}

/// Pages of what costs a tree builder most.
fn hostile() -> Vec<(&'static str, String)> {
    const SIZE: usize = 64 * 1024;
    let fill = |unit: &str| unit.repeat(SIZE / unit.len());
    let numbered = |before: &str, unit: &dyn Fn(usize) -> String| {
        let mut page = before.to_owned();
        let mut n = 0;
        while page.len() < SIZE {
            page.push_str(&unit(n));
            n += 1;
        }
        page
    };
    vec![
        ("brackets", fill("<")),
        ("deep", fill("<div>")),
        ("deep formatting", fill("<b>")),
        ("distinct formatting", numbered("", &|n| format!("<b a{n}>"))),
        (
            "formatting in paragraphs",
            numbered("", &|n| format!("<p><i x{n}><b y{n}></p>")),
        ),
        (
            "formatting anew",
            format!("<p>{}{}", "<a><b><i><u><s><tt><em><big>".repeat(3), fill("<p>x")),
        ),
        ("attributes", numbered("<p ", &|n| format!("a{n:x} "))),
        (
            "attributes behind a bracket",
            numbered("<<p ", &|n| format!("a{n:x} ")),
        ),
        (
            "attributes behind text",
            numbered("<1<p ", &|n| format!("a{n:x} ")),
        ),
        (
            "attributes of an end tag",
            numbered("<script><!</script ", &|n| format!("a{n:x} ")),
        ),
        (
            "attributes with brackets",
            numbered("<p ", &|n| format!("a<{n:x} ")),
        ),
        (
            "attributes with values",
            numbered("<p ", &|n| format!("a{n:x}='<b>' ")),
        ),
        (
            "many tags of many attributes",
            numbered("", &|n| {
                let attributes: String = (0..499).map(|m| format!(" a{m:x}")).collect();
                format!("<b n{n}{attributes}></b>")
            }),
        ),
        ("tables", fill("<table><div>")),
        ("tables and formatting", fill("<table><b><tr><i>")),
        ("templates", fill("<template>")),
        ("selects", fill("<select><option>")),
        ("adoption", fill("<a><div></a>")),
        (
            "nested adoption",
            format!("{}{}", "<div>".repeat(500), fill("<a><p></a>")),
        ),
        ("foreign", fill("<svg><math>")),
        ("entities", fill("&am")),
        ("comments", fill("<!--")),
        ("cdata", format!("<svg>{}", fill("<![CDATA["))),
        ("paragraphs", fill("<p>")),
        ("headings", fill("</h1>")),
        ("end tags", format!("{}{}", "<div>".repeat(500), fill("</p>"))),
        ("lists", fill("<li>")),
        ("nul", fill("\0")),
        ("ends", fill("</")),
        ("quotes", fill("<a b='\"")),
        ("images", fill("<img srcset='a,b,c'>")),
        ("one srcset", format!("<img srcset='{}'>", fill("a "))),
        ("bases", fill("<base href=a>")),
    ]
}

#[test]
fn a_hostile_page_ends_reading_and_no_more() {
    for (name, page) in hostile() {
        let document = read_document(page.as_bytes());
        assert!(document.resources.len() <= Document::MOST_ENTRIES, "{name}");
    }
    for (name, wanted) in [
        ("deep", false),
        ("attributes", false),
        ("attributes behind a bracket", false),
        ("attributes behind text", false),
        ("attributes of an end tag", false),
        ("attributes with brackets", false),
        ("attributes with values", false),
        ("paragraphs", true),
        ("brackets", true),
        ("comments", true),
    ] {
        let page = hostile().into_iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!(read_document(page.as_bytes()).is_complete, wanted, "{name}");
    }
}

#[test]
fn long_tags_in_scripts_and_comments_are_no_tags() {
    let words = "a b c d e f g h ".repeat(100);
    for (open, close) in [
        ("<script>if (a<b ", "</script>"),
        ("<!-- <b ", "-->"),
        ("<style><b ", "</style>"),
        ("<p title='<b ", "'>"),
    ] {
        let page = format!("{open}{words}{close}<img src=x>");
        let document = read_document(page.as_bytes());
        assert!(document.is_complete && document.resources.len() == 1, "{open}");
    }
}

#[test]
fn depth_is_allowed_as_far_as_browsers_build() {
    let deep = |n: usize| read_document(format!("{}<img src=a>", "<div>".repeat(n)).as_bytes());
    assert!(deep(512).is_complete && deep(512).resources.len() == 1);
    assert!(!deep(5000).is_complete);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_document(&bytes);
    }

    #[test]
    fn no_markup_panics(parts in proptest::collection::vec(prop_oneof![
        Just("<"), Just(">"), Just("</"), Just("<b"), Just("<table>"), Just("<a>"), Just("</a>"), Just("<svg>"),
        Just("<template>"), Just("</template>"), Just("<select>"), Just("<p>"), Just("'"), Just("\""), Just(" "),
        Just("="), Just("<!--"), Just("-->"), Just("<script"), Just("</script>"), Just("<title>"), Just("&#x"),
        Just("<frameset>"), Just("<meta name=a content=b>"), Just("<td>"), Just("</table>"), Just("\0"), Just("é"),
        Just("<![CDATA["), Just("]]>"), Just("<math>"), Just("<mi>"), Just("<annotation-xml encoding=text/html>"),
    ], 0..200)) {
        let _ = read_document(parts.concat().as_bytes());
    }
}
