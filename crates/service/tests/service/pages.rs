//! Pages: their headers, hostile names, the login, forms without scripts, and what is compared.

use active_index_service::{Access, Tokens};
use base64::{Engine, prelude::BASE64_STANDARD};
use collection::{Meta, NewEntry, ReviewPage, State};
use image::{ImageFormat, RgbImage, imageops};

use crate::{
    client::{Answer, Request},
    pictures::{photograph, photographs},
    server::{ENTRIES, Server, entry, png, tensor},
};

const TOKEN: &str = "6f1c9a54d0b2e87f31aa==";
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";

/// Sends a request as a browser does that opens a page.
pub fn visit(server: &Server, request: Request) -> Answer {
    let answer = request.header("accept", "text/html,application/xhtml+xml").send(server.address);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    answer
}

/// Checks that an answer is a page that keeps itself to the service.
pub fn check_page(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{}", answer.text());
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "img-src 'self' data: blob:",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.split("; ").any(|own| own == part), "{part} is not in {policy}");
    }
    // The origin of a form is null if its page tells nobody where it was: then no form without a script would work.
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = answer.text();
    for (word, count) in
        [("<h1", 1), ("<main", 1), ("<nav aria-label=\"Parts of the service\"", 1), ("<title>", 1)]
    {
        assert_eq!(text.matches(word).count(), count, "{word}: {text}");
    }
    for foreign in ["http://", "https://", "<style", " style=", " onclick=", "javascript:"] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
    assert!(text.split("<script").skip(1).all(|rest| rest.contains("src=\"/assets/")), "{text}");
    text
}

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Request {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--x--\r\n");
    Request::new("POST", "/").body("multipart/form-data; boundary=x", body)
}

fn picture(query: &str, body: Vec<u8>) -> Request {
    Request::new("POST", format!("/find?{query}"))
        .header("accept", "application/json")
        .body("application/octet-stream", body)
}

fn encoded(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

/// Pictures whose data stand in a page.
fn pictures_in(text: &str) -> Vec<RgbImage> {
    let addresses = text.split("data:image/jpeg;base64,").skip(1);
    let decode = |rest: &str| {
        let data = rest.split('"').next().expect("an end");
        let bytes = BASE64_STANDARD.decode(data).expect("base64");
        image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).expect("a JPEG file").into_rgb8()
    };
    addresses.map(decode).collect()
}

#[test]
fn the_first_page_asks_for_pictures() {
    let server = Server::start();
    let text = check_page(&visit(&server, Request::get("/")));
    assert!(text.contains("<h1>Find a picture</h1>"));
    for name in ["shop", "press"] {
        assert!(text.contains(&format!("<option value=\"{name}\"")), "{name} can be chosen: {text}");
    }
    assert!(text.contains("aria-current=\"page\""));
    let chosen = check_page(&visit(&server, Request::get("/?collection=press&effort=high")));
    assert!(
        chosen.contains("<option value=\"press\" selected>") && chosen.contains("value=\"high\" selected")
    );
    assert_eq!(visit(&server, Request::get("/?effort=extreme")).status, 400);
    let alone = photographs();
    assert!(!check_page(&visit(&alone, Request::get("/"))).contains("name=\"collection\""));
}

#[test]
fn whatever_pages_load_is_there_and_known_by_its_tag() {
    let server = Server::start();
    let page = visit(&server, Request::get("/")).text();
    let mut names: Vec<String> = Vec::new();
    let mut texts = vec![page];
    while let Some(text) = texts.pop() {
        for name in text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            if !names.iter().any(|own| own == name) {
                names.push(name.to_owned());
                texts.push(check_asset(&server, name));
            }
        }
    }
    for name in ["style.css", "find.css", "find.js", "compare.js", "call.js", "icon.svg"] {
        assert!(names.iter().any(|own| own == name), "{name}: {names:?}");
    }
    for missing in ["/assets/other.js", "/assets/..%2fmod.rs", "/assets/"] {
        assert_eq!(Request::get(missing).send(server.address).status, 404, "{missing}");
    }
}

/// Checks a style sheet, a script or a picture, and returns its text.
fn check_asset(server: &Server, name: &str) -> String {
    let address = format!("/assets/{name}");
    let answer = Request::get(&address).send(server.address);
    let media = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    };
    assert_eq!((answer.status, answer.header("content-type")), (200, media), "{name}");
    assert_eq!(answer.header("cache-control"), "no-cache", "{name}");
    let tag = answer.header("etag").to_owned();
    let again = Request::get(&address).header("if-none-match", tag.clone()).send(server.address);
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{name}");
    let other = Request::get(&address).header("if-none-match", "\"0\"").send(server.address);
    assert_eq!(other.body, answer.body, "{name}");
    let text = answer.text();
    let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{name} loads from elsewhere");
    text
}

#[test]
fn problems_are_pages_for_people_and_documents_for_programs() {
    let server = Server::start();
    let page = visit(&server, Request::get("/nothing"));
    assert_eq!(page.status, 404);
    assert!(check_page(&page).contains("There is nothing at this path."));
    let document = Request::get("/nothing").header("accept", "*/*").send(server.address);
    assert_eq!((document.status, document.header("content-type")), (404, "application/problem+json"));
    let api = visit(&server, Request::get("/v1/nothing"));
    assert_eq!((api.status, api.header("content-type")), (404, "application/problem+json"));
    let method = visit(&server, Request::new("PUT", "/"));
    assert_eq!(method.status, 405);
    assert!(method.header("allow").contains("POST"), "{}", method.header("allow"));
    check_page(&method);
}

#[test]
fn hostile_names_are_text() {
    let server = Server::start();
    server.shop.withdraw(&[5]).unwrap();
    let meta: Meta = [(HOSTILE.to_owned(), HOSTILE.into())].into_iter().collect();
    let hostile = NewEntry { meta, ..entry(HOSTILE, 1) };
    server.shop.store_under(&[300], &[hostile], tensor(&server.rows[5..6])).unwrap();
    let name: String = HOSTILE.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = picture(&format!("collection=shop&name={name}"), png(5)).send(server.address);
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    assert!(text.matches(ESCAPED).count() >= 6, "{text}");
    assert!(!text.contains("<script") && !text.contains("<img src=x") && !text.contains("'><"), "{text}");
    let in_form =
        visit(&server, form(&[("collection", None, b"shop"), ("pictures", Some("<b>a.png"), &png(5))]));
    assert!(check_page(&in_form).contains("&lt;b&gt;a.png"));
    let refused = visit(&server, Request::get("/?collection=%3Cscript%3E"));
    assert!(!refused.text().contains("<script>"));
}

#[test]
fn a_login_is_a_cookie_that_opens_pages_and_the_api() {
    let server = Server::with(|settings| settings.access = Access::Tokens(Tokens::parse(TOKEN).unwrap()));
    for (address, login) in [
        ("/", "/login?next=%2F"),
        ("/review?done=3&x=1", "/login?next=%2Freview%3Fdone%3D3%26x%3D1"),
        ("/nothing", "/login?next=%2Fnothing"),
    ] {
        let sent = visit(&server, Request::get(address));
        assert_eq!((sent.status, sent.header("location")), (303, login), "{address}");
    }
    assert_eq!(picture("collection=shop", png(5)).send(server.address).status, 401, "a script is told");
    assert_eq!(Request::get("/").send(server.address).status, 401, "and a program");
    assert!(check_page(&visit(&server, Request::get("/login?next=%2Fstatus"))).contains("value=\"/status\""));
    assert_eq!(Request::get("/assets/style.css").send(server.address).status, 200);
    let log_in = |token: &str, next: &str| {
        let body = format!("token={}&next={next}", token.replace('=', "%3D"));
        visit(&server, Request::new("POST", "/login").body("application/x-www-form-urlencoded", body))
    };
    for wrong in ["", "6f1c9a54d0b2e87f31a", &TOKEN[1..]] {
        let refused = log_in(wrong, "%2F");
        assert_eq!((refused.status, refused.header("set-cookie")), (401, ""), "{wrong}");
        assert!(check_page(&refused).contains("This token is not known."));
    }
    assert_eq!(log_in(TOKEN, "%2F%2Fevil.example").header("location"), "/", "it leads to no other site");
    let accepted = log_in(TOKEN, "%2Fstatus");
    assert_eq!((accepted.status, accepted.header("location")), (303, "/status"));
    let cookie = accepted.header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|own| own == attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let with = |request: Request| request.header("cookie", cookie.clone());
    assert!(check_page(&visit(&server, with(Request::get("/")))).contains("Log out"));
    assert_eq!(server.send(&with(Request::get("/v1/entries/7?collection=shop"))).status, 200);
    let withdraw = || with(Request::new("DELETE", "/v1/entries/7?collection=shop"));
    for foreign in ["http://evil.example", "http://localhost:9", "null"] {
        assert_eq!(server.send(&withdraw().header("origin", foreign)).status, 403, "{foreign}");
    }
    assert_eq!(server.send(&withdraw().header("origin", "http://localhost")).status, 200);
    let out = visit(&server, with(Request::new("POST", "/logout")));
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert!(
        out.header("set-cookie").contains("active_index_token=;")
            && out.header("set-cookie").contains("Max-Age=0")
    );
}

#[test]
fn behind_a_proxy_with_tls_the_cookie_keeps_to_it() {
    let server = Server::with(|settings| settings.access = Access::Tokens(Tokens::parse(TOKEN).unwrap()));
    let body = format!("token={}", TOKEN.replace('=', "%3D"));
    let request = Request::new("POST", "/login").body("application/x-www-form-urlencoded", body);
    let foreign = request.clone().header("origin", "https://evil.example").send(server.address);
    assert_eq!((foreign.status, foreign.header("set-cookie")), (403, ""));
    let answer = request
        .header("x-forwarded-proto", "https")
        .header("origin", "https://localhost")
        .send(server.address);
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{}", answer.header("set-cookie"));
}

#[test]
fn where_no_token_is_needed_there_is_no_login() {
    let server = Server::start();
    let login = visit(&server, Request::get("/login?next=%2Fstatus"));
    assert_eq!((login.status, login.header("location")), (303, "/status"));
    assert!(!visit(&server, Request::get("/")).text().contains("Log out"));
    let named = visit(&server, Request::get("/").header("host", "evil.example"));
    assert_eq!(named.status, 403, "a name that leads here");
}

#[test]
fn the_form_works_without_a_script() {
    let server = Server::start();
    let (seven, stranger) = (png(7), encoded(&RgbImage::from_pixel(40, 30, image::Rgb([9, 9, 9]))));
    let answer = visit(
        &server,
        form(&[
            ("collection", None, b"shop"),
            ("effort", None, b"low"),
            ("pictures", Some("seven.png"), &seven),
            ("pictures", Some("other.png"), &stranger),
            ("pictures", Some("broken.png"), &seven[..60]),
        ])
        .header("origin", "http://localhost"),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = check_page(&answer);
    let answers: Vec<&str> = text.split("<article").skip(1).collect();
    assert_eq!(answers.len(), 3, "{text}");
    assert!(answers[0].contains("Answer for seven.png") && answers[0].contains(">Match<"), "{text}");
    assert!(answers[0].contains("/collection/7?collection=shop") && answers[0].contains("parity"), "{text}");
    let (first, others) = answers[0].split_once("Also possible: ").expect("others stand back");
    assert!(
        first.contains(">Match<") && !first.contains(">Possible<") && others.contains(">Possible<"),
        "{text}"
    );
    assert!(answers[1].contains("Answer for other.png") && answers[1].contains(">Possible<"), "{text}");
    assert!(answers[2].contains("Failed") && answers[2].contains("cannot be read"), "{text}");
    assert!(text.contains("<option value=\"shop\" selected>") && text.contains("value=\"low\" selected"));
}

#[test]
fn forms_that_no_browser_sends_are_refused() {
    let server = Server::start();
    let none = visit(&server, form(&[("collection", None, b"shop"), ("pictures", Some(""), b"")]));
    assert_eq!(none.status, 200);
    assert!(check_page(&none).contains("Pick at least one picture."));
    let with = |name: &str, value: &[u8]| {
        form(&[("collection", None, b"shop"), (name, None, value), ("pictures", Some("a.png"), &png(7))])
    };
    let many: Vec<(&str, Option<&str>, &[u8])> = vec![("pictures", Some("a.png"), b"x"); 33];
    for (request, status) in [
        (with("effort", b"extreme"), 400),
        (with("other", b"1"), 400),
        (with("effort", &[0xff, 0xfe]), 400),
        (with("effort", &[b'x'; 2000]), 400),
        (form(&many), 413),
        (form(&[("collection", None, b"none"), ("pictures", Some("a.png"), &png(7))]), 404),
        (form(&[("pictures", Some("a.png"), &png(7))]), 400),
        (Request::new("POST", "/").body("application/x-www-form-urlencoded", "a=1"), 415),
        (Request::new("POST", "/").body("multipart/form-data; boundary=x", "--x\r\nnonsense"), 400),
        (form(&[("pictures", Some("a.png"), &png(7))]).header("origin", "http://evil.example"), 403),
        (Request::new("POST", "/login").body("application/json", "{}"), 415),
    ] {
        let answer = visit(&server, request.clone());
        assert_eq!(answer.status, status, "{request:?}: {}", answer.text());
        check_page(&answer);
    }
}

#[test]
fn a_script_gets_a_part_of_a_page_or_a_problem() {
    let server = Server::start();
    let answer = picture("collection=shop&name=a%2Fb.png", png(7)).send(server.address);
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let text = answer.text();
    assert!(text.starts_with("<article") && text.contains("Answer for a/b.png"), "{text}");
    for (query, body, status) in [
        ("collection=shop", Vec::new(), 400),
        ("collection=shop", b"no picture".to_vec(), 415),
        ("collection=shop", png(7)[..60].to_vec(), 422),
        ("collection=none", png(7), 404),
        ("", png(7), 400),
        ("collection=shop&effort=extreme", png(7), 400),
        ("collection=shop&other=1", png(7), 400),
    ] {
        let answer = picture(query, body).send(server.address);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/problem+json"),
            "{query}"
        );
    }
}

#[test]
fn a_query_is_laid_over_the_entry_that_it_shows() {
    let server = photographs();
    let cropped = imageops::crop_imm(&photograph(0), 60, 40, 200, 150).to_image();
    for n in [0u8, 1, 3] {
        let mut query = if n == 0 { cropped.clone() } else { photograph(n) };
        query.put_pixel(0, 0, image::Rgb([n, 0, 0]));
        let answer = picture("name=q.png", encoded(&query)).send(server.address);
        let text = answer.text();
        assert_eq!(answer.status, 200, "{text}");
        assert!(
            text.contains(">Match<") && text.contains(&format!("/collection/{n}?collection=shop")),
            "{text}"
        );
        assert!(text.contains("<li>whole picture</li>"), "the looks are told: {text}");
        let sizes: Vec<(u32, u32)> = pictures_in(&text).iter().map(RgbImage::dimensions).collect();
        match n {
            // Query, entry, query laid over it, difference.
            0 => assert_eq!(sizes, [(200, 150), (320, 240), (640, 480), (320, 240)]),
            1 => assert_eq!(sizes, [(320, 240), (64, 48), (640, 480), (64, 48)], "a witness keeps less"),
            _ => assert_eq!(sizes, [(320, 240)], "there is nothing to compare with"),
        }
        assert_eq!(text.contains("<compare-view>") && text.contains("<polygon"), n != 3, "{text}");
        if n == 0 {
            check_laid(&pictures_in(&text));
            check_outline(&text);
        }
        if n == 3 {
            assert!(text.contains("There is no picture of this entry to show."), "{text}");
        }
    }
}

/// The query covers the part of the entry that it was cut from, and differs little there.
fn check_laid(pictures: &[RgbImage]) {
    let [_, _, laid, difference] = pictures else { panic!("{} pictures", pictures.len()) };
    let grey =
        |picture: &RgbImage, x, y| picture.get_pixel(x, y).0.iter().all(|value| value.abs_diff(128) < 6);
    assert!(grey(laid, 20, 20) && grey(laid, 620, 460), "the query does not cover the corners");
    let inner = (100..220).flat_map(|x| (70..160).map(move |y| (x, y)));
    let off: Vec<f64> =
        inner.map(|(x, y)| f64::from(difference.get_pixel(x, y).0[1].abs_diff(128))).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    assert!(mean < 25.0, "{mean}");
}

/// The outline is where the entry lies on the query: around it, because the query is a part of the entry.
fn check_outline(text: &str) {
    let points = text.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("points");
    let corners: Vec<f32> =
        points.split([' ', ',']).map(|number| number.parse().expect("a number")).collect();
    let expected = [-0.3, -40.0 / 150.0, 1.3, -40.0 / 150.0, 1.3, 200.0 / 150.0, -0.3, 200.0 / 150.0];
    for (corner, expected) in corners.iter().zip(expected) {
        assert!((corner - expected).abs() < 0.05, "{corners:?}");
    }
}

#[test]
fn nothing_found_is_said_with_what_was_tried() {
    let server = Server::start();
    let stranger = encoded(&photograph(250));
    // Random descriptors are nearer to each other than those of photographs: what is near to the stranger leaves.
    let near =
        || Request::find("collection=shop&k=200", "image/png", stranger.clone()).send(server.address).ids();
    while let [ids] = near().as_slice()
        && !ids.is_empty()
    {
        server.shop.withdraw(ids).unwrap();
    }
    let left = server.shop.searchable().unwrap();
    assert!(left > 50, "{left}");
    let text = picture("collection=shop&name=q.png", stranger.clone()).send(server.address).text();
    assert!(
        text.contains("Nothing found") && text.contains("No entry of shop looks like this picture."),
        "{text}"
    );
    assert!(text.contains(&format!("looks at the picture, compared with {left} entries")), "{text}");
    assert!(text.matches("<li>").count() > 1 && text.contains("<li>whole picture</li>"), "{text}");
    assert!(text.contains("class=\"button quiet small again\""), "{text}");
    let thorough = picture("collection=shop&effort=high", stranger.clone()).send(server.address).text();
    assert!(!thorough.contains("again"), "there is nothing more to try: {thorough}");
    let live = (0..ENTRIES as i64).filter(|id| server.shop.entry(*id).unwrap().unwrap().state == State::Live);
    server.shop.withdraw(&live.collect::<Vec<_>>()).unwrap();
    let empty = picture("collection=shop", stranger).send(server.address).text();
    assert!(empty.contains("shop has no live entries.") && empty.contains("href=\"/release\""), "{empty}");
}

#[test]
fn possible_matches_wait_for_a_decision_once() {
    let server = Server::start();
    let waiting = || server.shop.review_counts().unwrap().total().undecided;
    let ask = || picture("collection=shop&name=q.png", encoded(&photograph(250))).send(server.address).text();
    let text = ask();
    let count = text.matches("It waits for a decision").count();
    assert!(count > 0 && count as u64 == waiting(), "{count} of {}: {text}", waiting());
    let review = server.shop.reviews(&ReviewPage { limit: 1, ..ReviewPage::default() }).unwrap().remove(0);
    assert!(text.contains(&format!("/review?collection=shop&amp;id={}", review.id)), "{text}");
    assert_eq!((review.name.as_str(), review.has_picture), ("q.png", true));
    let again = ask();
    assert_eq!(again.matches("It was found before").count(), count, "{again}");
    assert_eq!(waiting(), count as u64, "nobody is asked twice");
    // A match asks nobody.
    let matched = picture("collection=press&name=7.png&effort=low", png(7)).send(server.address).text();
    let (first, _) = matched.split_once("Also possible").unwrap_or((&matched, ""));
    assert!(first.contains(">Match<") && !first.contains("decision"), "{first}");
}
