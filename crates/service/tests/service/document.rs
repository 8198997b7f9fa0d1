//! The OpenAPI document against what the service answers.

use std::sync::OnceLock;

use active_index_service::describe_api;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    schema,
    server::Server,
};

/// Statuses that connections are ended with, before there is a route.
const HTTP: [u16; 2] = [400, 431];

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(describe_api()).expect("is JSON"))
}

/// Operations on the path of a request, by their methods.
fn operations(path: &str) -> Option<&'static Value> {
    let is_alike = |template: &str| {
        let (own, other): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        let fits = |(own, other): (&&str, &&str)| own == other || own.starts_with('{') && !other.is_empty();
        own.len() == other.len() && own.iter().zip(&other).all(fits)
    };
    let paths = document()["paths"].as_object().expect("paths");
    paths.iter().find(|(template, _)| is_alike(template)).map(|(_, operations)| operations)
}

/// Checks that the document describes an answer: its status, its media type and its content.
pub fn check(request: &Request, answer: &Answer) {
    let said = format!("{} {} -> {} {}", request.method, request.target, answer.status, answer.text());
    check_headers(answer, &said);
    let method = request.method.to_ascii_lowercase().replace("head", "get");
    let Some(operations) = operations(request.path()) else {
        assert!([401, 403, 404].contains(&answer.status), "a path that is not described: {said}");
        return check_problem(answer, &said);
    };
    let Some(operation) = operations.get(&method) else {
        assert!([401, 403, 405].contains(&answer.status), "a method that is not described: {said}");
        return check_problem(answer, &said);
    };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(response.is_object(), "a status that is not described: {said}");
    if answer.status >= 400 {
        return check_problem(answer, &said);
    }
    match response["content"].as_object() {
        _ if request.method == "HEAD" => {}
        None => assert!(answer.body.is_empty(), "content that is not described: {said}"),
        Some(content) => {
            let media = content.get(answer.header("content-type"));
            let media = media.unwrap_or_else(|| panic!("a media type that is not described: {said}"));
            if answer.header("content-type") == "application/json" {
                check_schema(&media["schema"], answer, &said);
            }
        }
    }
}

fn check_headers(answer: &Answer, said: &str) {
    if HTTP.contains(&answer.status) && answer.header("x-request-id").is_empty() {
        return;
    }
    assert!(!answer.header("x-request-id").is_empty(), "{said}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{said}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{said}");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{said}");
}

fn check_problem(answer: &Answer, said: &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{said}");
    if answer.body.is_empty() {
        return;
    }
    check_schema(&json!({"$ref": "#/components/schemas/Problem"}), answer, said);
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status, "{said}");
    let has_time = problem["retry_after"].is_number();
    assert_eq!(has_time, !answer.header("retry-after").is_empty(), "{said}");
    assert_eq!(has_time, [429, 503].contains(&answer.status), "{said}");
    let (detail, title) = (answer.detail(), problem["title"].as_str().expect("a title"));
    assert!(!detail.is_empty() && !title.is_empty() && !detail.contains(['\n', '\r']), "{said}");
}

fn check_schema(schema: &Value, answer: &Answer, said: &str) {
    let errors = schema::errors(document(), schema, &answer.json());
    assert!(errors.is_empty(), "{errors:?}: {said}");
}

#[test]
fn the_service_answers_with_the_document() {
    let server = Server::start();
    let answer = server.send(&Request::get("/v1/openapi.json"));
    assert_eq!((answer.status, &answer.json()), (200, document()));
}

#[test]
fn every_operation_is_described_and_answered() {
    let server = Server::start();
    let mut count = 0;
    for (template, operations) in document()["paths"].as_object().expect("paths") {
        let target = template.replace("{id}", "7").replace("{collection}", "shop");
        for (method, operation) in operations.as_object().expect("methods") {
            let method = ["GET", "POST", "PATCH", "DELETE"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(method));
            let request = Request::new(method.expect("a method of the tests"), target.as_str());
            let status = server.send(&request).status;
            assert!(![404, 405].contains(&status), "{method:?} {template}: {status}");
            for word in ["summary", "tags"] {
                assert!(!operation[word].is_null(), "{method:?} {template} has no {word}");
            }
            count += 1;
        }
        for method in ["PUT", "OPTIONS", "TRACE"] {
            let answer = server.send(&Request::new(method, target.as_str()));
            assert_eq!(answer.status, 405, "{method} {template}");
            let allowed = answer.header("allow").to_ascii_lowercase();
            let described = operations.as_object().expect("methods").keys();
            described.for_each(|method| assert!(allowed.contains(method.as_str()), "{template}: {allowed}"));
        }
    }
    assert_eq!(count, 30, "as many operations as the router had when this was written");
}

#[test]
fn every_reference_leads_somewhere() {
    let text = document().to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().expect("a name");
        assert!(document()["components"]["schemas"][name].is_object(), "{name}");
    }
}
