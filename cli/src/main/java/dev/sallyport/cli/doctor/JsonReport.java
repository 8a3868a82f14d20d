package dev.sallyport.cli.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** For programs: one array of {@code {check, state, text, remedy}}, printed when all is known. */
final class JsonReport implements Report {
    private final PrintStream out;
    private final List<Map<String, String>> told = new ArrayList<>();

    JsonReport(PrintStream out) {
        this.out = out;
    }

    @Override
    public void waiting(String check) {
        // A program waits for the end anyway.
    }

    @Override
    public void tell(String check, List<Finding> findings) {
        for (Finding finding : findings) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("check", check);
            fields.put("state", finding.state().word());
            fields.put("text", finding.text());
            fields.put("remedy", finding.remedy());
            told.add(fields);
        }
    }

    @Override
    public void end() {
        try {
            out.println(new ObjectMapper()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsString(told));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an array of texts is JSON", e);
        }
    }
}
