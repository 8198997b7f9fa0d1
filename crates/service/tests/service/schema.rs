//! Schemas of the OpenAPI document, as far as it uses them: a keyword that is not known here is a failure of the test.

use serde_json::Value;

/// Keywords that describe, and allow everything.
const WORDS: [&str; 5] = ["description", "title", "format", "example", "default"];

/// Reasons why a value does not follow a schema; `document` holds the schemas that others refer to.
pub fn errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let Some(keywords) = schema.as_object() else {
        return match schema {
            Value::Bool(true) => Vec::new(),
            Value::Bool(false) => vec![format!("{value} is not allowed")],
            other => vec![format!("{other} is no schema")],
        };
    };
    let of = |(keyword, rule): (&String, &Value)| {
        keyword_errors(document, schema, (keyword.as_str(), rule), value)
    };
    keywords.iter().flat_map(of).collect()
}

fn keyword_errors(
    document: &Value,
    schema: &Value,
    (keyword, rule): (&str, &Value),
    value: &Value,
) -> Vec<String> {
    let wrong =
        |is_wrong: bool| if is_wrong { vec![format!("{keyword} {rule}: {value}")] } else { Vec::new() };
    let parts = || rule.as_array().expect("a list").iter();
    match keyword {
        word if WORDS.contains(&word) => Vec::new(),
        "$ref" => {
            let path =
                rule.as_str().and_then(|path| path.strip_prefix('#')).expect("a reference in the document");
            errors(document, document.pointer(path).expect("it leads somewhere"), value)
        }
        "allOf" => parts().flat_map(|part| errors(document, part, value)).collect(),
        "oneOf" => wrong(parts().filter(|part| errors(document, part, value).is_empty()).count() != 1),
        "type" => match rule {
            Value::Array(types) => wrong(!types.iter().any(|name| is_of(name, value))),
            name => wrong(!is_of(name, value)),
        },
        "enum" => wrong(!parts().any(|allowed| allowed == value)),
        "minimum" => wrong(value.as_f64().is_some_and(|number| number < rule.as_f64().expect("a number"))),
        "maximum" => wrong(value.as_f64().is_some_and(|number| number > rule.as_f64().expect("a number"))),
        "minItems" => {
            wrong(value.as_array().is_some_and(|list| (list.len() as u64) < rule.as_u64().expect("a number")))
        }
        "maxItems" => {
            wrong(value.as_array().is_some_and(|list| list.len() as u64 > rule.as_u64().expect("a number")))
        }
        "items" => {
            value.as_array().into_iter().flatten().flat_map(|item| errors(document, rule, item)).collect()
        }
        "required" => wrong(parts().any(|key| value.get(key.as_str().expect("a key")).is_none())),
        "properties" => property_errors(document, rule, value),
        "propertyNames" => {
            let names = value.as_object().into_iter().flatten().map(|(key, _)| Value::from(key.as_str()));
            names.flat_map(|name| errors(document, rule, &name)).collect()
        }
        "additionalProperties" => {
            let own = schema["properties"].as_object();
            let others = value.as_object().into_iter().flatten();
            let others = others.filter(|(key, _)| !own.is_some_and(|own| own.contains_key(*key)));
            others.flat_map(|(_, value)| errors(document, rule, value)).collect()
        }
        other => vec![format!("{other} is no keyword of these tests")],
    }
}

fn property_errors(document: &Value, properties: &Value, value: &Value) -> Vec<String> {
    let of = |(key, schema): (&String, &Value)| {
        let errors = value.get(key).map(|value| errors(document, schema, value)).unwrap_or_default();
        errors.into_iter().map(|error| format!("{key}: {error}")).collect::<Vec<_>>()
    };
    properties.as_object().expect("properties").iter().flat_map(of).collect()
}

fn is_of(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("the name of a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn values_follow_schemas_or_the_reason_is_told() {
    let schema = serde_json::json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
        "a": {"type": "integer", "minimum": 1, "maximum": 3},
        "b": {"type": ["string", "null"], "enum": ["x", null]},
        "c": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/d"}},
    }});
    let document =
        serde_json::json!({"d": {"oneOf": [{"type": "boolean"}, {"allOf": [{"type": "number"}]}]}});
    let check = |text: &str| errors(&document, &schema, &serde_json::from_str(text).unwrap());
    for sound in [r#"{"a": 1}"#, r#"{"a": 3, "b": null, "c": [true, 1.5]}"#, r#"{"a": 2.0, "b": "x"}"#] {
        assert_eq!(check(sound), [""; 0], "{sound}");
    }
    for wrong in [
        "{}",
        "[]",
        r#"{"a": 0}"#,
        r#"{"a": 4}"#,
        r#"{"a": 1.5}"#,
        r#"{"a": "1"}"#,
        r#"{"a": 1, "b": "y"}"#,
        r#"{"a": 1, "b": 1}"#,
        r#"{"a": 1, "c": []}"#,
        r#"{"a": 1, "c": ["x"]}"#,
        r#"{"a": 1, "c": [1, 2, 3]}"#,
        r#"{"a": 1, "d": 1}"#,
    ] {
        assert!(!check(wrong).is_empty(), "{wrong}");
    }
    assert!(
        !errors(&document, &serde_json::json!({"pattern": "x"}), &Value::Null).is_empty(),
        "an unknown keyword"
    );
}
