package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which failures of the database pass by themselves. */
final class OutageTest {
    @ParameterizedTest
    @ValueSource(strings = {"08000", "08001", "08006", "57P01", "57P02", "57P03", "53300", "53100", "25006", "58030"})
    void passes(String state) {
        var met = new SQLException("x", state);
        assertThat(Outage.isOne(met)).isTrue();
        assertThat(Outage.isOne(new IllegalStateException(new RuntimeException(met))))
                .as("however deep it lies")
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"23505", "40001", "42501", "55P03", "57014", "28P01", "22021", "53200"})
    void doesNotPass(String state) {
        assertThat(Outage.isOne(new IllegalStateException(new SQLException("x", state))))
                .isFalse();
    }

    @Test
    void aPoolWithoutAConnectionIsOne() {
        assertThat(Outage.isOne(new IllegalStateException(new SQLTransientConnectionException("none in time"))))
                .isTrue();
        assertThat(Outage.isOne(new SQLException("it says no state"))).isFalse();
        assertThat(Outage.isOne(new IllegalStateException("a defect"))).isFalse();
    }
}
