//! How the senders of a source prove themselves: `secrets`, `secret_header`, `basic`, `signature`.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::config::desk::Desk;
use crate::config::fields::{Fields, one_of, text};
use crate::config::findings::Place;
use crate::config::nearest::did_you_mean;
use crate::config::node::{Node, Tree};
use crate::config::secrets::State;
use crate::source::proof::{
    Algorithm, Basic, Encoding, Header, Key, PLACES, Proof, Secrets, Signature, Signed, Stamp, Token, standard_key,
};

/// How far a signed time may be from now, if nothing else is written.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The bounds of a tolerance.
const TOLERANCES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3600)];

/// The header of a secret where a kind of sender names none.
pub const SECRET_HEADER: &str = "X-Relaybell-Secret";

/// How the senders of one kind prove themselves when only `secrets` is written.
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    /// What they do with the secret.
    pub way: Way,
    /// How a secret is set there, for the warning that there is none.
    pub help: &'static str,
}

/// What a sender does with its secret.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// It sends it in this header.
    Token(&'static str),
    /// It signs the body with it.
    Hmac {
        /// The hash below the HMAC.
        algorithm: Algorithm,
        /// The header with the signature.
        header: &'static str,
        /// How the signature is written.
        encoding: Encoding,
        /// What may stand before it.
        prefix: &'static str,
    },
}

/// Reads what the source `name`, which stands at `at`, asks of its senders.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, usual: &Usual, desk: &mut Desk<'_>) -> Option<Proof> {
    let (secrets, header) = (fields.take("secrets"), fields.take("secret_header"));
    let (basic, signature) = (fields.take("basic"), fields.take("signature"));
    let ways = [("secrets", secrets), ("basic", basic), ("signature", signature)];
    let mut ways = ways.into_iter().filter_map(|(key, node)| Some((key, node?)));
    let doubled = match (ways.next(), ways.next()) {
        (Some((first, _)), Some((second, node))) => {
            let help = "a source asks for one proof: remove one of them, or make two sources";
            desk.findings.error_help(node.at, format!("'{first}' and '{second}' do not go together"), help);
            true
        }
        _ => false,
    };
    let header = header.map(|node| (node, header_name(node, "'secret_header'", desk)));
    if let (Some((node, _)), None) = (&header, secrets) {
        let help = match signature {
            Some(_) => "name the header in 'signature': { header: … }",
            None => "add the secret that is sent in it: secrets: [\"${NAME}\"]",
        };
        desk.findings.error_help(node.at, "'secret_header' goes with 'secrets', and there are none", help);
    }
    let read = match (secrets, basic, signature) {
        (_, Some(node), _) => basic_pair(node, desk).map(Proof::Basic),
        (_, _, Some(node)) => signed(node, usual, desk),
        (node, None, None) => {
            let known = node.map_or_else(|| Ok(Vec::new()), |node| desk.secrets(node, "'secrets'"));
            // Where one is wrong, that is reported; it is not that none is asked for.
            if known.as_ref().is_ok_and(Vec::is_empty) && (node.is_some() || header.is_none()) {
                warn(name, at, usual, desk);
            }
            let known = known.unwrap_or_else(|right| right);
            match header {
                Some((_, header)) => Some(token(header?, &known)),
                None => of_usual(usual, &known),
            }
        }
    };
    read.filter(|_| !doubled)
}

fn warn(name: &str, at: Place, usual: &Usual, desk: &mut Desk<'_>) {
    let message = format!("source '{name}' asks for no secret: whoever knows its address can send events");
    desk.findings.warning(at, message, usual.help);
}

/// What is asked where only `secrets` is written.
fn of_usual(usual: &Usual, secrets: &[SecretString]) -> Option<Proof> {
    if secrets.is_empty() {
        return Some(Proof::Nothing);
    }
    match usual.way {
        Way::Token(header) => Some(token(Header::parse(header)?, secrets)),
        Way::Hmac { algorithm, header, encoding, prefix } => {
            let signature = Signature::of_body(keys(algorithm, secrets), Header::parse(header)?, encoding, prefix);
            Some(Proof::Signature(Box::new(signature)))
        }
    }
}

fn token(header: Header, secrets: &[SecretString]) -> Proof {
    if secrets.is_empty() {
        return Proof::Nothing;
    }
    Proof::Token(Token::new(header, Secrets::new(secrets.iter().map(ExposeSecret::expose_secret))))
}

fn keys(algorithm: Algorithm, secrets: &[SecretString]) -> Vec<Key> {
    secrets.iter().filter_map(|secret| Key::new(algorithm, secret.expose_secret().as_bytes())).collect()
}

/// A proof by Standard Webhooks; `None` when one of the secrets is none of theirs.
fn standard(secrets: &[SecretString], tolerance: Duration) -> Option<Proof> {
    // References that were left are no secrets.
    let known = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.contains("${"));
    let keys = known.map(standard_key).collect::<Option<Vec<_>>>()?;
    Some(Proof::Signature(Box::new(Signature::standard(keys, tolerance))))
}

/// One secret, or a list of them while one is being changed.
fn one_or_more(node: &Node, what: &str, desk: &mut Desk<'_>) -> Option<Vec<SecretString>> {
    let secrets: Vec<SecretString> = match &node.tree {
        Tree::List(_) => match desk.secrets(node, what) {
            Err(right) if right.is_empty() => return None,
            Ok(right) | Err(right) => right,
        },
        _ => vec![desk.secret(node, what)?.value.into()],
    };
    if secrets.is_empty() {
        let help = "with none in it nobody could send anything: set one, or remove the whole key";
        desk.findings.error_help(node.at, format!("{what} holds no secret"), help);
        return None;
    }
    Some(secrets)
}

/// `basic: { user, password }`.
fn basic_pair(node: &Node, desk: &mut Desk<'_>) -> Option<Basic> {
    if let Tree::Scalar(_, written) = &node.tree {
        // Written as it is sent: the password is in it.
        desk.resolver.values.add(written);
        let help = "write basic: { user: …, password: \"${NAME}\" }";
        desk.findings.error_help(node.at, "'basic' must be a map of 'user' and 'password'", help);
        return None;
    }
    let mut fields = Fields::of(node, "'basic'", &mut desk.findings)?;
    let user = fields.require("user", &mut desk.findings).and_then(|node| {
        let user = desk.filled(node, "'user'")?;
        if user.value.contains(':') && user.state != State::Left {
            desk.findings.error(node.at, "'user' cannot have a ':': it ends where the first one stands");
            return None;
        }
        Some(user)
    });
    let password = fields.require("password", &mut desk.findings);
    let passwords = password.and_then(|node| one_or_more(node, "'password'", desk));
    fields.finish(&mut desk.findings);
    let (user, passwords) = (user?, passwords?);
    let passwords: Vec<&str> = passwords.iter().map(ExposeSecret::expose_secret).collect();
    for password in passwords.iter().filter(|password| !password.contains("${")) {
        desk.resolver.values.add_basic(&user.value, password);
    }
    Some(Basic::new(&user.value, passwords))
}

/// What a `scheme` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Standard,
    Hmac(Algorithm),
    Token,
}

/// The words of `scheme`.
const SCHEMES: [(&str, Scheme); 5] = [
    ("standard-webhooks", Scheme::Standard),
    ("hmac-sha256", Scheme::Hmac(Algorithm::Sha256)),
    ("hmac-sha1", Scheme::Hmac(Algorithm::Sha1)),
    ("hmac-sha512", Scheme::Hmac(Algorithm::Sha512)),
    ("token", Scheme::Token),
];

/// The keys of `signature` beside `scheme` and `secrets`, as they stand in the file.
#[derive(Clone, Copy)]
struct Written<'n> {
    header: Option<&'n Node>,
    encoding: Option<&'n Node>,
    prefix: Option<&'n Node>,
    signed: Option<&'n Node>,
    timestamp_header: Option<&'n Node>,
    tolerance: Option<&'n Node>,
}

impl Written<'_> {
    /// Reports the keys that say nothing at this scheme.
    fn judge(&self, scheme: Scheme, desk: &mut Desk<'_>) -> Option<()> {
        let keys = [
            ("header", self.header, scheme != Scheme::Standard),
            ("prefix", self.prefix, scheme != Scheme::Standard),
            ("encoding", self.encoding, matches!(scheme, Scheme::Hmac(_))),
            ("signed", self.signed, matches!(scheme, Scheme::Hmac(_))),
            ("timestamp_header", self.timestamp_header, matches!(scheme, Scheme::Hmac(_))),
            ("tolerance", self.tolerance, scheme != Scheme::Token),
        ];
        let help = match scheme {
            Scheme::Standard => "Standard Webhooks fixes the headers and what is signed: remove it",
            _ => "a token is sent as it is, not signed: remove it, or use a scheme that signs",
        };
        let mut fine = Some(());
        for (key, node, _) in keys.into_iter().filter(|(.., fits)| !fits) {
            if let Some(node) = node {
                let word = SCHEMES.iter().find(|(_, one)| *one == scheme).map_or("", |(word, _)| *word);
                desk.findings.error_help(node.at, format!("'{key}' does not go with scheme {word}"), help);
                fine = None;
            }
        }
        fine
    }
}

/// `signature: { scheme, secrets, … }`.
fn signed(node: &Node, usual: &Usual, desk: &mut Desk<'_>) -> Option<Proof> {
    let mut fields = Fields::of(node, "'signature'", &mut desk.findings)?;
    let scheme = fields.require("scheme", &mut desk.findings).and_then(|node| {
        let word = text(node, "'scheme'", &mut desk.findings)?;
        one_of(word, "scheme", &SCHEMES, node.at, &mut desk.findings)
    });
    let listed = fields.require("secrets", &mut desk.findings);
    let secrets = listed.and_then(|node| one_or_more(node, "'secrets'", desk));
    let written = Written {
        header: fields.take("header"),
        encoding: fields.take("encoding"),
        prefix: fields.take("prefix"),
        signed: fields.take("signed"),
        timestamp_header: fields.take("timestamp_header"),
        tolerance: fields.take("tolerance"),
    };
    let place = fields.place();
    fields.finish(&mut desk.findings);
    let scheme = scheme?;
    written.judge(scheme, desk)?;
    match scheme {
        Scheme::Standard => {
            let tolerance = tolerance(written.tolerance, desk);
            let (secrets, tolerance) = (secrets?, tolerance?);
            let proof = standard(&secrets, tolerance);
            if let (None, Some(node)) = (&proof, listed) {
                let help = "the sender shows it as whsec_ and Base64";
                desk.findings.error_help(node.at, "'secrets' has one that is no secret of Standard Webhooks", help);
            }
            proof
        }
        Scheme::Token => {
            let header = match (written.header, usual.way) {
                (Some(node), _) => header_name(node, "'header'", desk),
                (None, Way::Token(header)) => Header::parse(header),
                (None, _) => Header::parse(SECRET_HEADER),
            };
            let prefix = written.prefix.map(|node| text(node, "'prefix'", &mut desk.findings).map(str::to_owned));
            let Proof::Token(mut token) = token(header?, &secrets?) else { return None };
            if let Some(prefix) = prefix {
                token.prefix = prefix?;
            }
            Some(Proof::Token(token))
        }
        Scheme::Hmac(algorithm) => hmac(algorithm, secrets, &written, usual, place, desk),
    }
}

fn hmac(
    algorithm: Algorithm,
    secrets: Option<Vec<SecretString>>,
    written: &Written<'_>,
    usual: &Usual,
    place: Place,
    desk: &mut Desk<'_>,
) -> Option<Proof> {
    let header = match (written.header, usual.way) {
        (Some(node), _) => header_name(node, "'header'", desk),
        (None, Way::Hmac { header, .. }) => Header::parse(header),
        (None, _) => {
            let help = "name the one in which the sender sends the signature: header: X-Signature";
            desk.findings.error_help(place, "'header' is missing: an HMAC needs it", help);
            None
        }
    };
    let encoding = match written.encoding {
        None => Some(Encoding::Hex),
        Some(node) => text(node, "'encoding'", &mut desk.findings).and_then(|word| {
            let words = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
            one_of(word, "encoding", &words, node.at, &mut desk.findings)
        }),
    };
    let prefix = match written.prefix {
        None => Some(""),
        Some(node) => text(node, "'prefix'", &mut desk.findings),
    };
    let stamp = stamp(written, desk);
    let signed = what_is_signed(written, desk);
    Some(Proof::Signature(Box::new(Signature {
        signed: signed?,
        stamp: stamp?,
        ..Signature::of_body(keys(algorithm, &secrets?), header?, encoding?, prefix?)
    })))
}

/// `timestamp_header` and `tolerance`.
fn stamp(written: &Written<'_>, desk: &mut Desk<'_>) -> Option<Option<Stamp>> {
    let Some(node) = written.timestamp_header else {
        let Some(node) = written.tolerance else { return Some(None) };
        let help = "name the header with the time: timestamp_header: X-Request-Timestamp";
        desk.findings.error_help(node.at, "'tolerance' goes with 'timestamp_header', which is missing", help);
        return None;
    };
    let header = header_name(node, "'timestamp_header'", desk);
    let tolerance = tolerance(written.tolerance, desk);
    Some(Some(Stamp { header: header?, tolerance: tolerance? }))
}

fn tolerance(node: Option<&Node>, desk: &mut Desk<'_>) -> Option<Duration> {
    let [least, most] = TOLERANCES;
    node.map_or(Some(TOLERANCE), |node| desk.duration(node, "'tolerance'", least, most))
}

/// `signed`, held against `timestamp_header`.
fn what_is_signed(written: &Written<'_>, desk: &mut Desk<'_>) -> Option<Signed> {
    let (signed, at) = match written.signed {
        None => (Signed::body(), None),
        Some(node) => {
            let pattern = text(node, "'signed'", &mut desk.findings)?;
            match Signed::parse(pattern) {
                Ok(signed) => (signed, Some(node.at)),
                Err(place) => {
                    let message = format!("'signed' has an unknown place {place}{}", did_you_mean(&place, PLACES));
                    let help = format!("it may have {}, and text between them", PLACES.join(", "));
                    desk.findings.error_help(node.at, message, help);
                    return None;
                }
            }
        }
    };
    if let (Some(at), false) = (at, signed.has_body()) {
        let help = "write what the sender signs: \"{body}\", or \"{timestamp}.{body}\"";
        desk.findings.error_help(at, "'signed' is without {body}: the signature would fit every webhook", help);
        return None;
    }
    match (written.timestamp_header, signed.has_timestamp()) {
        (None, true) => {
            let help = "name the header that holds it: timestamp_header: X-Request-Timestamp";
            desk.findings.error_help(at?, "'signed' has {timestamp}, and 'timestamp_header' is missing", help);
            None
        }
        (Some(node), false) => {
            let help = "write what the sender signs, as in  signed: \"{timestamp}.{body}\"  or remove the key";
            let message = "the time in this header is not signed: whoever saw a webhook could send it with a new one";
            desk.findings.error_help(node.at, message, help);
            None
        }
        _ => Some(signed),
    }
}

fn header_name(node: &Node, what: &str, desk: &mut Desk<'_>) -> Option<Header> {
    let written = text(node, what, &mut desk.findings)?;
    let header = Header::parse(written.trim());
    if header.is_none() {
        let help = "letters, digits and '-', as in X-Signature";
        desk.findings.error_help(node.at, format!("{what} is no name of a header"), help);
    }
    header
}
