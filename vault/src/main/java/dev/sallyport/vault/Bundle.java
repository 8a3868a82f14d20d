package dev.sallyport.vault;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.util.List;

/** The plain form of an entry: JSON with the files' content as base64. */
final class Bundle {
    /** Real tools' credential files are a few kilobytes; what a machine sends is hostile, and bounded here at the latest. */
    static final int MOST_BYTES = 1 << 20;

    static final int MOST_FILES = 64;

    private record Form(int format, List<CredentialFile> files) {}

    private static final ObjectMapper JSON = new ObjectMapper();

    private Bundle() {}

    static byte[] write(List<CredentialFile> files) {
        long bytes = 0;
        for (CredentialFile file : files) {
            bytes += file.content().length + file.path().length();
        }
        if (files.size() > MOST_FILES || bytes > MOST_BYTES) {
            throw FailureException.of(
                    CauseCode.BODY_TOO_LARGE,
                    "an entry of the vault holds at most " + MOST_FILES + " files with " + MOST_BYTES
                            + " bytes together; these are " + files.size() + " with " + bytes + ".");
        }
        try {
            return JSON.writeValueAsBytes(new Form(1, files));
        } catch (IOException e) {
            throw new IllegalStateException("a list of files can always be written as JSON", e);
        }
    }

    static List<CredentialFile> read(byte[] plain) {
        try {
            return JSON.readValue(plain, Form.class).files();
        } catch (IOException e) {
            // The parser's message quotes what it read; it is left out.
            throw new IllegalStateException(
                    "an entry opened, but is not in the form that this version of Sallyport writes ("
                            + e.getClass().getSimpleName() + ")");
        }
    }
}
