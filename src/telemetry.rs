//! What operators see: metrics and logs. Every metric name stands here.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The label `source`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfSource {
    /// The source's name; [`UNKNOWN_SOURCE`] when there is no such source.
    pub source: String,
}

/// The labels `source` and `reason`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    /// The source's name; [`UNKNOWN_SOURCE`] when there is no such source.
    pub source: String,
    /// Why, in one word.
    pub reason: &'static str,
}

/// The label `rule`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfRule {
    /// The rule's name.
    pub rule: String,
}

/// The label `template`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfTemplate {
    /// The template's name.
    pub template: String,
}

/// The label `destination`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfDestination {
    /// The destination's name.
    pub destination: String,
}

/// The labels `destination` and `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    /// The destination's name.
    pub destination: String,
    /// `delivered`, `dead`, `retried`, `throttled` or `held`.
    pub outcome: &'static str,
}

/// The labels `source` and `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LookedUp {
    /// The source's name.
    pub source: String,
    /// `found`, `nothing`, `failed` or `gave_up`.
    pub outcome: &'static str,
}

/// The label `result`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reloaded {
    /// `success` or `failure`.
    pub result: &'static str,
}

/// The `source` label of requests to sources that are not configured: what strangers ask
/// for must not become label values.
pub const UNKNOWN_SOURCE: &str = "(unknown)";

/// All metrics of one relay.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// `relaybell_events_accepted_total`.
    pub accepted: Family<OfSource, Counter>,
    /// `relaybell_events_refused_total`.
    pub refused: Family<Refused, Counter>,
    /// `relaybell_events_duplicate_total`.
    pub duplicates: Family<OfSource, Counter>,
    /// `relaybell_events_broken_total`.
    pub broken: Counter,
    /// `relaybell_events_quarantined_total`.
    pub quarantined: Family<OfSource, Counter>,
    /// `relaybell_lookups_total`.
    pub lookups: Family<LookedUp, Counter>,
    /// `relaybell_rules_matched_total`.
    pub matched: Family<OfRule, Counter>,
    /// `relaybell_template_failures_total`.
    pub template_failures: Family<OfTemplate, Counter>,
    /// `relaybell_mentions_without_id_total`.
    pub mentions_without_id: Family<OfDestination, Counter>,
    /// `relaybell_accept_seconds`: from the request's last byte to the commit.
    pub accept_seconds: Histogram,
    /// `relaybell_attempts_total`.
    pub attempts: Family<Ended, Counter>,
    /// `relaybell_events_none_total`.
    pub no_events: Family<OfSource, Counter>,
    /// `relaybell_possible_duplicates_total`.
    pub possible_duplicates: Family<OfDestination, Counter>,
    /// `relaybell_expired_total`.
    pub expired: Family<OfDestination, Counter>,
    /// `relaybell_delivery_seconds`: from acceptance to delivery.
    pub delivery_seconds: Family<OfDestination, Histogram, fn() -> Histogram>,
    /// `relaybell_queue_depth`.
    pub queue_depth: Family<OfDestination, Gauge>,
    /// `relaybell_queue_oldest_seconds`.
    pub queue_oldest_seconds: Family<OfDestination, Gauge<f64, AtomicU64>>,
    /// `relaybell_dead_letters`.
    pub dead_letters: Family<OfDestination, Gauge>,
    /// `relaybell_breaker_state`: 0 closed, 1 half-open, 2 open.
    pub breaker_state: Family<OfDestination, Gauge>,
    /// `relaybell_destination_held`: 1 while it is.
    pub destination_held: Family<OfDestination, Gauge>,
    /// `relaybell_config_reloads_total`.
    pub reloads: Family<Reloaded, Counter>,
    /// `relaybell_config_last_reload_successful`.
    pub last_reload_successful: Gauge<i64, AtomicI64>,
    /// `relaybell_config_last_reload_success_timestamp_seconds`.
    pub last_reload_success: Gauge<i64, AtomicI64>,
}

fn latencies() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
        1800.0, 7200.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("relaybell"),
            accepted: Family::default(),
            refused: Family::default(),
            duplicates: Family::default(),
            broken: Counter::default(),
            quarantined: Family::default(),
            lookups: Family::default(),
            matched: Family::default(),
            template_failures: Family::default(),
            mentions_without_id: Family::default(),
            accept_seconds: latencies(),
            attempts: Family::default(),
            no_events: Family::default(),
            possible_duplicates: Family::default(),
            expired: Family::default(),
            delivery_seconds: Family::new_with_constructor(latencies as fn() -> Histogram),
            queue_depth: Family::default(),
            queue_oldest_seconds: Family::default(),
            dead_letters: Family::default(),
            breaker_state: Family::default(),
            destination_held: Family::default(),
            reloads: Family::default(),
            last_reload_successful: Gauge::default(),
            last_reload_success: Gauge::default(),
        };
        metrics.register_events();
        metrics.register_deliveries();
        metrics
    }
}

impl Metrics {
    fn register_events(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This relay", build);
        registry.register("events_accepted", "Events written to the store", self.accepted.clone());
        registry.register("events_refused", "Webhooks refused, by reason", self.refused.clone());
        registry.register(
            "events_none",
            "Webhooks that are no event by their source's mapping",
            self.no_events.clone(),
        );
        registry.register("events_duplicate", "Events that repeat an accepted one", self.duplicates.clone());
        registry.register("events_broken", "Events whose planning failed", self.broken.clone());
        registry.register("events_quarantined", "Webhooks kept that could not be read", self.quarantined.clone());
        registry.register("lookups", "Questions to senders' APIs about events, by outcome", self.lookups.clone());
        registry.register("rules_matched", "Events that a rule matched", self.matched.clone());
        registry.register("template_failures", "Messages sent in the built-in form", self.template_failures.clone());
        registry.register(
            "mentions_without_id",
            "People shown by name only, because their id at the destination's vendor is not known",
            self.mentions_without_id.clone(),
        );
        registry.register_with_unit(
            "accept",
            "From the last byte of a webhook to its commit",
            Unit::Seconds,
            self.accept_seconds.clone(),
        );
        registry.register("config_reloads", "Attempts to reload the configuration", self.reloads.clone());
        registry.register(
            "config_last_reload_successful",
            "Whether the configuration on disk is the one in force",
            self.last_reload_successful.clone(),
        );
        registry.register(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration in force was loaded",
            self.last_reload_success.clone(),
        );
    }

    fn register_deliveries(&mut self) {
        let registry = &mut self.registry;
        registry.register("attempts", "Attempts to deliver, by outcome", self.attempts.clone());
        registry.register(
            "possible_duplicates",
            "Messages repeated after an attempt that got no answer",
            self.possible_duplicates.clone(),
        );
        registry.register("expired", "Deliveries dropped because they had expired", self.expired.clone());
        registry.register_with_unit(
            "delivery",
            "From the acceptance of an event to the delivery of its message",
            Unit::Seconds,
            self.delivery_seconds.clone(),
        );
        registry.register("queue_depth", "Unfinished deliveries", self.queue_depth.clone());
        registry.register(
            "queue_oldest_seconds",
            "Age of the oldest unfinished delivery",
            self.queue_oldest_seconds.clone(),
        );
        registry.register(
            "dead_letters",
            "Deliveries that failed for good and were not sent again",
            self.dead_letters.clone(),
        );
        registry.register("breaker_state", "0 closed, 1 half-open, 2 open", self.breaker_state.clone());
        registry.register("destination_held", "1 while nothing is sent there", self.destination_held.clone());
    }

    /// All metrics in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String fails only when a metric's own encoding does.
        if encode(&mut text, &self.registry).is_err() {
            text.push_str("# EOF\n");
        }
        text
    }
}

/// How log records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people at a terminal.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts writing logs to stderr. `filter` is in the syntax of `RUST_LOG`.
///
/// # Errors
/// When logs are written already.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), TryInitError> {
    let filter = EnvFilter::builder().parse_lossy(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).finish().try_init(),
    }
}
