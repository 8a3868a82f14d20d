package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class HostCpuTest {
    private static final String VIRTUAL = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2596.138\n";
    private static final String REAL =
            "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.20GHz\ncpu MHz\t\t: 3401.000\n";

    @Test
    void theCountersRateIsNotThePresentClock() {
        assertThat(HostCpu.tscKhz(VIRTUAL, Optional.empty())).hasValue(2_596_138);
        assertThat(HostCpu.tscKhz(REAL, Optional.empty())).hasValue(2_200_000);
        assertThat(HostCpu.tscKhz(REAL, Optional.of("2300000\n"))).hasValue(2_300_000);
        assertThat(HostCpu.tscKhz("", Optional.of("none"))).isEmpty();
    }

    @Test
    void theModelIsTold() {
        assertThat(HostCpu.model(VIRTUAL)).isEqualTo("AMD EPYC");
        assertThat(HostCpu.model("")).isEqualTo("unknown");
    }
}
