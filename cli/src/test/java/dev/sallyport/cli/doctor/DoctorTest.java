package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class DoctorTest {
    private final List<String> told = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private final Report report = new Report() {
        @Override
        public void waiting(String check) {
            told.add("waiting for " + check);
        }

        @Override
        public void tell(String check, List<Finding> found) {
            told.add(check);
            findings.addAll(found);
        }

        @Override
        public void end() {
            told.add("end");
        }
    };

    private interface Look {
        Finding at() throws IOException, InterruptedException;
    }

    private static Check check(String name, Look look) {
        return new Check() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public List<Finding> look() throws IOException, InterruptedException {
                return List.of(look.at());
            }
        };
    }

    @Test
    void checksRunSideBySideAndAreToldInOrder() throws Exception {
        var second = new CountDownLatch(1);
        List<Check> checks = List.of(
                check("a", () -> {
                    second.await();
                    return Finding.ok("waited for the second");
                }),
                check("b", () -> {
                    second.countDown();
                    return Finding.warning("late", "hurry");
                }));

        State worst = new Doctor(Duration.ofSeconds(30)).run(checks, List.of(), report);

        assertThat(worst).isEqualTo(State.WARNING);
        assertThat(told).filteredOn(line -> !line.startsWith("waiting")).containsExactly("a", "b", "end");
    }

    @Test
    void whatComesAfterwardsSeesTheOthersOver() throws Exception {
        var over = new CountDownLatch(1);
        State worst = new Doctor(Duration.ofSeconds(30))
                .run(
                        List.of(check("a", () -> {
                            over.countDown();
                            return Finding.broken("x", "y");
                        })),
                        List.of(check("b", () -> Finding.ok("others running: " + over.getCount()))),
                        report);
        assertThat(worst).isEqualTo(State.BROKEN);
        assertThat(findings.getLast().text()).isEqualTo("others running: 0");
    }

    @Test
    void whatGoesWrongInACheckIsAFindingOfIt() throws Exception {
        new Doctor(Duration.ofSeconds(30))
                .run(
                        List.of(
                                check("cause", () -> {
                                    throw FailureException.of(CauseCode.DISK_FULL, "Full to the brim.");
                                }),
                                check("io", () -> {
                                    throw new IOException("no such luck");
                                }),
                                check("defect", () -> {
                                    throw new IllegalStateException("impossible");
                                }),
                                check("fine", () -> Finding.ok("fine"))),
                        List.of(),
                        report);

        assertThat(findings)
                .extracting(Finding::state)
                .containsExactly(State.BROKEN, State.WARNING, State.BROKEN, State.OK);
        assertThat(findings.get(0).text()).contains("Full to the brim.").contains("DISK_FULL");
        assertThat(findings.get(0).remedy()).isEqualTo(CauseCode.DISK_FULL.remedy());
        assertThat(findings.get(1).text()).contains("no such luck");
        assertThat(findings.get(2).remedy()).contains("defect");
    }

    @Test
    void aCheckThatHangsIsGivenUp() throws Exception {
        var interrupted = new CountDownLatch(1);
        State worst = new Doctor(Duration.ofMillis(200))
                .run(
                        List.of(
                                check("hangs", () -> {
                                    try {
                                        new CountDownLatch(1).await();
                                    } finally {
                                        interrupted.countDown();
                                    }
                                    return Finding.ok("never");
                                }),
                                check("next", () -> Finding.ok("next"))),
                        List.of(),
                        report);
        assertThat(worst).isEqualTo(State.WARNING);
        assertThat(told).containsExactly("waiting for hangs", "hangs", "next", "end");
        assertThat(findings.getFirst().text()).contains("no answer within");
        assertThat(interrupted.getCount()).isZero();
    }
}
