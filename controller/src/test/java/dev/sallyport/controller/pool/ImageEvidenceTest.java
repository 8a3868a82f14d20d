package dev.sallyport.controller.pool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.Finding.Severity;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ImageEvidenceTest {
    private static Finding found(Severity severity, CauseCode code) {
        return new Finding(severity, code, "/etc/unit", 7, "It is so.", "Mend it.");
    }

    @Test
    void theSameCauseGetsTheImagesLine() {
        Cause joined = ImageEvidence.join(
                Cause.of(CauseCode.UNIT_USER_MISSING, "No such user.", "Failed at step USER"),
                List.of(
                        found(Severity.ERROR, CauseCode.EXEC_MISSING),
                        found(Severity.ERROR, CauseCode.UNIT_USER_MISSING)));
        assertThat(joined.code()).isEqualTo(CauseCode.UNIT_USER_MISSING);
        assertThat(joined.detail()).isEqualTo("No such user.");
        assertThat(joined.evidence())
                .containsExactly("Failed at step USER", "the image, offline: /etc/unit:7: It is so.");
    }

    @Test
    void aGeneralCauseIsNamedByTheImage() {
        Cause joined = ImageEvidence.join(
                Cause.of(CauseCode.EXEC_FORMAT, "It cannot run.", "Exec format error"),
                List.of(found(Severity.ERROR, CauseCode.ARCHITECTURE_WRONG)));
        assertThat(joined.code()).isEqualTo(CauseCode.ARCHITECTURE_WRONG);
        assertThat(joined.detail()).isEqualTo("It is so. It cannot run.");
        assertThat(joined.evidence()).first().isEqualTo("Exec format error");
    }

    @Test
    void whatDoesNotBelongToTheCauseIsLeftOut() {
        Cause seen = Cause.of(CauseCode.EXEC_FORMAT, "It cannot run.", "Exec format error");
        assertThat(ImageEvidence.join(
                        seen,
                        List.of(
                                found(Severity.ERROR, CauseCode.UNIT_NOT_ENABLED),
                                found(Severity.WARNING, CauseCode.ARCHITECTURE_WRONG))))
                .isEqualTo(seen);
        Cause killed = Cause.of(CauseCode.AGENT_KILLED, "SEGV");
        assertThat(ImageEvidence.join(killed, List.of(found(Severity.ERROR, CauseCode.LIBRARY_MISSING))))
                .isEqualTo(killed);
    }
}
