//! One body of every shape that Create Defect may have: what rules and templates are tried
//! on before a real request comes.

use super::DEFECT_REQUESTED;
use crate::source::Sample;

/// All samples, sorted by `variant`.
#[must_use]
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

macro_rules! sample {
    ($variant:literal, $file:literal) => {
        Sample::of(DEFECT_REQUESTED, $variant, include_str!(concat!("samples/", $file, ".json")))
    };
}

const SAMPLES: &[Sample] = &[
    sample!("defect.requested", "create_defect.request"),
    sample!("defect.requested.variant-minimal", "create_defect.request.minimal"),
    sample!("defect.requested.variant-nulls", "create_defect.request.nulls"),
];
