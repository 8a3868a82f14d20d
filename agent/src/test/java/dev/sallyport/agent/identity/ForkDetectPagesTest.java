package dev.sallyport.agent.identity;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On this very process: pages as BoringSSL maps them. */
@Timeout(60)
class ForkDetectPagesTest {
    private static final long PAGE = 4096;
    private static final int MADV_WIPEONFORK = 18;

    @TempDir
    Path proc;

    private ForkDetectPages pages;

    @BeforeEach
    void onlyThisProcess() throws Exception {
        String own = String.valueOf(ProcessHandle.current().pid());
        Files.createSymbolicLink(proc.resolve(own), Path.of("/proc", own));
        Files.createDirectory(proc.resolve("sys"));
        pages = new ForkDetectPages(proc, -1);
    }

    private static MethodHandle function(String name, FunctionDescriptor shape) {
        return Linker.nativeLinker()
                .downcallHandle(Linker.nativeLinker().defaultLookup().find(name).orElseThrow(), shape);
    }

    private static MemorySegment page(boolean wipedOnFork) throws Throwable {
        long address = (long) function(
                        "mmap",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG))
                .invokeExact(0L, PAGE, 3, 0x22, -1, 0L);
        if (wipedOnFork) {
            assertThat((int) function("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT))
                            .invokeExact(address, PAGE, MADV_WIPEONFORK))
                    .isZero();
        }
        MemorySegment page = MemorySegment.ofAddress(address).reinterpret(PAGE);
        page.fill((byte) 1);
        return page;
    }

    @Test
    void whatIsWipedOnAForkIsWipedAndNothingElse() throws Throwable {
        MemorySegment flag = page(true);
        MemorySegment other = page(false);

        assertThat(pages.look()).isPositive();
        assertThat(pages.wipe()).isPositive();

        assertThat(flag.toArray(JAVA_BYTE)).containsOnly(0);
        assertThat(other.toArray(JAVA_BYTE)).containsOnly(1);
    }

    @Test
    void onesThatWereMappedSinceTheLastLookAreFound() throws Throwable {
        pages.look();
        MemorySegment flag = page(true);

        assertThat(pages.look()).isEqualTo(1);
        pages.wipe();

        assertThat(flag.get(JAVA_BYTE, 0)).isZero();
    }

    @Test
    void theAgentsOwnProcessIsLeftOut() throws Throwable {
        MemorySegment flag = page(true);

        var others = new ForkDetectPages(proc, ProcessHandle.current().pid());
        others.look();
        assertThat(others.wipe()).isZero();

        assertThat(flag.get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
    }
}
