//! Callers: tokens, pages of other sites, and addresses that need protection.

use active_index_service::{Access, Error, Served, Service, Settings, Tokens};

use crate::{
    client::Request,
    server::{Server, png},
};

const TOKEN: &str = "6f1c9a54d0b2e87f31aa";

#[test]
fn where_there_are_tokens_nothing_but_probes_is_answered_without_one() {
    let server = Server::with(|settings| settings.access = Access::Tokens(Tokens::parse(TOKEN).unwrap()));
    for (method, target) in [
        ("GET", "/metrics"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/collections"),
        ("GET", "/v1/collections/shop/status"),
        ("GET", "/v1/entries?collection=shop"),
        ("GET", "/v1/entries/7?collection=shop"),
        ("DELETE", "/v1/entries/7?collection=shop"),
        ("PUT", "/v1/entries/7"),
        ("GET", "/nothing"),
    ] {
        let request = Request::new(method, target);
        let refused = server.send(&request);
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, "Bearer"),
            "{method} {target}"
        );
        let wrong = request.clone().header("authorization", format!("Bearer {}", &TOKEN[1..]));
        assert_eq!(server.send(&wrong).status, 401);
        let right = request.header("authorization", format!("Bearer {TOKEN}"));
        assert_ne!(server.send(&right).status, 401, "{method} {target}");
    }
    assert_eq!(server.send(&Request::find("collection=shop", "image/png", png(7))).status, 401);
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(server.send(&Request::get(probe)).status, 200, "{probe}");
    }
}

#[test]
fn pages_of_other_sites_are_refused() {
    let server = Server::start();
    let find = || Request::find("collection=shop", "image/png", png(7));
    assert_eq!(server.send(&find().header("origin", "http://evil.example")).status, 403);
    assert_eq!(server.send(&find().header("host", "evil.example")).status, 403, "a name that leads here");
    assert_eq!(server.send(&find().header("origin", "http://localhost")).status, 200);
    let restore = Request::new("POST", "/v1/entries/7/restore?collection=shop").header("origin", "null");
    assert_eq!(server.send(&restore).status, 403);
}

#[test]
fn other_addresses_are_listened_on_with_tokens_or_an_open_door_alone() {
    let server = Server::start();
    let bind = |access| {
        let served = Served::new("shop", server.shop.clone()).unwrap();
        let settings = Settings { listen: ([0, 0, 0, 0], 0).into(), access, ..Settings::default() };
        Service::bind(settings, vec![served]).map(|service| service.address().port())
    };
    assert!(matches!(bind(Access::Local), Err(Error::Unprotected(_))));
    assert!(bind(Access::Open).is_ok_and(|port| port > 0));
    assert!(bind(Access::Tokens(Tokens::parse(TOKEN).unwrap())).is_ok());
}

#[test]
fn collections_need_names_of_their_own() {
    let server = Server::start();
    let served = |name: &str| Served::new(name, server.shop.clone());
    for wrong in ["", "a/b", "a b", "\u{e9}", &"x".repeat(65)] {
        assert!(matches!(served(wrong), Err(Error::Name(_))), "{wrong}");
    }
    let settings = || Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let twice = vec![served("shop").unwrap(), served("shop").unwrap()];
    assert!(matches!(Service::bind(settings(), twice), Err(Error::SameName(_))));
    assert!(matches!(Service::bind(settings(), Vec::new()), Err(Error::NoCollection)));
    let taken = Settings { listen: server.address, ..settings() };
    assert!(matches!(Service::bind(taken, vec![served("shop").unwrap()]), Err(Error::Listen { .. })));
}
