package dev.sallyport.model.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The C library's functions that Java has no words for (Linux, 64 bits; man pages of sections 2 and 3). Every function is
 * called with the register image {@code long f(long × 6)}: in the calling conventions of x86-64 (System V) and AArch64
 * integers and pointers travel in the same registers whatever their width, and arguments that a function does not take are
 * not looked at. One shape means that the JVM spins the code of one downcall rather than of twenty, which is what starting
 * quickly depends on.
 */
public final class CLibrary {
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private static final MethodHandle DOWNCALL =
            Linker.nativeLinker().downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));
    private static final SymbolLookup SYMBOLS = Linker.nativeLinker().defaultLookup();
    /** Where they are; to look that up takes longer than most of them. */
    private static final Map<String, MemorySegment> FOUND = new ConcurrentHashMap<>();

    private CLibrary() {}

    /**
     * What a call returned and the error number that it left.
     *
     * @param value the register in which functions return
     * @param errno errno(3), which means something after a failure alone
     */
    public record Result(long value, int errno) {
        /** As an {@code int}, which most functions return. */
        public int status() {
            return (int) value;
        }
    }

    /**
     * Calls {@code name}.
     *
     * @param arguments at most six
     */
    public static Result call(String name, long... arguments) {
        long[] six = Arrays.copyOf(arguments, 6);
        MemorySegment function = FOUND.computeIfAbsent(name, CLibrary::find);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment captured = arena.allocate(CAPTURED);
            long value =
                    (long) DOWNCALL.invokeExact(function, captured, six[0], six[1], six[2], six[3], six[4], six[5]);
            return new Result(value, (int) ERRNO.get(captured, 0L));
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a downcall throws nothing of its own", e);
        }
    }

    private static MemorySegment find(String name) {
        return SYMBOLS.find(name).orElseThrow(() -> new IllegalStateException("the C library has no " + name));
    }

    /**
     * Calls a function that returns an {@code int}, -1 on an error.
     *
     * @throws IOException with the function's name and the error's words
     */
    public static int need(String name, long... arguments) throws IOException {
        Result result = call(name, arguments);
        if (result.status() == -1) {
            throw error(name, result.errno());
        }
        return result.status();
    }

    /**
     * Calls a function that returns an error number, 0 for none.
     *
     * @throws IOException with the function's name and the error's words
     */
    public static void needZero(String name, long... arguments) throws IOException {
        int status = call(name, arguments).status();
        if (status != 0) {
            throw error(name, status);
        }
    }

    /** An error's words, after the name of what met it. */
    public static IOException error(String name, int errno) {
        long text = call("strerror", errno).value();
        String words = text == 0
                ? "error " + errno
                : MemorySegment.ofAddress(text).reinterpret(256).getString(0);
        return new IOException(name + ": " + words);
    }
}
