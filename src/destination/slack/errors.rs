//! What Slack's named errors mean for a delivery.

/// What follows from a named error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Slack asks for a slower pace.
    Slow,
    /// The workspace is being moved: hours.
    Moving,
    /// It may pass later.
    Later,
    /// The credential or the channel must be mended first, as the advice says.
    Closed(&'static str),
    /// The channel is not there for us.
    Channel,
    /// Slack does not take this body.
    Body,
}

const TOKEN: &str = "Put a valid bot token (xoxb-…) into `token`.";
const SCOPE: &str = "Give the app the scope chat:write (and chat:write.public for channels it is not in), \
                     install it again, and put the new token into `token`.";
const WORKSPACE: &str = "An administrator of the workspace must allow the app to post.";
const WEBHOOK: &str = "Make a new incoming webhook in Slack and put its address into `webhook_url`.";
/// What to do about [`Meaning::Channel`].
pub const CHANNEL: &str = "Check `channel` and invite the bot to the channel (/invite @bot); \
                       for a private channel its id (C…) is needed.";
const ARCHIVED: &str = "Unarchive the channel or choose another one.";
const RESTRICTED: &str = "The channel's posting rights keep the app out: change them or choose another channel.";
const ADDRESS: &str = "Check `api_url`: Slack does not know this method there.";

/// The meaning of Slack's error `name`, of the webhook and of `chat.postMessage`. A name
/// that is not known is taken to be about the body.
#[must_use]
pub fn meaning(name: &str) -> Meaning {
    match name {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => Meaning::Slow,
        "team_added_to_org" | "org_login_required" | "external_channel_migrating" => Meaning::Moving,
        "service_unavailable"
        | "request_timeout"
        | "internal_error"
        | "fatal_error"
        | "rollup_error"
        | "update_failed"
        | "streaming_state_conflict" => Meaning::Later,

        "not_authed"
        | "invalid_auth"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type"
        | "is_bot" => Meaning::Closed(TOKEN),
        "missing_scope" | "no_permission" | "as_user_not_supported" | "send_on_behalf_not_allowed" => {
            Meaning::Closed(SCOPE)
        }
        "access_denied"
        | "accesslimited"
        | "app_access_restricted"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "two_factor_setup_required"
        | "team_not_found"
        | "team_disabled"
        | "messages_tab_disabled"
        | "action_prohibited" => Meaning::Closed(WORKSPACE),
        "method_deprecated" | "deprecated_endpoint" | "unknown_method" => Meaning::Closed(ADDRESS),

        "invalid_token" | "no_service" | "no_service_id" | "no_team" | "no_active_hooks" => Meaning::Closed(WEBHOOK),
        "channel_not_found" | "not_in_channel" => Meaning::Channel,
        "is_archived" | "channel_is_archived" | "is_inactive" => Meaning::Closed(ARCHIVED),
        "posting_to_general_channel_denied" | "cannot_reply_to_message" => Meaning::Closed(RESTRICTED),
        _ if name.starts_with("restricted_action") || name.starts_with("duplicate_") => Meaning::Closed(RESTRICTED),
        _ => Meaning::Body,
    }
}

/// What to do about an error that is about the body, when the plain text is refused, too.
#[must_use]
pub fn mend(name: &str) -> &'static str {
    match name {
        "msg_too_long" | "msg_blocks_too_long" | "attachment_payload_limit_exceeded" | "metadata_too_large" => {
            "The message is too long: shorten the template, `{{truncate x 500}}` cuts a long fact."
        }
        "no_text" | "missing_text_or_fallback_or_attachments" => {
            "The message is empty: check what the template prints on this event."
        }
        "too_many_attachments" | "too_many_contact_cards" => "Put less into the template's own body.",
        "invalid_blocks" | "invalid_blocks_format" | "invalid_attachments" | "block_mismatch" => {
            "Check the template's own body in Slack's Block Kit Builder, at the place named here."
        }
        "user_not_found" => "Somebody mentioned is not in this workspace: check `slack` of the people mentioned.",
        "invalid_metadata_format" | "invalid_metadata_schema" | "metadata_must_be_sent_from_app" => {
            "Leave `metadata` out of the template's own body."
        }
        "markdown_text_conflict" => "In the template's own body, use either `markdown_text` or `text` and `blocks`.",
        _ if name.starts_with("slack_connect_") => {
            "The channel is shared with another organisation, whose rules forbid this: choose another channel."
        }
        "invalid_arg_name" | "invalid_array_arg" | "invalid_charset" | "invalid_form_data" | "invalid_post_type"
        | "missing_post_type" | "invalid_payload" => {
            "Something between Relaybell and Slack, or the template's own body, breaks the request: check both."
        }
        _ => "Check the template and its data.",
    }
}

/// Whether error `name` says that the message to act on is gone or cannot be acted on, so
/// that a message of its own may pass (of `chat.postMessage` with `thread_ts`,
/// `chat.update` and `reactions.add`).
#[must_use]
pub fn is_about_thread(name: &str) -> bool {
    matches!(
        name,
        "thread_not_found"
            | "message_not_found"
            | "cant_update_message"
            | "edit_window_closed"
            | "block_mismatch"
            | "cannot_reply_to_message"
            | "restricted_action_non_threadable_channel"
            | "restricted_action_thread_locked"
            | "thread_locked"
            | "not_reactable"
            | "bad_timestamp"
    )
}

/// Whether `text` has the form of one of Slack's error names.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (3..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
