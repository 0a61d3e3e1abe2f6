//! JSON with comments and trailing commas: both become spaces, so that every place in the file stays what it was.

use std::io::{BufRead, Read as _};

use jsonc_parser::tokens::Token;
use jsonc_parser::{Scanner, ScannerOptions};

use super::record::{FormatError, ImportError};
use crate::json::Fault;

/// Such files are written by people, and held as a whole.
const LONGEST: u64 = 64 << 20;

/// The file as JSON. What else is wrong with it is found when that is read.
pub(super) fn to_json(input: impl BufRead) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    input.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(FormatError::of_line(1, "the file is longer than 64 MiB, the limit for jsonc").into());
    }
    // JSON is read from bytes, and says where they are not UTF-8.
    let Ok(text) = String::from_utf8(bytes.clone()) else { return Ok(bytes) };
    let mut blanks = Vec::new();
    // The comma that comes last, if it follows a value.
    let mut comma = None;
    let mut after_value = false;
    let mut scanner = Scanner::new(&text, &OPTIONS);
    loop {
        let token = scanner.scan().map_err(|error| {
            let (line, column) = Fault::new(error.range().start, "").place(text.as_bytes());
            FormatError { line, column, reason: format!("not JSONC: {}", error.kind()) }
        })?;
        let range = scanner.token_start()..scanner.token_end();
        match token {
            None => break,
            Some(Token::CommentLine(_) | Token::CommentBlock(_)) => blanks.push(range),
            Some(Token::Comma) => {
                comma = Some(range).filter(|_| after_value);
                after_value = false;
            }
            Some(Token::CloseBrace | Token::CloseBracket) => {
                blanks.extend(comma.take());
                after_value = true;
            }
            Some(token) => {
                comma = None;
                after_value = !matches!(token, Token::OpenBrace | Token::OpenBracket | Token::Colon);
            }
        }
    }
    for byte in blanks.into_iter().flatten() {
        if !matches!(bytes[byte], b'\n' | b'\r') {
            bytes[byte] = b' ';
        }
    }
    Ok(bytes)
}

/// Nothing else of JSON5.
const OPTIONS: ScannerOptions = ScannerOptions {
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};
