//! JSON within a form: what some senders post as `payload=…`.

use bytes::Bytes;

use super::Malformed;

/// The content type of a form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The field that holds the JSON.
const FIELD: &str = "payload";

/// The JSON that stands in the field `payload` of the form `body`.
///
/// # Errors
/// When there is no such field.
pub fn payload(body: &[u8]) -> Result<Bytes, Malformed> {
    let field = url::form_urlencoded::parse(body).find(|(name, _)| name == FIELD);
    let (_, value) = field.ok_or_else(|| Malformed::refused(format!("the form has no field '{FIELD}'")))?;
    Ok(Bytes::from(value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_found_and_decoded() {
        let body = b"token=x&payload=%7B%22a%22%3A%22b+c%22%7D&payload=2";
        assert_eq!(payload(body).unwrap(), "{\"a\":\"b c\"}");
        assert_eq!(payload(b"payload=").unwrap(), "");
        for bad in [&b"{\"payload\": 1}"[..], b"", b"Payload=1", b"\xff=1"] {
            assert_eq!(payload(bad).unwrap_err().why, "the form has no field 'payload'");
        }
    }
}
