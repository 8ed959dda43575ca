//! The command-line options for the ports: one for each service.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use super::services::SERVICES;

/// The wanted port of each service by the service's name. Port 0 stands for any free one.
#[derive(Clone, Debug)]
pub struct Ports(BTreeMap<&'static str, u16>);

impl Ports {
    pub(super) fn of(&self, service: &str) -> u16 {
        self.0.get(service).copied().unwrap_or_default()
    }
}

impl Args for Ports {
    fn augment_args(command: Command) -> Command {
        SERVICES.iter().fold(command, |command, service| {
            let help = format!("{} [default: {}]", service.help, service.default_port);
            let port = Arg::new(service.option)
                .long(service.option)
                .value_name("PORT")
                .value_parser(value_parser!(u16))
                .help(help);
            command.arg(port)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Ports {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let port = |option| matches.get_one::<u16>(option).copied();
        let ports = SERVICES.iter().map(|service| {
            let port = port(service.option).unwrap_or(service.default_port);
            (service.name, port)
        });
        Ok(Self(ports.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        ports: Ports,
    }

    #[test]
    fn every_service_has_a_port_option_with_a_default() {
        let line = Line::parse_from(["dev", "--ws-port", "7", "--dynamodb-port=0"]);
        let expected = [
            ("http", 3000),
            ("ws", 7),
            ("lambda", 9000),
            ("dynamodb", 0),
            ("sqs", 0),
            ("s3", 0),
        ];
        assert_eq!(line.ports.0, BTreeMap::from(expected));
    }

    #[test]
    fn a_port_is_a_number() {
        assert!(Line::try_parse_from(["dev", "--ws-port", "65536"]).is_err());
    }
}
