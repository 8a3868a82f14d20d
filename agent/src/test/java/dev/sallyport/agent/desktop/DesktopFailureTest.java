package dev.sallyport.agent.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.agent.Authorities;
import dev.sallyport.agent.Bench;
import dev.sallyport.agent.CurrentFacts;
import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Parts;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DesktopFailureTest {
    @TempDir
    Path folder;

    @Test
    void aDisplayThatDoesNotComeUpIsGivenUpWithItsLastWords() throws Exception {
        Path broken = Files.writeString(folder.resolve("xvnc"), "#!/bin/sh\necho 'Fatal server error'; exit 3\n");
        Files.setPosixFilePermissions(broken, PosixFilePermissions.fromString("rwxr-xr-x"));
        Settings settings = Bench.settings(folder, Map.of("xvnc", broken.toString(), "display", "89"));
        Files.createDirectory(settings.desktopHome());
        Facts facts = Bench.facts(VmType.BROWSER);
        var parts = new Parts();
        var log = new Log(System.err);
        try (var desktop = new Desktop(
                settings,
                new CurrentFacts(facts),
                new Processes(),
                Optional.empty(),
                Authorities.write(settings, facts),
                parts,
                log)) {
            desktop.start();
            long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!parts.snapshot().getOrDefault(Desktop.CHROMIUM, "").startsWith("failed")
                    && System.nanoTime() < end) {
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }

            assertThat(parts.snapshot())
                    .containsEntry(Desktop.DESKTOP, "failed: exit code 3, Fatal server error")
                    .containsEntry(Desktop.CHROMIUM, "failed: there is no display");
            FailureException failure = catchThrowableOfType(FailureException.class, desktop::openScreen);
            assertThat(failure.reason().code()).isEqualTo(CauseCode.CONFLICT);
        }
    }
}
