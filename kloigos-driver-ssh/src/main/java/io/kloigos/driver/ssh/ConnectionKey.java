package io.kloigos.driver.ssh;

import io.kloigos.model.HostAddress;

/**
 * What sessions must have in common to share a connection.
 *
 * @param hostname the name under which Kloigos manages the host
 * @param ip where it is
 * @param port sshd's port
 * @param user the login
 */
record ConnectionKey(String hostname, String ip, int port, String user) {
    static ConnectionKey of(HostAddress address, SshSettings settings) {
        Integer port = address.sshPort();
        String user = address.sshUser();
        return new ConnectionKey(
                address.hostname(),
                address.ip(),
                port == null ? settings.defaultPort() : port,
                user == null ? settings.defaultUser() : user);
    }

    boolean isRoot() {
        return user.equals("root");
    }
}
