//! CloudEvents as senders send them.

use crate::source::Sample;

/// All samples, sorted by `variant`.
#[must_use]
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

/// That the body is the whole event.
const STRUCTURED: &[(&str, &str)] = &[("content-type", super::STRUCTURED)];

/// The attributes of an event in the binary mode.
const BINARY: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("ce-specversion", "1.0"),
    ("ce-id", "b7c1"),
    ("ce-source", "https://ci.example.com/pay"),
    ("ce-type", "com.example.build.failed"),
    ("ce-subject", "build/871"),
    ("ce-time", "2026-09-14T02:15:33Z"),
    ("ce-severity", "Critical"),
];

const SAMPLES: &[Sample] = &[
    Sample {
        event: "com.example.build.failed",
        variant: "com.example.build.failed",
        path: "",
        headers: STRUCTURED,
        body: r#"{
  "specversion": "1.0",
  "id": "b7c1",
  "source": "https://ci.example.com/pay",
  "type": "com.example.build.failed",
  "subject": "build/871",
  "time": "2026-09-14T02:15:33Z",
  "severity": "Critical",
  "project": "PAY",
  "datacontenttype": "application/json",
  "data": { "title": "Checkout fails", "branch": "main", "url": "https://ci.example.com/pay/871" }
}
"#,
    },
    Sample {
        event: "com.example.build.failed",
        variant: "com.example.build.failed.binary",
        path: "",
        headers: BINARY,
        body: "{ \"title\": \"Checkout fails\", \"branch\": \"main\" }\n",
    },
];
