package dev.sallyport.machine.qemu;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/**
 * The number of the host's nftables rules, as the kernel counts it: each change of any rule by anybody is another. Asked by netlink(7),
 * {@code NFT_MSG_GETGEN} of linux/netfilter/nf_tables.h.
 */
final class RulesGeneration {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int NETLINK_NETFILTER = 12;
    private static final short NLM_F_REQUEST = 1;
    private static final short NEWGEN = 10 << 8 | 15;
    private static final short GETGEN = 10 << 8 | 16;
    private static final short NFTA_GEN_ID = 1;

    /** struct nlmsghdr, then struct nfgenmsg. */
    private static final int HEAD = 16;

    private static final int TYPE = 4;
    private static final int FLAGS = 6;
    private static final int REQUEST = HEAD + 4;
    private static final int ATTRIBUTE_HEAD = 4;
    private static final int ANSWER = 4096;

    /** Empty where the kernel does not tell. */
    OptionalLong now() {
        try {
            int socket = CLibrary.need("socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = arena.allocate(REQUEST, 8);
                request.set(JAVA_INT, 0, REQUEST);
                request.set(JAVA_SHORT, TYPE, GETGEN);
                request.set(JAVA_SHORT, FLAGS, NLM_F_REQUEST);
                CLibrary.need("send", socket, request.address(), REQUEST, 0);
                MemorySegment answer = arena.allocate(ANSWER, 8);
                int length = CLibrary.need("recv", socket, answer.address(), ANSWER, 0);
                return generation(answer.asSlice(0, length));
            } finally {
                CLibrary.call("close", socket);
            }
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    private static OptionalLong generation(MemorySegment answer) {
        if (answer.byteSize() < REQUEST || answer.get(JAVA_SHORT, TYPE) != NEWGEN) {
            return OptionalLong.empty();
        }
        long at = REQUEST;
        while (at + ATTRIBUTE_HEAD + Integer.BYTES <= answer.byteSize()) {
            int length = Short.toUnsignedInt(answer.get(JAVA_SHORT, at));
            if (answer.get(JAVA_SHORT, at + 2) == NFTA_GEN_ID) {
                return OptionalLong.of(Integer.toUnsignedLong(
                        answer.get(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), at + ATTRIBUTE_HEAD)));
            }
            if (length < ATTRIBUTE_HEAD) {
                break;
            }
            at += (length + 3L) & ~3L;
        }
        return OptionalLong.empty();
    }
}
