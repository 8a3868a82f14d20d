package dev.sallyport.controller.store;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/** A wire to PostgreSQL that can be cut, and that can lose a COMMIT or its answer ("Frontend/Backend Protocol" in its manual). */
public final class Wire implements AutoCloseable {
    private static final int SSL_REQUEST = 80877103;
    private static final int GSS_REQUEST = 80877104;

    /** What becomes of a COMMIT. */
    public enum Commit {
        PASSES,
        /** The server does it, and its answer is lost with the connection. */
        IS_NOT_ANSWERED,
        /** The connection is lost before the server hears of it. */
        IS_NOT_HEARD
    }

    private final ServerSocket door;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Semaphore refused = new Semaphore(0);
    private final AtomicReference<Commit> next = new AtomicReference<>(Commit.PASSES);
    private volatile boolean cut;

    private Wire(ServerSocket door, int target) {
        this.door = door;
        this.target = target;
    }

    /** A wire to a server on a port of this host. */
    public static Wire to(int port) throws IOException {
        var wire = new Wire(new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1")), port);
        Thread.ofVirtual().name("wire").start(wire::accept);
        return wire;
    }

    /** The same database as {@code direct}, at the end of this wire. */
    public DatabaseAccess access(DatabaseAccess direct) {
        return new DatabaseAccess(
                direct.url().replaceFirst(":[0-9]+/", ":" + door.getLocalPort() + "/"),
                direct.owner(),
                direct.application());
    }

    /** Ends all connections, and refuses new ones. */
    public void cut() {
        cut = true;
        refused.drainPermits();
        open.forEach(Wire::end);
    }

    public void restore() {
        cut = false;
    }

    /** Waits for somebody who finds it cut. */
    public void awaitRefusal() throws InterruptedException {
        if (!refused.tryAcquire(60, TimeUnit.SECONDS)) {
            throw new AssertionError("nobody tried to connect");
        }
    }

    /** What becomes of the next COMMIT that comes; those after it pass. */
    public void nextCommit(Commit commit) {
        next.set(commit);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                Thread.ofVirtual().name("wire").start(() -> join(client));
            }
        } catch (IOException e) {
            open.forEach(Wire::end); // Closed: that is its end.
        }
    }

    private void join(Socket client) {
        open.add(client);
        try (client;
                Socket server = new Socket(InetAddress.ofLiteral("127.0.0.1"), target)) {
            open.add(server);
            if (cut) {
                refused.release();
                return;
            }
            var mute = new AtomicBoolean();
            Thread back = Thread.ofVirtual().name("wire").start(() -> answers(server, client, mute));
            requests(client, server, mute);
            end(server);
            back.join();
            open.remove(server);
        } catch (IOException e) {
            end(client); // One of the two has ended, or the server is not there: so has the other, then.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(client);
        }
    }

    private void requests(Socket client, Socket server, AtomicBoolean mute) throws IOException {
        var in = new DataInputStream(new BufferedInputStream(client.getInputStream()));
        var out = new DataOutputStream(new BufferedOutputStream(server.getOutputStream()));
        int code;
        do {
            byte[] opening = in.readNBytes(in.readInt() - Integer.BYTES);
            code = ByteBuffer.wrap(opening).getInt();
            out.writeInt(opening.length + Integer.BYTES);
            out.write(opening);
            out.flush();
        } while (code == SSL_REQUEST || code == GSS_REQUEST);
        Set<String> commits = new HashSet<>();
        while (true) {
            byte type = in.readByte();
            byte[] body = in.readNBytes(in.readInt() - Integer.BYTES);
            if (isCommit(type, body, commits)) {
                Commit fate = next.getAndSet(Commit.PASSES);
                if (fate == Commit.IS_NOT_HEARD) {
                    return;
                }
                mute.set(fate == Commit.IS_NOT_ANSWERED);
            }
            out.writeByte(type);
            out.writeInt(body.length + Integer.BYTES);
            out.write(body);
            if (in.available() == 0) {
                out.flush();
            }
        }
    }

    /** Statements are parsed under a name, and bound by it when they run. */
    private static boolean isCommit(byte type, byte[] body, Set<String> commits) {
        if (type != 'P' && type != 'B') {
            return false;
        }
        List<String> words = List.of(new String(body, StandardCharsets.ISO_8859_1).split("\0", 3));
        if (type == 'B') {
            return commits.contains(words.get(1));
        }
        if (words.get(1).equals("COMMIT")) {
            commits.add(words.get(0));
        } else {
            commits.remove(words.get(0));
        }
        return false;
    }

    private static void answers(Socket server, Socket client, AtomicBoolean mute) {
        try (InputStream in = server.getInputStream()) {
            byte[] buffer = new byte[8192];
            int read;
            while ((read = in.read(buffer)) > 0 && !mute.get()) {
                client.getOutputStream().write(buffer, 0, read);
            }
        } catch (IOException e) {
            end(server); // The other end has gone.
        } finally {
            end(client);
        }
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError("a socket does not close", e);
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
    }
}
