//! Which push services an application sends to. The endpoint of a subscription comes from a client,
//! so without a list a client could make the application call any address (SSRF).

/// The push services of the current browsers.
pub const KNOWN_SERVICES: &str = "fcm.googleapis.com,updates.push.services.mozilla.com,\
                                  *.push.apple.com,*.notify.windows.com";
/// The longest endpoint, in bytes. Those of real services have a few hundred.
const LONGEST_ENDPOINT: usize = 2_048;

/// The push services that endpoints may be at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services(Vec<Service>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Service {
    /// This host, by https at the default port.
    Host(String),
    /// The hosts that end with this text, which begins with a dot.
    Below(String),
    /// An origin as it is written: a stand-in on the machine of a developer.
    Origin(String),
}

/// Why a list of services, or an endpoint, is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServicesError {
    /// An entry of the list has another form.
    #[error(
        "{0} is no push service: write a host, `*.` and a host of at least two parts, or the origin of \
         a service on this machine (http://127.0.0.1:PORT)"
    )]
    Entry(String),
    /// The endpoint is not at one of the services.
    #[error("the endpoint is not at a known push service")]
    Endpoint,
}

impl Services {
    /// Parses a list with commas, for example [`KNOWN_SERVICES`]. An entry is a host, `*.` and a host
    /// for everything below it, or the origin of a service on this machine.
    ///
    /// # Errors
    /// Fails at the first entry of another form.
    pub fn parse(list: &str) -> Result<Self, ServicesError> {
        let entries = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        let service = |entry: &str| {
            let unknown = || ServicesError::Entry(entry.to_owned());
            if let Some(authority) = entry.strip_prefix("http://") {
                let (host, port) = authority.split_once(':').ok_or_else(unknown)?;
                let is_port = port.parse::<u16>().is_ok();
                return match host {
                    "127.0.0.1" | "localhost" if is_port => Ok(Service::Origin(entry.to_owned())),
                    _ => Err(unknown()),
                };
            }
            match entry.strip_prefix("*.") {
                Some(host) if is_name(host) => Ok(Service::Below(format!(".{host}"))),
                None if is_name(entry) => Ok(Service::Host(entry.to_owned())),
                _ => Err(unknown()),
            }
        };
        entries.map(service).collect::<Result<_, _>>().map(Self)
    }

    /// Checks that an endpoint is at one of the services: by https, at the default port, without a
    /// user, with a host of the list in lower case. It must be checked when the endpoint is stored,
    /// and again before each request, which must follow no redirects.
    ///
    /// # Errors
    /// Fails if the endpoint is anywhere else.
    pub fn require(&self, endpoint: &str) -> Result<(), ServicesError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if endpoint.len() > LONGEST_ENDPOINT || !endpoint.bytes().all(is_plain) {
            return Err(ServicesError::Endpoint);
        }
        let is_at = |service: &Service| match service {
            Service::Origin(origin) => endpoint
                .strip_prefix(origin.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
            Service::Host(host) => host_of(endpoint) == Some(host),
            Service::Below(end) => host_of(endpoint).is_some_and(|host| {
                let name = host.strip_suffix(end.as_str());
                name.is_some_and(|name| !name.is_empty())
            }),
        };
        if self.0.iter().any(is_at) {
            Ok(())
        } else {
            Err(ServicesError::Endpoint)
        }
    }
}

/// Returns the host of `https://HOST/…`, if it is a name in lower case, without a user and a port.
fn host_of(endpoint: &str) -> Option<&str> {
    let rest = endpoint.strip_prefix("https://")?;
    let (host, _) = rest.split_once('/')?;
    is_name(host).then_some(host)
}

/// Whether a text is a host name of at least two parts, and no address.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inner)
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && host.split('.').all(is_label)
        && last.bytes().any(|byte| byte.is_ascii_lowercase())
        // Hexadecimal numbers are addresses, too.
        && !last.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_endpoints_at_known_services_are_accepted() {
        let services = Services::parse(KNOWN_SERVICES).unwrap();
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
            "https://web.push.apple.com/QG",
            "https://wns2-by3p.notify.windows.com/w/?token=BQ%3d",
        ] {
            assert_eq!(services.require(endpoint), Ok(()), "{endpoint}");
        }
        let long = format!("https://fcm.googleapis.com/{}", "x".repeat(2_048));
        for endpoint in [
            "",
            "fcm.googleapis.com/x",
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com",
            "https://fcm.googleapis.com:443/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com@127.0.0.1/x",
            "https://user@fcm.googleapis.com/x",
            "https://fcm.googleapis.com.example.org/x",
            "https://xfcm.googleapis.com/x",
            "https://FCM.googleapis.com/x",
            "https://fcm.googleapis.com./x",
            "https://push.apple.com/x",
            "https://.push.apple.com/x",
            "https://evilpush.apple.com/x",
            "https://evil.example#.push.apple.com/x",
            "https://evil.example\\.push.apple.com/x",
            "https://evil.example?.push.apple.com/x",
            "https://127.0.0.1/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/x",
            "https://localhost/x",
            "https://db.internal/x",
            "http://127.0.0.1:3000/.local/push/messages/x",
            "https://fcm.googleapis.com/\nx",
            &long,
        ] {
            let refused = Err(ServicesError::Endpoint);
            assert_eq!(services.require(endpoint), refused, "{endpoint}");
        }
    }

    #[test]
    fn a_stand_in_is_one_origin_of_this_machine() {
        let services = Services::parse("http://127.0.0.1:3000, fcm.googleapis.com").unwrap();
        let local = "http://127.0.0.1:3000/.local/push/messages/x";
        assert_eq!(services.require(local), Ok(()));
        for endpoint in [
            "http://127.0.0.1:3001/x",
            "http://127.0.0.1:30001/x",
            "http://127.0.0.1:3000@evil.example/x",
            "https://127.0.0.1:3000/x",
        ] {
            assert!(services.require(endpoint).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn entries_of_another_form_are_errors() {
        for list in [
            "com",
            "*.com",
            "*",
            "127.0.0.1",
            "1.2.3.0x7f",
            "https://fcm.googleapis.com",
            "http://fcm.googleapis.com:80",
            "http://127.0.0.1",
            "http://127.0.0.1:x",
            "fcm.googleapis.com/x",
            "FCM.googleapis.com",
            "a..b",
        ] {
            assert!(Services::parse(list).is_err(), "{list}");
        }
        assert_eq!(Services::parse("").unwrap().0, []);
    }
}
