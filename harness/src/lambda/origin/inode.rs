//! The inode of a TCP socket on Linux.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, SocketId, StateFlags},
};
use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};
use procfs::{ProcResult, net};

/// Linux answers about one socket with less than this.
const ANSWER_BYTES: usize = 4096;

/// Returns the inode of the socket at `client`, which is connected to `server`.
///
/// Errors: the system does not say.
pub(super) fn of(client: SocketAddr, server: SocketAddr) -> io::Result<Option<u64>> {
    // The kernel looks this one socket up. It answers "not found" also where its module for such
    // questions is missing, so then all sockets are listed, which takes longer the more there are.
    match ask(client, server) {
        Ok(Some(inode)) => Ok(Some(inode)),
        Ok(None) | Err(_) => search(client, server).map_err(io::Error::other),
    }
}

/// Asks the kernel for one socket, by sock_diag(7).
fn ask(client: SocketAddr, server: SocketAddr) -> io::Result<Option<u64>> {
    let (source, destination) = (client.ip().to_canonical(), server.ip().to_canonical());
    let request = InetRequest {
        family: match source {
            IpAddr::V4(_) => AF_INET,
            IpAddr::V6(_) => AF_INET6,
        },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id: SocketId {
            source_port: client.port(),
            destination_port: server.port(),
            source_address: source,
            destination_address: destination,
            interface_id: 0,
            cookie: [0xff; 8],
        },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);

    let kernel = Socket::new(NETLINK_SOCK_DIAG)?;
    kernel.connect(&netlink_sys::SocketAddr::new(0, 0))?;
    kernel.send(&bytes, 0)?;
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    kernel.recv(&mut answer, 0)?;
    let answer =
        NetlinkMessage::<SockDiagMessage>::deserialize(&answer).map_err(io::Error::other)?;
    match answer.payload {
        NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(found)) => {
            Ok(Some(found.header.inode.into()))
        }
        NetlinkPayload::Error(error) => match error.to_io() {
            error if error.kind() == io::ErrorKind::NotFound => Ok(None),
            error => Err(error),
        },
        _ => Err(io::Error::other("the kernel answered something else")),
    }
}

/// Searches the list of all sockets.
fn search(client: SocketAddr, server: SocketAddr) -> ProcResult<Option<u64>> {
    let ends = (client.ip().to_canonical(), client.port());
    let find = |sockets: Vec<net::TcpNetEntry>| {
        sockets.into_iter().find_map(|socket| {
            let local = socket.local_address;
            let found = (local.ip().to_canonical(), local.port()) == ends
                && socket.remote_address.port() == server.port();
            found.then_some(socket.inode)
        })
    };
    match find(net::tcp()?) {
        Some(socket) => Ok(Some(socket)),
        // Some runtimes connect to IPv4 addresses by IPv6 sockets. Without IPv6 there is no list.
        None => Ok(find(net::tcp6().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, TcpListener, TcpStream},
        os::{fd::AsFd, linux::fs::MetadataExt},
    };

    use super::*;

    fn inode(socket: &TcpStream) -> u64 {
        let file = std::fs::File::from(socket.as_fd().try_clone_to_owned().unwrap());
        file.metadata().unwrap().st_ino()
    }

    /// Both ways, since each kernel uses one of them.
    #[test]
    fn a_socket_is_found_by_its_two_addresses() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = listener.local_addr().unwrap();
        let sockets = [0; 2].map(|_| TcpStream::connect(server).unwrap());
        for socket in &sockets {
            let client = socket.local_addr().unwrap();
            assert_eq!(ask(client, server).unwrap(), Some(inode(socket)));
            assert_eq!(search(client, server).unwrap(), Some(inode(socket)));
            // The accepted end is another socket.
            assert_ne!(of(server, client).unwrap(), Some(inode(socket)));
        }
        let nowhere = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 1);
        assert_eq!(of(nowhere, server).unwrap(), None);
    }

    /// Java connects to IPv4 addresses by such sockets.
    #[test]
    fn an_ipv6_socket_that_is_connected_to_an_ipv4_address_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = listener.local_addr().unwrap();
        let mapped = SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), server.port());
        let socket = TcpStream::connect(mapped).unwrap();
        let (_accepted, client) = listener.accept().unwrap();
        assert_eq!(ask(client, server).unwrap(), Some(inode(&socket)));
        assert_eq!(search(client, server).unwrap(), Some(inode(&socket)));
    }
}
