//! The integration tests: one binary.

#[cfg(test)]
mod classify;
#[cfg(test)]
mod encode;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod standins;
