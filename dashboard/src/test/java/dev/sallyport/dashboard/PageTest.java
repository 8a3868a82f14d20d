package dev.sallyport.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the page's own tests, which drive a real browser, with Node.js. */
class PageTest {
    /** What {@code test/run.sh} ends with when it could not fetch what the tests need (EX_TEMPFAIL of sysexits.h). */
    private static final int SKIPPED = 75;

    @TempDir
    Path folder;

    @Test
    @Timeout(600)
    void thePageWorksInARealBrowser() throws Exception {
        for (String program : List.of("/usr/bin/node", "/usr/bin/npm", "/usr/bin/chromium", "/usr/bin/Xvnc")) {
            assumeTrue(Files.isExecutable(Path.of(program)), program + " is not installed");
        }
        Path output = folder.resolve("output.txt");
        Process tests = new ProcessBuilder(home().resolve("test/run.sh").toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        tests.getOutputStream().close();
        try {
            assertThat(tests.waitFor(9, TimeUnit.MINUTES))
                    .as("ended within 9 minutes")
                    .isTrue();
        } finally {
            tests.descendants().forEach(ProcessHandle::destroy);
            tests.destroy();
        }
        String told = Files.readString(output, StandardCharsets.UTF_8);
        assumeTrue(tests.exitValue() != SKIPPED, told);
        assertThat(tests.exitValue()).as(told).isZero();
        assertThat(told).containsPattern("pass [1-9][0-9]*\\n").contains("fail 0\n");
    }

    /** This module's folder: Maven runs tests in it, the launcher says where the product is. */
    private static Path home() {
        String product = System.getenv("SALLYPORT_HOME");
        return product == null ? Path.of("").toAbsolutePath() : Path.of(product, "dashboard");
    }
}
