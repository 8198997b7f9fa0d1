//! Pages of the desk, used as browsers without scripts use them: review, collection, status.

use active_index_service::{Access, Tokens};

use crate::{
    client::{Answer, Request},
    pages::{check_page, visit},
    server::{ENTRIES, Server, directions, entry, npy, png, tensor},
};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";

fn open(server: &Server, target: &str) -> String {
    let answer = visit(server, Request::get(target));
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    check_page(&answer)
}

/// Sends a form, and returns the page that it leads to.
fn submit(server: &Server, target: &str, form: &str) -> String {
    let answer = post(server, target, form);
    assert_eq!(answer.status, 303, "{target}: {}", answer.text());
    open(server, answer.header("location"))
}

fn post(server: &Server, target: &str, form: &str) -> Answer {
    visit(server, Request::new("POST", target).body("application/x-www-form-urlencoded", form))
}

/// Looks up a picture of no entry under a name, and returns the ids of its reviews.
fn ask(server: &Server, n: u8, name: &str) -> Vec<i64> {
    let name = name.replace('"', "%22");
    let head = format!("--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n");
    let body = [head.as_bytes(), &png(n), b"\r\n--x--\r\n"].concat();
    let find =
        Request::find("collection=shop&review=true&review_e=1&k=2", "multipart/form-data; boundary=x", body);
    let json = server.send(&find).json();
    let reviews = json["reviews"].as_array().expect("reviews");
    reviews.iter().map(|review| review["review"].as_i64().expect("an id")).collect()
}

/// Value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let rest =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}")).1;
    rest.split('"').next().expect("an end")
}

#[test]
fn possible_matches_are_decided_one_after_the_other_and_taken_back() {
    let server = Server::start();
    assert!(open(&server, "/review").contains("Nothing waits"));
    let ids = ask(&server, 250, "beach.jpg");
    let [first, second] = ids[..] else { panic!("{ids:?}") };
    let page = open(&server, "/review?collection=shop");
    assert!(page.contains("Waiting 2") && page.contains(&format!("data-review=\"{second}\"")), "{page}");
    assert_eq!(hidden(&page, "next"), first.to_string(), "the list goes on with the other");
    let address = format!("/review/{second}?collection=shop");
    let page = submit(&server, &address, &format!("decision=rejected&list=undecided&next={first}&by=Ada"));
    assert!(
        page.contains("beach.jpg is rejected.") && page.contains(&format!("data-review=\"{first}\"")),
        "{page}"
    );
    assert!(page.contains("Waiting 1") && page.contains("Rejected 1") && page.contains("100 %"), "{page}");
    let kept = server.send(&Request::get(format!("/v1/reviews/{second}?collection=shop"))).json();
    assert_eq!((&kept["review"]["decision"], &kept["review"]["by"]), (&"rejected".into(), &"Ada".into()));
    let page = submit(&server, &address, "decision=undecided");
    assert!(page.contains("Waiting 2") && page.contains(&format!("data-review=\"{second}\"")), "{page}");
    for id in [first, second] {
        submit(&server, &format!("/review/{id}?collection=shop"), "decision=confirmed");
    }
    assert!(open(&server, "/review").contains("All is decided"));
    let confirmed = open(&server, "/review?decision=confirmed");
    assert!(confirmed.contains("Take back") && confirmed.contains("Confirmed 2"), "{confirmed}");
}

#[test]
fn a_review_shows_what_was_measured_and_only_text() {
    let server = Server::start();
    let id = ask(&server, 250, HOSTILE)[0];
    let kept = server.send(&Request::get(format!("/v1/reviews/{id}?collection=shop"))).json();
    let page = open(&server, &format!("/review?id={id}"));
    assert!(page.contains(ESCAPED) && !page.contains("<img src=x"), "{page}");
    let cosine = format!("{:.3}", kept["review"]["cosine"].as_f64().unwrap());
    for part in [cosine.as_str(), &format!("/v1/reviews/{id}/picture?collection=shop"), "not compared"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for wrong in
        ["/review?id=99999", "/review?cursor=x", "/review?decision=maybe", "/review?collection=other"]
    {
        let answer = visit(&server, Request::get(wrong));
        assert!([400, 404].contains(&answer.status), "{wrong}: {}", answer.status);
        check_page(&answer);
    }
    for (form, status) in [("decision=maybe", 400), ("", 400), ("decision=confirmed&x=1", 400)] {
        assert_eq!(post(&server, &format!("/review/{id}?collection=shop"), form).status, status, "{form}");
    }
    let foreign = Request::new("POST", format!("/review/{id}?collection=shop"))
        .body("application/x-www-form-urlencoded", "decision=confirmed")
        .header("origin", "http://evil.example");
    assert_eq!(visit(&server, foreign).status, 403);
}

#[test]
fn long_lists_of_reviews_go_on_by_pages() {
    let server = Server::start();
    let ids: Vec<i64> = (220..240).flat_map(|n| ask(&server, n, "a.jpg")).collect();
    assert!(ids.len() > 30, "{}", ids.len());
    let (mut seen, mut address) = (Vec::new(), "/review?collection=shop".to_owned());
    loop {
        let page = open(&server, &address);
        let list = page.split_once("class=\"queue\"").unwrap().1;
        let listed = list.split("&amp;id=").skip(1).map(|rest| rest.split('"').next().unwrap());
        seen.extend(listed.map(|id| id.parse::<i64>().unwrap()));
        let Some((before, _)) = list.split_once("\">Next page") else { break };
        address = before.rsplit("href=\"").next().unwrap().replace("&amp;", "&");
    }
    seen.sort_unstable();
    assert_eq!(seen, ids);
}

#[test]
fn entries_are_listed_by_state_name_and_field() {
    let server = Server::start();
    let page = open(&server, "/collection");
    assert!(page.contains("200 entries") && page.matches("class=\"card entry\"").count() == 48, "{page}");
    let mut pages = 1;
    let mut text = page;
    while let Some((before, _)) = text.split_once("\" rel=\"next\"") {
        let address = before.rsplit("href=\"").next().unwrap().replace("&amp;", "&");
        text = open(&server, &address);
        pages += 1;
    }
    assert_eq!((pages, text.matches("class=\"card entry\"").count()), (5, ENTRIES - 4 * 48));
    for (query, expected) in [
        ("name=77.JPG", "2 entries"),
        ("name=77.jpg&field=parity%3Dodd&state=live", "2 entries"),
        ("field=parity%3Deven&state=any&name=", "100 entries"),
        ("view=table&name=17.jpg", "2 entries"),
        ("name=7.jpg&collection=press", "2 entries"),
    ] {
        let page = open(&server, &format!("/collection?{query}"));
        assert!(page.contains(expected), "{query}: {page}");
    }
    let nothing = open(&server, "/collection?state=withdrawn");
    assert!(nothing.contains("No entry is like that") && nothing.contains("Show all entries"));
    for wrong in ["state=gone", "field=x", "cursor=x", "view=cloud", &format!("name={}", "x".repeat(1001))] {
        assert_eq!(visit(&server, Request::get(format!("/collection?{wrong}"))).status, 400, "{wrong}");
    }
}

#[test]
fn entries_are_withdrawn_and_restored_from_the_list_and_from_their_page() {
    let server = Server::start();
    let found = || {
        server
            .send(&Request::find("collection=shop&k=1", "application/x-npy", npy(&server.rows[7..8])))
            .best()[0]
    };
    let page = submit(&server, "/collection/7/withdraw?collection=shop", "list=name%3D7.jpg%26view%3Dtable");
    assert!(
        page.contains("7.jpg is withdrawn.") && page.contains("value=\"7.jpg\"") && page.contains("<table"),
        "{page}"
    );
    assert_ne!(found(), 7);
    assert!(open(&server, "/collection?state=withdrawn").contains("1 entry"));
    let page = submit(&server, "/collection/7/restore?collection=shop", "");
    assert!(page.contains("The entry is restored") && page.contains("<h1>7.jpg</h1>"), "{page}");
    assert_eq!(found(), 7);
    let page = submit(&server, "/collection/7/withdraw?collection=shop", "list=%2F%2Fevil.example");
    assert!(page.contains("<h1>Collection</h1>"), "whatever a form says, it leads to the list");
    assert_eq!(post(&server, "/collection/9999/withdraw?collection=shop", "").status, 404);
    assert_eq!(visit(&server, Request::get("/collection/9999?collection=shop")).status, 404);
}

#[test]
fn fields_are_saved_unless_the_entry_was_changed_meanwhile() {
    let server = Server::start();
    let page = open(&server, "/collection/8?collection=shop");
    let tag = hidden(&page, "tag").replace("&quot;", "%22");
    let form = |rows: &str| format!("tag={tag}&{rows}");
    let rows = "was=parity&name=parity&value=&was=&name=licence&value=CC0&was=&name=&value=";
    let page = submit(&server, "/collection/8/fields?collection=shop", &form(rows));
    assert!(page.contains("The fields are saved.") && page.contains("value=\"CC0\""), "{page}");
    let meta = || server.send(&Request::get("/v1/entries/8?collection=shop")).json()["entry"]["meta"].clone();
    assert_eq!(meta(), serde_json::json!({"licence": "CC0"}));
    let late = post(&server, "/collection/8/fields?collection=shop", &form("was=&name=licence&value=none"));
    assert_eq!(late.status, 412);
    assert!(check_page(&late).contains("nothing is saved"));
    assert_eq!(meta(), serde_json::json!({"licence": "CC0"}));
    let hostile = format!("name={}&value={}&was=", encoded(HOSTILE), encoded(HOSTILE));
    let tag = hidden(&open(&server, "/collection/8?collection=shop"), "tag").replace("&quot;", "%22");
    let page = submit(&server, "/collection/8/fields?collection=shop", &format!("tag={tag}&{hostile}"));
    assert!(page.contains(ESCAPED) && !page.contains("<img src=x"), "{page}");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn names_of_entries_are_only_text() {
    let server = Server::start();
    let stored = server.shop.store(&[entry(HOSTILE, 0)], tensor(&directions(1, 4321))).expect("stores");
    let own = format!("/collection/{}?collection=shop", stored[0].id());
    for target in ["/collection?collection=shop", "/collection?collection=shop&view=table", own.as_str()] {
        let page = open(&server, target);
        assert!(page.contains(ESCAPED) && !page.contains("<img src=x"), "{page}");
    }
}

#[test]
fn the_state_is_drawn_and_counts_what_happens() {
    let server = Server::start();
    let page = open(&server, "/status");
    for part in [
        "Live entries",
        "200",
        "no calibration of its own",
        "Nobody has decided",
        "200 entries from",
        "None. Lookups",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<svg").count(), 2, "entries and promises");
    let id = ask(&server, 250, "a.jpg")[0];
    for n in 0..5 {
        server.send(&Request::find("collection=shop", "application/x-npy", npy(&server.rows[n..n + 1])));
    }
    submit(&server, &format!("/review/{id}?collection=shop"), "decision=rejected");
    let page = open(&server, "/status?collection=shop");
    for part in ["6 lookups", "all that are decided", "2.5 % to 100 %"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<svg").count(), 4);
    assert_eq!(visit(&server, Request::get("/status?collection=other")).status, 404);
}

#[test]
fn pages_of_the_desk_need_a_login_where_there_are_tokens() {
    let tokens = Tokens::parse("0123456789abcdef").expect("a token");
    let server = Server::with(|settings| settings.access = Access::Tokens(tokens));
    for target in ["/review", "/collection?state=live", "/collection/7", "/status"] {
        let answer = visit(&server, Request::get(target));
        assert_eq!(answer.status, 303, "{target}");
        assert!(answer.header("location").starts_with("/login?next=%2F"), "{}", answer.header("location"));
    }
    for target in ["/review/1", "/collection/7/fields", "/collection/7/withdraw", "/collection/7/restore"] {
        assert_eq!(post(&server, target, "decision=confirmed").status, 401, "{target}");
    }
}
