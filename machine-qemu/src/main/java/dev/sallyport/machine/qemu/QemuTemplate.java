package dev.sallyport.machine.qemu;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a template consists of: the guest's memory as one file, which clones map copy-on-write; the devices' state; the writable
 * disk; an empty overlay of that disk, which each clone has a copy of; and the seal, which says that the others are whole and
 * unchanged.
 *
 * @param folder where they lie
 */
record QemuTemplate(Path folder) {
    /** Mapped by QEMU; sparse. */
    static final String MEMORY = "memory";

    static final String STATE = "state";
    static final String DISK = "writable.ext4";
    static final String OVERLAY = "overlay.qcow2";
    private static final String SEAL = "seal.json";

    private static final List<String> SEALED = List.of(MEMORY, STATE, DISK, OVERLAY);
    private static final ObjectMapper JSON = new ObjectMapper();

    Path of(String name) {
        return folder.resolve(name);
    }

    /** Makes the files that QEMU opens before it gives up its rights; nobody else may read a guest's memory. */
    void prepare() throws IOException {
        for (String name : List.of(MEMORY, OVERLAY)) {
            Files.createFile(
                    of(name), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
    }

    /**
     * Brings them to the disk, and writes down how they are. A guest's writes no longer reach them: whatever changes one of them
     * changes its inode's time, which nobody but root can set back.
     *
     * @param network the template's own, for people
     */
    void seal(TemplateKey key, Map<String, String> network) throws IOException {
        ObjectNode files = JSON.createObjectNode();
        for (String name : SEALED) {
            try (FileChannel channel = FileChannel.open(of(name), StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            files.set(name, look(name));
        }
        ObjectNode seal = JSON.createObjectNode().put("key", key.digest());
        seal.set("files", files);
        seal.set("network", JSON.valueToTree(network));
        Files.write(of(SEAL), JSON.writeValueAsBytes(seal));
        try (FileChannel channel = FileChannel.open(of(SEAL), StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /**
     * Whether machines of {@code key} can start from it.
     *
     * @throws FailureException {@code TEMPLATE_UNUSABLE} when it is of another key, not whole, or not what it was
     */
    void check(TemplateKey key) {
        try {
            JsonNode seal = JSON.readTree(Files.readAllBytes(of(SEAL)));
            if (!seal.path("key").asText().equals(key.digest())) {
                throw unusable(
                        "It was made for other machines.",
                        "key " + seal.path("key").asText());
            }
            for (String name : SEALED) {
                JsonNode now = look(name);
                if (!now.equals(seal.path("files").path(name))) {
                    throw unusable("Its file '" + name + "' is not what it was.", name + ": " + now);
                }
            }
        } catch (JacksonException e) {
            throw unusable("Its seal is no JSON.", String.valueOf(e.getOriginalMessage()));
        } catch (IOException e) {
            throw unusable("It is not whole.", e.toString());
        }
    }

    /** Texts, so that a number read back is equal whatever its width. */
    private ObjectNode look(String name) throws IOException {
        var changed = (FileTime) Files.getAttribute(of(name), "unix:ctime");
        return JSON.createObjectNode()
                .put("bytes", Long.toString(Files.size(of(name))))
                .put("changed", Long.toString(changed.to(TimeUnit.NANOSECONDS)));
    }

    /** Where there can be no TAP device, which its own machine had. */
    static FailureException withoutTap(TapNetworks.RefusedException refused) {
        return unusable(
                "It is of a machine with a TAP device, and that was refused.", String.valueOf(refused.getMessage()));
    }

    static FailureException unusable(String detail, String evidence) {
        return FailureException.of(CauseCode.TEMPLATE_UNUSABLE, detail, evidence);
    }
}
