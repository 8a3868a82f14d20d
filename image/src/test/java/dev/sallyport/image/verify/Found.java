package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.util.List;

/** Assertions on findings. */
final class Found {
    private Found() {}

    static void nothing(List<Finding> findings) {
        assertThat(findings).isEmpty();
    }

    static void noError(List<Finding> findings) {
        assertThat(findings).noneMatch(Finding::isError);
    }

    /** One error with this code and these words, and no other error: root causes only. */
    static Finding error(List<Finding> findings, CauseCode code, String... words) {
        List<Finding> errors = findings.stream().filter(Finding::isError).toList();
        assertThat(errors).singleElement().satisfies(found -> {
            assertThat(found.code()).isEqualTo(code);
            assertThat(List.of(words))
                    .allSatisfy(word -> assertThat(found.toString()).contains(word));
        });
        return errors.getFirst();
    }

    /** No error, and a warning with this code and these words. */
    static Finding warning(List<Finding> findings, CauseCode code, String... words) {
        noError(findings);
        assertThat(findings).anySatisfy(found -> {
            assertThat(found.code()).isEqualTo(code);
            assertThat(List.of(words))
                    .allSatisfy(word -> assertThat(found.toString()).contains(word));
        });
        return findings.getFirst();
    }
}
