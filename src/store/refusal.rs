//! What every store says when it refuses a request.

use super::StoreError;
use crate::domain::delivery::State;
use crate::domain::ids::{DeliveryId, EventId};

pub(super) fn no_delivery(id: DeliveryId) -> StoreError {
    StoreError::Refused(format!("there is no delivery {id}"))
}

pub(super) fn not_to_be_dropped(id: DeliveryId, state: State) -> StoreError {
    let why = match state {
        State::Sending => "is being sent; try again in a moment".to_owned(),
        other => format!("is {other} already"),
    };
    StoreError::Refused(format!("delivery {id} {why}"))
}

pub(super) fn delivered_again(id: DeliveryId, last: DeliveryId) -> StoreError {
    StoreError::Refused(format!(
        "delivery {id} was sent again as {last}, which is delivered; retry that one to send it once more"
    ))
}

pub(super) fn no_event(id: EventId) -> StoreError {
    StoreError::Refused(format!("there is no event {id}"))
}

pub(super) fn decided(id: EventId) -> StoreError {
    StoreError::Refused(format!("event {id} has been decided already"))
}

pub(super) fn lane_lost(destination: &str) -> StoreError {
    StoreError::Refused(format!("the lane of '{destination}' is not held any more"))
}

pub(super) fn id_taken() -> StoreError {
    StoreError::Refused("the plan has a delivery whose id is taken".to_owned())
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}
