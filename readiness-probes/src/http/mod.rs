//! http

mod https_redirect;

pub use self::https_redirect::HttpsRedirect;
