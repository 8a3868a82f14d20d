package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

class UserNetworkTest {
    private static final String TABLE = """
            Hub -1 (net):\r
              Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r
              TCP[ESTABLISHED]   20       127.0.0.1 11111       10.0.2.15  8080     0     0\r
              TCP[HOST_FORWARD]  14       127.0.0.1 37677       10.0.2.15  8080     0     0\r
              TCP[HOST_FORWARD]  13       127.0.0.1 36963       10.0.2.15  8081     0     0\r
            """;

    @Test
    void thePortsAreReadFromQemusTable() throws Exception {
        assertThat(UserNetwork.forwarded(TABLE, 8080))
                .isEqualTo(new InetSocketAddress(InetAddress.getLoopbackAddress(), 37677));
        assertThat(UserNetwork.forwarded(TABLE, 8081))
                .isEqualTo(new InetSocketAddress(InetAddress.getLoopbackAddress(), 36963));
        assertThatThrownBy(() -> UserNetwork.forwarded(TABLE, 80)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> UserNetwork.forwarded("", 8080)).isInstanceOf(IOException.class);
    }

    @Test
    void aDoorOnAllAddressesIsReachedOnLoopback() {
        var network = new UserNetwork(new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 4711));
        assertThat(network.arguments().getLast()).contains("restrict=on", "TCP4:127.0.0.1:4711");
    }
}
