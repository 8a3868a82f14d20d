package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.agentapi.Health;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What a driver that makes templates must do; the others have nothing to show here. */
abstract class TemplateContract extends ContractMachines {
    private static final String MARKS = "cat /run/mark /mark /own 2>&1";

    /** A template of a machine that has a mark in its memory and one on its disk. */
    protected final Path template() throws Exception {
        MachineSpec spec = spec(Map.of());
        Assumptions.assumeTrue(driver().templateKey(spec).isPresent(), "this driver makes no templates");
        Path template = Files.createDirectory(folder.resolve("template"));
        Machine machine =
                start(driver(), spec.from(new Origin.ForTemplate(template)), new RecordingLedger(resource -> {}));
        assertThat(readiness(machine).status()).isEqualTo(Health.TEMPLATE);
        assertThat(ContractGuest.run(machine, "echo in memory >/run/mark; echo on disk >/mark; cat /run/mark /mark"))
                .isEqualTo("in memory\non disk\n");
        machine.snapshot();
        assertThat(machine.destroy()).isEmpty();
        assertThat(left(spec)).isEmpty();
        return template;
    }

    protected final MachineSpec clone(Path template) throws IOException {
        return spec(Map.of()).from(new Origin.FromTemplate(template));
    }

    private static Map<Path, Long> sizes(Path template) throws IOException {
        try (Stream<Path> files = Files.list(template)) {
            return Map.copyOf(files.collect(java.util.stream.Collectors.toMap(
                    each -> each, each -> each.toFile().length())));
        }
    }

    @Test
    void machinesGoOnFromATemplateAsThemselves() throws Exception {
        Path template = template();
        Map<Path, Long> before = sizes(template);
        MachineSpec first = clone(template);
        MachineSpec second = clone(template);
        long began = System.nanoTime();
        Machine one = ready(first);
        System.out.println("from a template: agent ready after "
                + Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms");
        Machine two = ready(second);

        assertThat(ContractGuest.run(one, "cat /run/sallyport/facts")).contains("machine_id=" + first.id(), "address=");
        assertThat(ContractGuest.run(two, "cat /run/sallyport/facts")).contains("machine_id=" + second.id());
        assertThat(ContractGuest.run(one, "echo one >/own; " + MARKS)).isEqualTo("in memory\non disk\none\n");
        assertThat(ContractGuest.run(two, MARKS))
                .startsWith("in memory\non disk\n")
                .contains("No such file");
        // 8 MiB of writes go to the disk and come back from it.
        assertThat(ContractGuest.run(
                                two,
                                "dd if=/dev/urandom of=/big bs=1M count=8 2>/dev/null; sha256sum /big; sync;"
                                        + " echo 3 >/proc/sys/vm/drop_caches; sha256sum /big")
                        .lines()
                        .distinct())
                .hasSize(1);
        assertThat(ContractGuest.run(one, "dd if=/dev/hwrng bs=512 count=1 2>/dev/null | wc -c")
                        .strip())
                .as("a source of entropy, where the guest has one")
                .isIn("512", "0");
        assertThat(sizes(template)).isEqualTo(before);
        assertThat(one.destroy()).isEmpty();
        assertThat(left(first)).isEmpty();
        // The template serves again, also by another driver's object.
        ready(clone(template));
    }

    @Test
    void aMachineFromATemplateIsAdopted() throws Exception {
        MachineSpec spec = clone(template());
        var ledger = new RecordingLedger(resource -> {});
        Machine machine = start(driver(), spec, ledger);
        readiness(machine);
        machine.leave();
        machines.remove(machine);
        doors.getLast().close();

        Optional<Machine> adopted =
                driver().adopt(spec, machine.handle(), ledger.toUndo().reversed(), ledger, (step, text, details) -> {});
        assertThat(adopted).isPresent();
        machines.add(adopted.get());
        assertThat(ContractGuest.run(adopted.get(), "cat /run/mark")).isEqualTo("in memory\n");
    }

    @Test
    void aTemplateThatIsNotWhatItWasIsRefused() throws Exception {
        Path template = template();
        MachineSpec spec = clone(template);
        try (Stream<Path> files = Files.list(template)) {
            Path largest = files.max(java.util.Comparator.comparingLong(
                            file -> file.toFile().length()))
                    .orElseThrow();
            try (FileChannel channel = FileChannel.open(largest, StandardOpenOption.WRITE)) {
                channel.write(java.nio.ByteBuffer.wrap(new byte[] {1}), 4096);
            }
        }
        refused(spec);
        refused(spec(Map.of()).from(new Origin.FromTemplate(Files.createDirectory(folder.resolve("nothing")))));
    }

    @Test
    void aTemplateOfAnotherShapeIsRefused() throws Exception {
        MachineSpec same = clone(template());
        MachineSpec larger = new MachineSpec(
                same.id(),
                same.type(),
                same.image(),
                same.memoryMib() + 64,
                same.cpus(),
                same.diskBytes(),
                same.directory(),
                same.facts(),
                same.egress(),
                same.origin());

        assertThat(driver().templateKey(larger)).isNotEqualTo(driver().templateKey(same));
        assertThat(driver().templateKey(spec(Map.of("hostname", "other")))).isEqualTo(driver().templateKey(same));
        refused(larger);
    }

    @Test
    void oneThatWasNotStartedForATemplateMakesNone() throws Exception {
        Machine machine = start(driver(), spec(Map.of()), new RecordingLedger(resource -> {}));

        assertThatThrownBy(machine::snapshot).isInstanceOf(IllegalStateException.class);
    }

    private void refused(MachineSpec spec) throws Exception {
        assertThatThrownBy(() -> driver().start(spec, new RecordingLedger(resource -> {}), (step, text, details) -> {}))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.TEMPLATE_UNUSABLE));
        assertThat(List.copyOf(left(spec))).isEmpty();
    }
}
