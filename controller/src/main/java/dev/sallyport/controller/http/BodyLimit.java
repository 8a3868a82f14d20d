package dev.sallyport.controller.http;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.ext.Provider;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Ends the reading of a request's body at {@value #BYTES} bytes, announced or not. */
@Provider
public final class BodyLimit implements ContainerRequestFilter {
    /** Most bytes of a request's body. */
    static final int BYTES = 64 * 1024;

    /** How much of a body that is too large is read and thrown away. */
    private static final int DRAINED = 1 << 20;

    static final class Exceeded extends IOException {
        private static final long serialVersionUID = 1L;

        Exceeded() {
            super("A body here may have at most " + BYTES + " bytes.");
        }
    }

    @Override
    public void filter(ContainerRequestContext request) throws IOException {
        if (request.getLength() > BYTES) {
            drain(request.getEntityStream());
            throw dev.sallyport.model.FailureException.of(
                    dev.sallyport.model.CauseCode.BODY_TOO_LARGE,
                    "It has " + request.getLength() + " bytes, and may have " + BYTES + ".");
        }
        if (request.hasEntity()) {
            request.setEntityStream(new Limited(request.getEntityStream()));
        }
    }

    /**
     * Reads on for a while, as RFC 9112, section 9.6, advises: a connection that is closed while its client still sends is reset,
     * and the client never sees the answer.
     */
    private static void drain(InputStream body) throws IOException {
        byte[] buffer = new byte[8192];
        int read = 0;
        for (int left = DRAINED; left > 0 && read >= 0; left -= Math.max(read, 0)) {
            read = body.read(buffer, 0, Math.min(buffer.length, left));
        }
    }

    private static final class Limited extends FilterInputStream {
        private int left = BYTES;

        Limited(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count(read < 0 ? 0 : 1);
            return read;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int read = super.read(buffer, offset, length);
            count(Math.max(read, 0));
            return read;
        }

        private void count(int read) throws Exceeded {
            left -= read;
            if (left < 0) {
                throw new Exceeded();
            }
        }
    }
}
