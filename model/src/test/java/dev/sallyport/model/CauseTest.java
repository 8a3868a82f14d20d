package dev.sallyport.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CauseTest {
    @Test
    void aMessageHoldsSentenceDetailAndRemedy() {
        assertThat(Cause.of(CauseCode.EXEC_MISSING, "/usr/bin/node is not there.")
                        .message())
                .isEqualTo(CauseCode.EXEC_MISSING.sentence() + " /usr/bin/node is not there. What to do: "
                        + CauseCode.EXEC_MISSING.remedy());
        assertThat(Cause.of(CauseCode.UNKNOWN, "").message())
                .isEqualTo(CauseCode.UNKNOWN.sentence() + " What to do: " + CauseCode.UNKNOWN.remedy());
    }

    @Test
    void itsDetailsKeepTheEvidencesOrder() {
        Map<String, String> details =
                new Cause(CauseCode.AGENT_FAILED, "It ended.", Collections.nCopies(30, "line")).details();
        assertThat(details)
                .containsEntry("cause", "AGENT_FAILED")
                .containsEntry("detail", "It ended.")
                .containsKey("evidence_20")
                .doesNotContainKey("evidence_21");
        assertThat(details.keySet().stream().sorted().toList()).startsWith("cause", "detail", "evidence_01");
    }

    @Test
    void theCatalogueNamesEveryCauseOnceInItsFamilysChapter() {
        List<String> lines = CauseCatalogue.toMarkdown().lines().toList();
        for (CauseCode code : CauseCode.values()) {
            assertThat(lines).containsOnlyOnce("### " + code);
            assertThat(lines.subList(lines.indexOf("## " + code.family().title()), lines.indexOf("### " + code)))
                    .as("the chapter of %s", code)
                    .filteredOn(line -> line.startsWith("## "))
                    .hasSize(1);
        }
    }
}
