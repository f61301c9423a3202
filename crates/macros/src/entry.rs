//! The expansion of `#[selvedge::main]`.
//!
//! Invariants: the function keeps its attributes, name and return type; its block runs as the main
//! goroutine of the runtime.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, ItemFn, Signature, Token};

use crate::testing::check_signature;

/// The arguments of `#[selvedge::main]`.
struct Arguments {
    /// `unsafe(migrate)`: the user vouches that no stack of theirs minds moving between threads.
    migrate: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Arguments> {
        if input.is_empty() {
            return Ok(Arguments { migrate: false });
        }
        let unknown =
            |span| syn::Error::new(span, "unknown argument of #[selvedge::main]; expected `unsafe(migrate)`");
        let start = input.span();
        let content;
        input.parse::<Token![unsafe]>().map_err(|_| unknown(start))?;
        syn::parenthesized!(content in input);
        let word: Ident = content.parse().map_err(|_| unknown(start))?;
        input.parse::<Option<Token![,]>>()?;
        if word != "migrate" || !content.is_empty() || !input.is_empty() {
            return Err(unknown(word.span()));
        }
        Ok(Arguments { migrate: true })
    }
}

/// The whole expansion, errors included.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item) {
        Ok(function) => function,
        Err(error) => {
            return syn::Error::new(error.span(), "#[selvedge::main] goes on `fn main`").to_compile_error();
        }
    };
    let checked = syn::parse2::<Arguments>(arguments)
        .and_then(|arguments| check_signature(&function.sig, "main").map(|()| arguments))
        .and_then(|arguments| check_name(&function.sig).map(|()| arguments));
    let ItemFn { attrs, vis, sig, block } = function;
    let Signature { ident, output, .. } = sig;
    match checked {
        Ok(Arguments { migrate }) => {
            let run = match migrate {
                false => quote!(::selvedge::runtime::main(__selvedge_body)),
                // SAFETY: of what is expanded: the user vouched for it in the attribute.
                true => quote!(unsafe { ::selvedge::runtime::main_migrating(__selvedge_body) }),
            };
            quote! {
                #(#attrs)*
                #vis fn #ident() #output {
                    fn __selvedge_body() #output #block
                    #run
                }
            }
        }
        // A `main` stays in any case: a second error about its absence would only distract.
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#error #[allow(dead_code)] fn #ident() {})
        }
    }
}

fn check_name(sig: &Signature) -> syn::Result<()> {
    if sig.ident == "main" {
        return Ok(());
    }
    let message = format!("#[selvedge::main] goes on `fn main`, not on `{}`", sig.ident);
    Err(syn::Error::new(sig.ident.span(), message))
}
