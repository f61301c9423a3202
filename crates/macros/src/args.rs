//! The arguments of `#[selvedge::test(…)]`: names, types and values.
//!
//! Invariants: [`KNOWN`] is the only list of arguments; each argument leaves here as a name and a
//! value in the grammar that the environment uses as well; all errors of one attribute are reported
//! together.

use proc_macro2::Span;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, Ident, Lit, Token};

use crate::spec::StrategySpec;
use crate::{base32, grammar};

/// What an argument takes.
#[derive(Clone, Copy)]
enum Kind {
    /// Nothing: its presence is the value.
    Flag,
    /// An integer in this range.
    Count { least: u64, most: u64 },
    /// A string in a grammar of its own.
    Text { valid: fn(&str) -> bool, expected: &'static str },
}

/// An argument by name.
struct Known {
    name: &'static str,
    kind: Kind,
    /// Whether it means something on the real scheduler.
    production: bool,
}

/// The largest count where the configuration keeps 32 bits.
const SMALL: u64 = u32::MAX as u64;

const fn known(name: &'static str, production: bool, kind: Kind) -> Known {
    Known { name, kind, production }
}

/// Every argument there is.
const KNOWN: &[Known] = &[
    known("executions", true, Kind::Count { least: 1, most: u64::MAX }),
    known(
        "time",
        true,
        Kind::Text {
            valid: |text| grammar::parse_duration(text).is_some(),
            expected: grammar::EXPECTED_DURATION,
        },
    ),
    known(
        "strategy",
        false,
        Kind::Text { valid: |text| StrategySpec::parse(text).is_some(), expected: StrategySpec::EXPECTED },
    ),
    known("exhaustive", false, Kind::Flag),
    known("preemptions", false, Kind::Count { least: 0, most: SMALL }),
    known("delays", false, Kind::Count { least: 0, most: SMALL }),
    known(
        "leaks",
        true,
        Kind::Text { valid: |text| grammar::parse_leaks(text).is_some(), expected: grammar::EXPECTED_LEAKS },
    ),
    known(
        "seed",
        false,
        Kind::Text { valid: |text| base32::decode(text).is_some(), expected: grammar::EXPECTED_SEED },
    ),
    known("jobs", false, Kind::Count { least: 1, most: SMALL }),
    known("steps", false, Kind::Count { least: 1, most: SMALL }),
    known("spurious", false, Kind::Count { least: 0, most: SMALL }),
    known(
        "memory",
        false,
        Kind::Text {
            valid: |text| grammar::parse_memory(text).is_some(),
            expected: grammar::EXPECTED_MEMORY,
        },
    ),
    known(
        "timers",
        false,
        Kind::Text {
            valid: |text| grammar::parse_timers(text).is_some(),
            expected: grammar::EXPECTED_TIMERS,
        },
    ),
    known(
        "stack",
        true,
        Kind::Text { valid: |text| grammar::parse_stack(text).is_some(), expected: grammar::EXPECTED_STACK },
    ),
    known("production", true, Kind::Flag),
];

/// A checked argument.
pub(crate) struct Argument {
    pub(crate) name: String,
    /// In the grammar of the environment: `10000`, `30s`, and `true` for a flag.
    pub(crate) value: String,
    span: Span,
}

/// A checked list of arguments.
pub(crate) struct Arguments(pub(crate) Vec<Argument>);

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Arguments> {
        let mut list: Vec<Argument> = Vec::new();
        let mut errors: Option<syn::Error> = None;
        let mut fail = |error: syn::Error| match &mut errors {
            Some(errors) => errors.combine(error),
            None => errors = Some(error),
        };
        for written in input.parse_terminated(Written::parse, Token![,])? {
            match written.check() {
                Ok(argument) if list.iter().any(|other| other.name == argument.name) => {
                    let message = format!("argument `{}` is given twice", argument.name);
                    fail(syn::Error::new(argument.span, message));
                }
                Ok(argument) => list.push(argument),
                Err(error) => fail(error),
            }
        }
        contradictions(&list).into_iter().for_each(&mut fail);
        errors.map_or(Ok(Arguments(list)), Err)
    }
}

/// An argument as written.
struct Written {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> syn::Result<Written> {
        let name: Ident = input.parse().map_err(|error| {
            syn::Error::new(error.span(), format!("expected an argument: {}", names(|_| true)))
        })?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Written { name, value })
    }
}

impl Written {
    fn check(self) -> syn::Result<Argument> {
        let name = self.name.to_string();
        let span = self.name.span();
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            let message = format!("unknown argument `{name}`; the arguments are {}", names(|_| true));
            return Err(syn::Error::new(span, message));
        };
        let is_flag =
            |value: &str| KNOWN.iter().any(|known| known.name == value && matches!(known.kind, Kind::Flag));
        let value = match (known.kind, self.value) {
            (Kind::Flag, None) => "true".to_owned(),
            (Kind::Flag, Some(value)) => {
                let message = format!("argument `{name}` takes no value; found `{}`", source(&value));
                return Err(syn::Error::new_spanned(value, message));
            }
            (kind, None) => {
                let message = format!("argument `{name}` needs a value: {}", kind.expected());
                return Err(syn::Error::new(span, message));
            }
            (kind, Some(value)) => kind.read(&value).map_err(|expected| {
                let written = source(&value);
                let flag = written.trim_matches('"');
                let instead = if is_flag(flag) {
                    format!("; `{flag}` is an argument of its own")
                } else {
                    String::new()
                };
                let message = format!("argument `{name}` = {written}: expected {expected}{instead}");
                syn::Error::new_spanned(&value, message)
            })?,
        };
        Ok(Argument { name, value, span })
    }
}

impl Kind {
    fn expected(self) -> &'static str {
        match self {
            Kind::Flag => "nothing",
            Kind::Count { least: 0, .. } => grammar::EXPECTED_COUNT,
            Kind::Count { .. } => grammar::EXPECTED_POSITIVE,
            Kind::Text { expected, .. } => expected,
        }
    }

    /// The value in the grammar of the environment, or what was expected instead.
    fn read(self, value: &Expr) -> Result<String, String> {
        let literal = match value {
            Expr::Lit(ExprLit { lit, attrs }) if attrs.is_empty() => Some(lit),
            _ => None,
        };
        match (self, literal) {
            (Kind::Count { least, most }, Some(Lit::Int(number))) if number.suffix().is_empty() => {
                match number.base10_parse::<u64>() {
                    Ok(number) if number < least => Err(self.expected().to_owned()),
                    Ok(number) if number <= most => Ok(number.to_string()),
                    _ => Err(format!("at most {most}")),
                }
            }
            (Kind::Text { valid, .. }, Some(Lit::Str(text))) if valid(&text.value()) => Ok(text.value()),
            _ => Err(self.expected().to_owned()),
        }
    }
}

/// Arguments that do nothing beside others: better an error than a test that is not what it says.
fn contradictions(list: &[Argument]) -> Vec<syn::Error> {
    let find = |name: &str| list.iter().find(|argument| argument.name == name);
    let mut errors = Vec::new();
    if find("production").is_some() {
        for argument in list {
            let known = KNOWN.iter().find(|known| known.name == argument.name);
            if known.is_some_and(|known| !known.production) {
                let allowed = names(|known| known.production && known.name != "production");
                let message = format!(
                    "argument `{}` means nothing with `production`, where the real scheduler decides; \
                     what goes with it is {allowed}",
                    argument.name
                );
                errors.push(syn::Error::new(argument.span, message));
            }
        }
    }
    if let (Some(_), Some(strategy)) = (find("exhaustive"), find("strategy"))
        && !StrategySpec::parse(&strategy.value).is_some_and(StrategySpec::is_exhaustive)
    {
        let message = format!(
            "argument `strategy` = {:?} contradicts `exhaustive`: only \"dfs\" and \"optimal\" get to an end",
            strategy.value
        );
        errors.push(syn::Error::new(strategy.span, message));
    }
    if let Some(strategy) = find("strategy").and_then(|argument| StrategySpec::parse(&argument.value)) {
        let bounds = [
            ("preemptions", strategy.keeps_preemptions(), "\"optimal\", \"frontier\" and \"dfs\" do"),
            ("delays", strategy.keeps_delays(), "\"dfs\" does"),
        ];
        for (name, _, expected) in bounds.into_iter().filter(|(_, keeps, _)| !keeps) {
            let Some(bound) = find(name) else { continue };
            let message = format!("strategy \"{strategy}\" does not keep to `{name}`: only {expected}");
            errors.push(syn::Error::new(bound.span, message));
        }
    }
    errors
}

/// The names of some arguments, for messages.
fn names(wanted: fn(&Known) -> bool) -> String {
    let names: Vec<String> =
        KNOWN.iter().filter(|known| wanted(known)).map(|known| format!("`{}`", known.name)).collect();
    names.join(", ")
}

/// An expression as the user wrote it, near enough.
fn source(value: &Expr) -> String {
    value.to_token_stream().to_string()
}
