package dev.sallyport.acceptance.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.acceptance.signin.Leftovers;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.controller.Settings;
import dev.sallyport.image.Image;
import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.ImageVerifier;
import dev.sallyport.model.VmType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The fault suite: each fault is made for real, in a real image or around a real machine, and the session's cause must be the right
 * one, with the lines that prove it. What can be found offline, the verifier must find too. Healthy images and boots give no
 * finding and no cause.
 */
@Tag("machines")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class FaultsTest {
    private static final StageFolder FOLDER = new StageFolder("faults");
    private static final FaultTable TABLE = new FaultTable();
    private static @Nullable FaultStage opened;

    @BeforeAll
    static void open() throws Exception {
        opened = FaultStage.open(FOLDER.data().resolveSibling("stage"), Settings.Accelerator.TCG);
        opened.startReadyMachine();
    }

    private static FaultStage stage() {
        return Objects.requireNonNull(opened, "the stage is opened first");
    }

    @AfterAll
    static void close() throws Exception {
        TABLE.summary().forEach(System.out::println);
        if (opened != null) {
            opened.close();
        }
        assertThat(Leftovers.of(FOLDER.data().resolveSibling("stage"))).isEmpty();
    }

    /** No false alarm: the product's images have no finding, and a boot of each kind has no cause and no diagnosis. */
    @Test
    @Order(1)
    void whatIsSoundHasNoFindingAndNoCause() throws Exception {
        for (VmType type : VmType.values()) {
            assertThat(ImageVerifier.verify(stage().images().sound(type)))
                    .as("findings in the sound image %s", type)
                    .isEmpty();
        }
        Ended ended = stage().signInAndDecide("fault-sound", "demo", "approve");
        assertThat(ended.status()).as(ended.session().toString()).isEqualTo("completed");
        assertThat(ended.timeline())
                .noneMatch(event -> event.path("step").asText().endsWith(".diagnosed"));
    }

    @TestFactory
    @Order(2)
    Stream<DynamicTest> faults() {
        List<FaultCase> all = new ArrayList<>();
        all.addAll(UnitFaults.all());
        all.addAll(AgentFaults.all());
        all.addAll(MachineFaults.all());
        all.addAll(SignInFaults.all());
        Pattern only = Pattern.compile(System.getProperty("sallyport.test.fault", ""));
        TABLE.head().forEach(System.out::println);
        return all.stream()
                .filter(fault -> only.matcher(fault.name()).find())
                .map(fault -> DynamicTest.dynamicTest(fault.name(), () -> play(fault)));
    }

    private static void play(FaultCase fault) throws Exception {
        Image image = fault.image() == null ? null : fault.image().apply(stage().images());
        List<Finding> findings = image == null ? List.of() : ImageVerifier.verify(image);
        Ended ended = fault.scene().play(stage(), image);
        System.out.println(TABLE.row(fault, findings, ended));

        assertThat(ended.cause())
                .as("%s: %s; the evidence: %s", fault.name(), ended.detail(), String.join("\n", ended.evidence()))
                .isEqualTo(fault.cause().name());
        List<String> lines = new ArrayList<>(ended.evidence());
        lines.add(ended.detail());
        assertThat(lines).as("%s: lines that prove it", fault.name()).anyMatch(line -> matches(fault.proof(), line));
        fault.offline()
                .ifPresent(code -> assertThat(findings)
                        .as("%s: what the verifier finds", fault.name())
                        .anyMatch(found -> found.isError() && found.code() == code));
    }

    private static boolean matches(String proof, String line) {
        return Pattern.compile(proof).matcher(line).find();
    }
}
