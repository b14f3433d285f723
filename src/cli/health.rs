//! `relaybell health`: whether the running relay can accept webhooks.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::config::whereabouts;
use crate::ports::http::HttpExchange;
use crate::ports::{Exchange, Route};

use super::access::reachable;
use super::output::Output;
use super::{Failure, block_on};

/// How long the relay may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most of its answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// `relaybell health`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the relay listens; by default server.listen of the configuration.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let address = match &args.address {
        Some(address) => address.clone(),
        None => match whereabouts(config) {
            Ok(place) => place.server.listen.to_string(),
            Err(_) => {
                return Err(Failure::Usage(format!(
                    "{} is not in order, so name the relay's address with --address",
                    config.display()
                )));
            }
        },
    };
    let address = reachable(&address)?;
    let request = Request::get(format!("http://{address}/readyz")).body(Bytes::new())?;
    let route = Route { timeout: TIMEOUT, proxy: None, answer_bytes_max: ANSWER_BYTES_MAX };
    let exchange = HttpExchange::new()?;
    match block_on(exchange.exchange(request, &route))? {
        Ok(answer) if answer.status().is_success() => {
            output.talk(&format!("{address} is ready"));
            Ok(())
        }
        Ok(answer) => {
            output.talk(&format!(
                "{address} is not ready: {} {}",
                answer.status(),
                String::from_utf8_lossy(answer.body())
            ));
            Err(Failure::Finding)
        }
        Err(lost) => {
            output.talk(&format!("{address} does not answer: {lost}"));
            Err(Failure::Finding)
        }
    }
}
