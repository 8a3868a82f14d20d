package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ProcessShareTest {
    /** Counted from the field after the program's name (proc(5), stat). */
    private static final int NICENESS = 16;

    @Test
    void itIsTheWholeSessionsAndIsGivenBack() throws Exception {
        Assumptions.assumeTrue(
                ProcessShare.isPermitted(), "only who has CAP_SYS_NICE and CAP_SYS_ADMIN may give back what was taken");
        Process process = new ProcessBuilder("setsid", "sh", "-c", "sleep 1000 & echo up; wait").start();
        try {
            assertThat(process.inputReader().readLine()).isEqualTo("up");
            ProcessHandle child = process.children().findFirst().orElseThrow();
            for (Share share : new Share[] {Share.BACKGROUND, Share.USUAL}) {
                ProcessShare.set(process.toHandle(), share);
                assertThat(niceness(process.pid())).isEqualTo(share.niceness());
                assertThat(niceness(child.pid())).as("all of its group").isEqualTo(share.niceness());
                Path group = Path.of("/proc", Long.toString(child.pid()), "autogroup");
                if (Files.exists(group)) {
                    assertThat(Files.readString(group).strip()).endsWith(" nice " + share.niceness());
                }
            }
            assertThat(niceness(ProcessHandle.current().pid()))
                    .as("nobody else's")
                    .isZero();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        ProcessShare.set(process.toHandle(), Share.BACKGROUND); // It has ended, and that is no error.
    }

    private static int niceness(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[NICENESS]);
    }
}
