package dev.sallyport.acceptance.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCatalogue;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** docs/CAUSES.md is the catalogue. */
final class CausesTest {
    @Test
    void theDocumentIsTheCatalogue() throws IOException {
        assertThat(Files.readString(Folders.ofThisProcess().home().resolve("docs/CAUSES.md")))
                .as("to make it anew: java model/src/main/java/dev/sallyport/model/CauseCatalogue.java >docs/CAUSES.md")
                .isEqualTo(CauseCatalogue.toMarkdown());
    }
}
