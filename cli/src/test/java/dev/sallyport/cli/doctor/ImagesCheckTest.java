package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImagesCheckTest {
    private static final String KEY = "0".repeat(64);

    @TempDir
    Path cache;

    private Image image() throws IOException {
        ImageStore store = ImageStore.open(cache);
        try (Workspace space = store.workspace("images")) {
            StoredFile kernel = add(store, space, "kernel", Map.of());
            StoredFile initramfs = add(store, space, "initramfs", Map.of());
            StoredFile layer = add(
                    store, space, "root-cli", Map.of("uuid", UUID.randomUUID().toString()));
            Image image = store.save("cli", kernel, initramfs, List.of(layer), List.of());
            store.promote(image);
            return image;
        }
    }

    private static StoredFile add(ImageStore store, Workspace space, String name, Map<String, String> notes)
            throws IOException {
        return store.add(space, Files.writeString(space.folder().resolve(name), name), name, KEY, notes);
    }

    @Test
    void nothingIsMadeByLooking() throws Exception {
        List<Finding> findings = new ImagesCheck(cache).look();
        assertThat(findings).extracting(Finding::state).containsExactly(State.WARNING, State.WARNING);
        assertThat(findings.getFirst().remedy()).contains("image build");
        assertThat(cache).isEmptyDirectory();
    }

    @Test
    void aWholeImageIsWell() throws Exception {
        Image image = image();
        List<Finding> findings = new ImagesCheck(cache).look();
        assertThat(findings).extracting(Finding::state).containsExactly(State.WARNING, State.OK);
        assertThat(findings.getLast().text())
                .contains("cli is image " + image.id())
                .contains("1 layer");
    }

    @Test
    void aLayerOfAnotherSizeOrAMissingKernelIsBroken() throws Exception {
        Image image = image();
        Path layer = image.layers().getFirst().file();
        Files.delete(layer);
        Files.writeString(layer, "cut");
        assertThat(new ImagesCheck(cache).look().getLast()).satisfies(finding -> {
            assertThat(finding.state()).isEqualTo(State.BROKEN);
            assertThat(finding.text()).contains("root-cli has 3 bytes instead of 8");
        });
        Files.delete(image.kernel());
        assertThat(new ImagesCheck(cache).look().getLast().text()).contains("its kernel is gone");
    }

    @Test
    void anOldImageIsAWarning() throws Exception {
        Image image = image();
        var seen = new ImagesCheck.Seen("cli", Optional.of(image), List.of());
        assertThat(ImagesCheck.judge(seen, Instant.now().plus(Duration.ofDays(61)))
                        .state())
                .isEqualTo(State.WARNING);
        assertThat(ImagesCheck.judge(seen, Instant.now().plus(Duration.ofDays(59)))
                        .text())
                .contains("59 days old");
    }
}
