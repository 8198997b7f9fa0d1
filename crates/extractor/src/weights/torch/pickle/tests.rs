//! Values, refusals and bounds of the pickle machine.

use super::*;

fn refused(bytes: &[u8]) -> String {
    load(bytes).unwrap_err()
}

#[test]
fn containers_and_numbers_are_read() {
    let heap = load(b"\x80\x02(K\x07M\x00\x01J\xff\xff\xff\xff\x8a\x02\x00\x80\x8a\x00X\x01\x00\x00\x00at.")
        .unwrap();
    let Value::Sequence(items) = heap.get(heap.root()) else { panic!("a tuple") };
    let items: Vec<_> = items.iter().map(|id| heap.get(*id).clone()).collect();
    let numbers = [7, 256, -1, -32768, 0].map(Value::Int);
    assert_eq!(items[..5], numbers);
    assert_eq!(items[5], Value::Text("a".to_owned()));
}

#[test]
fn a_recalled_value_is_the_same_one() {
    let heap = load(b"\x80\x02]q\x05(h\x05h\x05e.").unwrap();
    assert_eq!(heap.get(heap.root()), &Value::Sequence(vec![heap.root(); 2]), "a list within itself");
}

#[test]
fn only_tensors_and_containers_may_be_named() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_qtensor"),
        ("numpy.core.multiarray", "scalar"),
        ("__torch__x", "Module"),
        ("torch.jit._pickle", "build"),
    ] {
        let reason = refused(format!("c{module}\n{name}\n.").as_bytes());
        assert!(reason.ends_with(&format!("global `{module}.{name}` is not allowed")), "{reason}");
    }
    assert!(load(b"c__torch__.a.b\nM\n)\x81}b.").is_ok());
}

#[test]
fn calls_of_anything_else_are_refused() {
    assert!(refused(b"ccollections\nOrderedDict\n(K\x01tR.").ends_with("a call that is not allowed"));
    assert!(refused(b"c__torch__.M\nM\n)R.").ends_with("a call that is not allowed"));
    assert!(refused(b"K\x01)R.").ends_with("a call that is not allowed"));
    assert!(refused(b"ccollections\nOrderedDict\n)\x81.").ends_with("a class that is not allowed"));
    assert!(refused(b"(K\x01tQ.").contains("expected the 5 of a storage"));
    assert!(refused(b"K\x01}b.").ends_with("attributes of a value that is no object"));
    for code in [b'i', b'o', b'P', b'\x82', b'\x92', b'\x93', b'\x95', b'0', b'2'] {
        let reason = refused(&[code, b'.']);
        assert!(reason.ends_with(&format!("instruction {code:#04x} is not allowed")), "{reason}");
    }
}

#[test]
fn the_number_of_values_is_bounded() {
    let mut growing = b"]".to_vec();
    growing.extend(std::iter::repeat_n(b']', 2 << 20));
    assert!(refused(&growing).ends_with("more than 1048576 values"));
    assert!(refused(&b"(".repeat(2 << 20)).ends_with("more than 1048576 values"));
    let recalling: Vec<u8> = b"]q\0".iter().copied().chain(b"h\0".repeat(2 << 20)).collect();
    assert!(refused(&recalling).ends_with("more than 1048576 values"));
}

#[test]
fn a_pickle_that_ends_too_early_is_an_error_at_every_length() {
    let whole = b"\x80\x02(K\x07M\x00\x01X\x01\x00\x00\x00accollections\nOrderedDict\n)Rt.";
    assert!(load(whole).is_ok());
    for length in 0..whole.len() {
        assert!(load(&whole[..length]).is_err(), "{length}");
    }
    assert!(refused(b"X\xff\xff\xff\xffabc").contains("3 bytes left, expected 4294967295"));
    assert!(refused(b"\x80\x04.").contains("pickle protocol 4"));
}
