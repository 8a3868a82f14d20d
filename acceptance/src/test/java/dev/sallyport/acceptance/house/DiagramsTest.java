package dev.sallyport.acceptance.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.TransitionTable;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** The diagrams in docs/ARCHITECTURE.md are those of the tables. */
final class DiagramsTest {
    @Test
    void theSessionsLifeIsDrawnAsItIs() throws IOException {
        assertDrawn(SessionLife.TABLE);
    }

    @Test
    void theMachinesLifeIsDrawnAsItIs() throws IOException {
        assertDrawn(MachineLife.TABLE);
    }

    private static void assertDrawn(TransitionTable<?, ?> table) throws IOException {
        assertThat(Files.readString(Folders.ofThisProcess().home().resolve("docs/ARCHITECTURE.md")))
                .contains("```mermaid\n" + table.toMermaid() + "```");
    }
}
