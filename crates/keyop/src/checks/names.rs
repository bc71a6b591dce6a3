//! Names of certificates.

use keyward_wire::extensions::ServerName;

use crate::error::CheckError;

/// Checks that each is a DNS name, or `*.` and a DNS name, in lower case, and that there is at least one and no more
/// than `max`.
pub(crate) fn check_names<'a>(
    names: impl IntoIterator<Item = &'a str>,
    max: usize,
) -> Result<Vec<String>, CheckError> {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() || names.len() > max {
        return Err(CheckError::NumberOfNames { found: names.len() });
    }
    names
        .into_iter()
        .map(|name| {
            let host = name.strip_prefix("*.").unwrap_or(name);
            match host.parse::<ServerName>() {
                Ok(parsed) if parsed.as_str() == host => Ok(name.to_owned()),
                _ => Err(CheckError::NameNotDns),
            }
        })
        .collect()
}
