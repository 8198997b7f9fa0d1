//! Release page, used as browsers without scripts use it.

use super::{Desk, form, picture};
use crate::{
    client::{Answer, Request},
    pages::check_page,
};

const HOSTILE: &str = "<img src=x onerror=alert(1)>.png";

fn visit(desk: &Desk, request: Request) -> Answer {
    request.header("accept", "text/html").send(desk.address)
}

fn open(desk: &Desk, target: &str) -> String {
    let answer = visit(desk, Request::get(target));
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    check_page(&answer)
}

fn submit(desk: &Desk, request: Request) -> String {
    let answer = visit(desk, request);
    assert_eq!(answer.status, 303, "{}", answer.text());
    open(desk, answer.header("location"))
}

/// Ids of the releases on a page, the newest first.
fn listed(page: &str) -> Vec<&str> {
    page.split("data-release=\"").skip(1).map(|rest| rest.split('"').next().expect("an end")).collect()
}

#[test]
fn pictures_of_a_form_are_released_and_fetched() {
    let desk = Desk::start();
    assert!(open(&desk, "/release").contains("Nothing is released here yet"));
    desk.door.set_closed(true);
    let (first, second) = (picture(1), picture(2));
    let pictures: [(&str, &[u8]); 2] = [("a.png", &first), (HOSTILE, &second)];
    let (media_type, body) = form("x", &pictures, &[("licence", "CC0"), ("author", "")]);
    let page = submit(&desk, Request::new("POST", "/release").body(&media_type, body));
    assert!(page.contains("2 pictures are accepted.") && page.contains("data-busy=\"true\""), "{page}");
    assert!(page.contains("&lt;img src=x") && !page.contains("<img src=x"), "{page}");
    let ids: Vec<String> = listed(&page).into_iter().map(str::to_owned).collect();
    assert_eq!(ids.len(), 2);
    desk.wait_until("it is begun", || desk.state(&ids[1]) == "running");
    assert!(open(&desk, "/release").contains("<progress max=\"1\" value=\"0.500\""));
    desk.door.set_closed(false);
    let entry = ids.iter().map(|id| desk.ended(id)["entry"].as_i64().expect("an entry")).next().expect("one");
    let page = open(&desk, "/release");
    for part in [
        "Hardly any difference to be seen.",
        "PSNR 43.5 dB",
        "95 % of edited views lie in its cell of the index",
        "Download",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        page.contains("data-busy=\"false\"")
            && page.contains(&format!("/collection/{entry}?collection=shop"))
    );
    let meta = desk.shop.entry(entry).expect("reads").expect("an entry").meta;
    assert_eq!(
        meta.into_iter().collect::<Vec<_>>(),
        [("licence".to_owned(), "CC0".into())],
        "empty fields are none"
    );
}

#[test]
fn failed_releases_are_tried_again_and_removed() {
    let desk = Desk::start();
    let id = desk.accept(1, "once.png");
    desk.ended(&id);
    let page = open(&desk, "/release");
    assert!(page.contains("no space") && page.contains("Try once.png again"), "{page}");
    submit(&desk, Request::new("POST", format!("/release/{id}/retry")));
    assert_eq!(desk.ended(&id)["state"], "done");
    assert_eq!(visit(&desk, Request::new("POST", format!("/release/{id}/retry"))).status, 409);
    let page = submit(&desk, Request::new("POST", format!("/release/{id}/delete")));
    assert!(page.contains("Nothing is released here yet"), "{page}");
    assert_eq!(visit(&desk, Request::new("POST", format!("/release/{id}/delete"))).status, 404);
}

#[test]
fn long_queues_go_on_by_pages_and_wrong_forms_are_told() {
    let desk = Desk::start();
    let pictures: Vec<Vec<u8>> = (0..27).map(picture).collect();
    for start in ["a", "b"] {
        let named: Vec<(String, &[u8])> = pictures
            .iter()
            .enumerate()
            .map(|(n, bytes)| (format!("{start}{n}.png"), bytes.as_slice()))
            .collect();
        let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        let (media_type, body) = form("x", &named, &[]);
        submit(&desk, Request::new("POST", "/release").body(&media_type, body));
    }
    let page = open(&desk, "/release");
    assert_eq!(listed(&page).len(), 50);
    let before = page.split_once("\" rel=\"next\"").expect("a next page").0;
    let next = before.rsplit("href=\"").next().expect("an address").replace("&amp;", "&");
    assert_eq!(listed(&open(&desk, &next)).len(), 4);
    for (body, status) in [(b"x".as_slice(), 400), (b"--x--\r\n", 400)] {
        let answer =
            visit(&desk, Request::new("POST", "/release").body("multipart/form-data; boundary=x", body));
        assert_eq!(answer.status, status);
        check_page(&answer);
    }
    assert_eq!(visit(&desk, Request::get("/release?cursor=x")).status, 400);
}
