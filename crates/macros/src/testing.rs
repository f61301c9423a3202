//! The expansion of `#[selvedge::test]`.
//!
//! Invariants: the user's block moves unchanged into a nested function with the same return type;
//! everything else about the function stays where it was.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, Signature};

use crate::args::Arguments;

/// The whole expansion, errors included.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = syn::Error::new(error.span(), "#[selvedge::test] goes on a function with a body");
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    if let Err(error) = check_signature(&function.sig, "test") {
        return error.to_compile_error();
    }
    match syn::parse2::<Arguments>(arguments) {
        Ok(arguments) => expand_function(&function, &arguments),
        // The function stays, so that its own errors still show and its imports stay in use.
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#error #[allow(dead_code)] #function)
        }
    }
}

fn expand_function(function: &ItemFn, arguments: &Arguments) -> TokenStream {
    let ItemFn { attrs, vis, sig, block } = function;
    let Signature { ident, output, .. } = sig;
    let names = arguments.0.iter().map(|argument| &argument.name);
    let values = arguments.0.iter().map(|argument| &argument.value);
    // The name as the test runner shows it: a raw identifier loses its `r#` there.
    let name = syn::ext::IdentExt::unraw(ident).to_string();
    // On the user's tokens, so that a return type the harness cannot take is reported there.
    let call = quote_spanned! {output.span()=>
        ::selvedge::harness::run_attribute(&__SELVEDGE_TEST, &[#((#names, #values)),*], __selvedge_body)
    };
    // What is defined here is in scope in the user's block: names that nobody else has.
    quote! {
        #(#attrs)*
        // By its full path: under `use selvedge::test`, a bare `#[test]` would be this macro again.
        #[::core::prelude::v1::test]
        #vis fn #ident() #output {
            fn __selvedge_body() #output #block
            const __SELVEDGE_TEST: ::selvedge::harness::Test = ::selvedge::harness::Test {
                path: ::core::concat!(::core::module_path!(), "::", #name),
                file: ::core::file!(),
                line: ::core::line!(),
                package_root: ::core::env!("CARGO_MANIFEST_DIR"),
            };
            #call
        }
    }
}

/// Refuses what cannot run as the body of a goroutine without arguments.
pub(crate) fn check_signature(sig: &Signature, attribute: &str) -> syn::Result<()> {
    let fail = |span: proc_macro2::Span, what: &str| {
        Err(syn::Error::new(span, format!("#[selvedge::{attribute}] {what}")))
    };
    if let Some(token) = &sig.asyncness {
        return fail(
            token.span(),
            "takes no async functions; remove `async` and call `selvedge::future::block_on` in the body",
        );
    }
    if let Some(token) = &sig.constness {
        return fail(token.span(), "takes no const functions; remove `const`");
    }
    if let Some(token) = &sig.unsafety {
        return fail(token.span(), "takes no unsafe functions; put an `unsafe` block in the body");
    }
    if let Some(abi) = &sig.abi {
        return fail(abi.span(), "takes no extern functions; remove the ABI");
    }
    if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
        return fail(
            sig.generics.span(),
            "takes no generic functions; write a generic helper and call it from here",
        );
    }
    if let Some(input) = sig.inputs.first() {
        return fail(
            input.span(),
            "takes no parameters; for values to vary, call `selvedge::choose` in the body",
        );
    }
    Ok(())
}
