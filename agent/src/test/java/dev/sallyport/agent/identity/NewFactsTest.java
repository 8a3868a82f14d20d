package dev.sallyport.agent.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.linux.Ipv4;
import dev.sallyport.model.VmType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NewFactsTest {
    private static final String DIGEST = "0123456789abcdef".repeat(4);
    private static final Facts TEMPLATE =
            new Facts("t-1", VmType.CLI, "a".repeat(64), "10.0.2.2:3128", "UEVN", "template", "l1,l2", true);

    private static List<String> lines() {
        return new ArrayList<>(List.of(
                "machine_id=m-1",
                "vm_type=cli",
                "token_sha256=" + DIGEST,
                "hostname=cli-1",
                "address=10.1.0.2/30",
                "gateway=10.1.0.1",
                "proxy=10.1.0.1:3128",
                "layers=l1,l2",
                "later_fact=x",
                "seed=" + DIGEST,
                "time_ms=1795800000123"));
    }

    @Test
    void theyReplaceAllButTheAuthorities() throws Exception {
        NewFacts facts = NewFacts.of(lines(), TEMPLATE, 7);

        assertThat(facts.facts())
                .isEqualTo(new Facts("m-1", VmType.CLI, DIGEST, "10.1.0.1:3128", "UEVN", "cli-1", "l1,l2", false));
        assertThat(facts.lines())
                .contains("ca_certificates=UEVN", "later_fact=x", "address=10.1.0.2/30")
                .noneMatch(line -> line.startsWith("seed="))
                .isSorted();
        assertThat(facts.address()).isEqualTo(Ipv4.Net.of("10.1.0.2/30"));
        assertThat(facts.gateway()).isEqualTo(Ipv4.of("10.1.0.1"));
        assertThat(facts.time()).isEqualTo(Instant.ofEpochMilli(1_795_800_000_123L));
        assertThat(facts.entropy()).isEqualTo(HexFormat.of().parseHex(DIGEST));
        assertThat(facts.readAt()).isEqualTo(7);
    }

    @Test
    void anAddressOrAGatewayMayStay() throws Exception {
        List<String> lines = lines();
        lines.removeIf(
                line -> line.startsWith("address=") || line.startsWith("gateway=") || line.startsWith("layers="));
        NewFacts facts = NewFacts.of(lines, TEMPLATE, 0);

        assertThat(facts.address()).isEmpty();
        assertThat(facts.gateway()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "machine_id=,machine_id",
        "machine_id=../x,machine_id",
        "vm_type=browser,vm_type",
        "token_sha256=hidden,token_sha256",
        "hostname=a b,hostname",
        "hostname=-a,hostname",
        "time_ms=12,time_ms",
        "time_ms=x,time_ms",
        "address=10.0.0.1,address",
        "gateway=hidden,gateway",
        "proxy=,proxy",
        "proxy=host:3128,proxy",
        "proxy=10.1.0.1:3129,port",
        "layers=l1,layers",
        "template=1,template's",
        "Bad=x,key=value",
    })
    void oneThatIsWrongRefusesAll(String line, String named) {
        List<String> lines = lines();
        String key = line.substring(0, line.indexOf('=') + 1);
        lines.removeIf(each -> each.startsWith(key));
        lines.add(line);

        assertThatThrownBy(() -> NewFacts.of(lines, TEMPLATE, 0))
                .isInstanceOf(NewFacts.Refused.class)
                .hasMessageContaining(named)
                .hasMessageNotContaining("hidden");
    }

    @ParameterizedTest
    @CsvSource({"machine_id=m-2,twice", "no equals,key=value", "x=a\u0001b,control"})
    void soDoesAFurtherLine(String line, String named) {
        List<String> lines = lines();
        lines.add(line);

        assertThatThrownBy(() -> NewFacts.of(lines, TEMPLATE, 0)).hasMessageContaining(named);
    }
}
