package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubnetTest {
    @Test
    void eachNetworkHasFourAddresses() {
        Subnet subnet = Subnet.parse("10.213.0.0/16");
        assertThat(subnet.networks()).isEqualTo(16384);
        assertThat(subnet.host(0).getHostAddress()).isEqualTo("10.213.0.1");
        assertThat(subnet.guest(0).getHostAddress()).isEqualTo("10.213.0.2");
        assertThat(subnet.host(16383).getHostAddress()).isEqualTo("10.213.255.253");
        assertThat(subnet.guest(64).getHostAddress()).isEqualTo("10.213.1.2");
        for (int network : new int[] {0, 1, 77, 16383}) {
            assertThat(subnet.networkOf(subnet.host(network))).isEqualTo(network);
            assertThat(subnet.networkOf(subnet.guest(network))).isEqualTo(network);
        }
        assertThat(Subnet.parse("192.168.7.4/30").networks()).isEqualTo(1);
        assertThat(Subnet.parse("192.168.7.4/30").guest(0).getHostAddress()).isEqualTo("192.168.7.6");
    }

    @Test
    void otherAddressesAreInNone() {
        Subnet subnet = Subnet.parse("10.213.0.0/16");
        for (String other : new String[] {"10.212.255.255", "10.214.0.0", "127.0.0.1", "200.1.2.3", "::1"}) {
            assertThat(subnet.networkOf(InetAddress.ofLiteral(other))).as(other).isEqualTo(-1);
        }
        assertThat(Subnet.parse("200.0.0.0/8").networkOf(InetAddress.ofLiteral("200.255.255.255")))
                .isEqualTo(4194303);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.213.0.0",
                "10.213.0.1/16",
                "10.213.0.0/7",
                "10.213.0.0/31",
                "10.256.0.0/16",
                "a.b.c.d/16",
                "::/64"
            })
    void whatIsNoSubnetIsRefused(String text) {
        assertThatThrownBy(() -> Subnet.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
