//! Receivers: chats, alarms, programs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::trackers::TOKEN;
use super::{Answered, Asked, Vendor, shape, text};

/// PagerDuty's Events API, version 2.
#[derive(Default)]
pub struct PagerDuty(BTreeMap<String, String>);

impl Vendor for PagerDuty {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!((asked.host.as_str(), asked.path.as_str()), ("events.pagerduty.com", "/v2/enqueue"));
        let invalid = |why: String| {
            (400, json!({"status": "invalid event", "message": "Event object is invalid", "errors": [why]}))
        };
        let body = asked.json("application/json")?;
        shape(&body, &[("routing_key", 100), ("event_action", 20), ("dedup_key", 255), ("payload", 0)])
            .map_err(invalid)?;
        if body["routing_key"] != TOKEN {
            return Err(invalid("routing_key is not valid".to_owned()));
        }
        let key = text(&body, "/dedup_key").map_err(invalid)?.to_owned();
        let payload = &body["payload"];
        let keys = [("summary", 1_024), ("source", 255), ("severity", 10), ("custom_details", 0)];
        match text(&body, "/event_action").map_err(invalid)? {
            "trigger" => {
                shape(payload, &keys).map_err(invalid)?;
                let severity = text(payload, "/severity").map_err(invalid)?;
                if !["critical", "error", "warning", "info"].contains(&severity) {
                    return Err(invalid(format!("severity {severity}")));
                }
                text(payload, "/source").map_err(invalid)?;
                let summary = text(payload, "/summary").map_err(invalid)?;
                self.0.insert(key.clone(), format!("{summary} [open]"));
            }
            "resolve" => _ = self.0.get_mut(&key).map(|alert| *alert = alert.replace("[open]", "[closed]")),
            other => return Err(invalid(format!("event_action {other}"))),
        }
        Ok((202, json!({"status": "success", "dedup_key": key})))
    }

    fn has(&self) -> Vec<String> {
        self.0.iter().map(|(key, alert)| format!("{key}: {alert}")).collect()
    }
}

/// A Discord webhook.
#[derive(Default)]
pub struct Discord(Vec<String>);

impl Vendor for Discord {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "discord.example");
        let steps = asked.steps();
        let ["api", "webhooks", "17", token, rest @ ..] = steps.as_slice() else {
            return Err((404, json!({"code": 0})));
        };
        if *token != TOKEN {
            return Err((401, json!({"message": "Invalid Webhook Token", "code": 50027})));
        }
        let body = asked.json("application/json")?;
        let bad = |why: String| (400, json!({"message": why, "code": 50035}));
        shape(&body, &[("content", 2_000), ("allowed_mentions", 0)]).map_err(bad)?;
        assert_eq!(body["allowed_mentions"], json!({"parse": []}), "everything in it could mention");
        let content = text(&body, "/content").map_err(bad)?.to_owned();
        match (asked.method.as_str(), rest) {
            ("POST", []) => {
                self.0.push(content);
                let waits = asked.param("wait") == "true";
                Ok(if waits { (200, json!({"id": self.0.len().to_string()})) } else { (204, Value::Null) })
            }
            ("PATCH", ["messages", id]) => {
                let at = id.parse::<usize>().ok().and_then(|id| self.0.get_mut(id.checked_sub(1)?));
                let message = at.ok_or_else(|| (404, json!({"message": "Unknown Message", "code": 10_008})))?;
                *message = format!("{content} (edited)");
                Ok((200, json!({"id": id})))
            }
            _ => Err((405, Value::Null)),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.clone()
    }
}

/// An incoming webhook of Mattermost.
#[derive(Default)]
pub struct Mattermost(Vec<String>);

impl Vendor for Mattermost {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "mattermost.example");
        if asked.path != format!("/hooks/{TOKEN}") {
            return Err((404, json!({"message": "Invalid webhook"})));
        }
        let body = asked.json("application/json")?;
        let bad = |why: String| (400, json!({"message": why}));
        shape(&body, &[("text", 16_383)]).map_err(bad)?;
        self.0.push(text(&body, "/text").map_err(bad)?.to_owned());
        Ok((200, "ok".into()))
    }

    fn has(&self) -> Vec<String> {
        self.0.clone()
    }
}

/// A webhook of a Google Chat space.
#[derive(Default)]
pub struct GoogleChat(Vec<String>);

impl Vendor for GoogleChat {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!((asked.host.as_str(), asked.path.as_str()), ("chat.example", "/v1/spaces/AAA/messages"));
        let bad = |code: u16, why: &str| (code, json!({"error": {"code": code, "message": why}}));
        if asked.param("key") != "k" || asked.param("token") != TOKEN {
            return Err(bad(401, "Request had invalid authentication credentials"));
        }
        assert_eq!(asked.param("messageReplyOption"), "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
        let body = asked.json("application/json")?;
        shape(&body, &[("text", 32_000), ("thread", 0)]).map_err(|why| bad(400, &why))?;
        shape(&body["thread"], &[("threadKey", 4_000)]).map_err(|why| bad(400, &why))?;
        let said = text(&body, "/text").map_err(|why| bad(400, &why))?;
        if said.len() > 32_000 {
            return Err(bad(400, "the message is too long"));
        }
        assert!(!said.contains("<users/"), "it mentions: {said}");
        self.0.push(format!("{}: {said}", body["thread"]["threadKey"].as_str().unwrap()));
        Ok((200, json!({"name": "spaces/AAA/messages/1"})))
    }

    fn has(&self) -> Vec<String> {
        self.0.clone()
    }
}

/// The secret of the signed webhook: 24 bytes.
pub const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A program that checks signatures and takes CloudEvents.
#[derive(Default)]
pub struct Signed {
    events: BTreeMap<String, String>,
}

impl Vendor for Signed {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!((asked.host.as_str(), asked.path.as_str()), ("hooks.acme.example", "/relaybell"));
        let (id, time) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
        let key = STANDARD.decode(SIGNING_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(&asked.body);
        let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        if !asked.header("webhook-signature").split(' ').any(|one| one == right) {
            return Err((401, json!({"message": "the signature is wrong"})));
        }
        let body = asked.json("application/cloudevents+json")?;
        let bad = |why: String| (422, json!({"message": why}));
        let keys = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"];
        shape(&body, &keys.map(|key| (key, 10_000))).map_err(bad)?;
        assert_eq!((&body["specversion"], text(&body, "/id")), (&json!("1.0"), Ok(id)));
        assert_eq!(body["source"], "relaybell/qase");
        assert!(body["time"].as_str().unwrap().ends_with('Z'));
        let line = format!(
            "{} {} {}",
            text(&body, "/type").map_err(bad)?,
            text(&body, "/subject").map_err(bad)?,
            body["data"]
        );
        let first = self.events.insert(id.to_owned(), format!("{line} at {time}"));
        assert!(first.is_none_or(|first| first.rsplit_once(" at ").unwrap().0 == line), "the same id, something else");
        Ok((204, Value::Null))
    }

    fn has(&self) -> Vec<String> {
        self.events.values().cloned().collect()
    }
}
