package dev.sallyport.agent.signin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who listens on a port of this machine's loopback, read from proc(5): {@code net/tcp} and {@code net/tcp6}, and the sockets
 * among each process's open files.
 *
 * @param proc where proc(5) is mounted
 */
record ListeningPorts(Path proc) {
    /** Most bytes of a table that are read: some ten thousand sockets. */
    private static final int MAX_TABLE = 2 * 1024 * 1024;

    /** Most processes, and most open files of one, that are looked at for the owner. */
    private static final int MAX_LOOKED_AT = 4096;

    private static final String LISTEN = "0A";

    /** Loopback and the wildcard of IPv4, as the kernel writes them on a little-endian machine. */
    private static final List<String> IPV4 = List.of("0100007F", "00000000");

    /** The wildcard of IPv6, which takes IPv4 connections too, and loopback mapped from IPv4. */
    private static final List<String> IPV6 =
            List.of("00000000000000000000000000000000", "0000000000000000FFFF00000100007F");

    /**
     * Those of {@code ports} that a program listening on 127.0.0.1 could not have, each with the one that holds it, in words.
     *
     * @throws IOException when the tables cannot be read
     */
    Map<Integer, String> taken(List<Integer> ports) throws IOException {
        Map<Integer, String> inodes = new TreeMap<>();
        read(proc.resolve("net/tcp"), IPV4, ports, inodes);
        Path tcp6 = proc.resolve("net/tcp6");
        if (Files.exists(tcp6)) {
            read(tcp6, IPV6, ports, inodes);
        }
        inodes.replaceAll((port, inode) -> owner(inode).orElse("a process that cannot be told"));
        return inodes;
    }

    private static void read(Path table, List<String> addresses, List<Integer> ports, Map<Integer, String> inodes)
            throws IOException {
        byte[] text;
        try (InputStream in = Files.newInputStream(table)) {
            text = in.readNBytes(MAX_TABLE);
        }
        for (String line : new String(text, StandardCharsets.US_ASCII).split("\n", -1)) {
            // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
            String[] fields = line.strip().split("\\s+", 11);
            if (fields.length < 10 || !fields[3].equals(LISTEN)) {
                continue;
            }
            int colon = fields[1].indexOf(':');
            if (colon < 0 || !addresses.contains(fields[1].substring(0, colon))) {
                continue;
            }
            String port = fields[1].substring(colon + 1);
            if (port.matches("[0-9A-F]{4}") && ports.contains(Integer.parseInt(port, 16))) {
                inodes.put(Integer.parseInt(port, 16), fields[9]);
            }
        }
    }

    private Optional<String> owner(String inode) {
        String wanted = "socket:[" + inode + "]";
        int looked = 0;
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                if (looked++ == MAX_LOOKED_AT) {
                    break;
                }
                if (holds(process, wanted)) {
                    return Optional.of("process " + process.getFileName() + " (" + name(process) + ")");
                }
            }
        } catch (IOException e) {
            return Optional.empty(); // Who it is cannot be told; that it is there is known.
        }
        return Optional.empty();
    }

    private static boolean holds(Path process, String wanted) {
        int looked = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                if (looked++ == MAX_LOOKED_AT) {
                    break;
                }
                if (Files.isSymbolicLink(file)
                        && Files.readSymbolicLink(file).toString().equals(wanted)) {
                    return true;
                }
            }
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            return false; // It has just ended, or is another user's.
        }
        return false;
    }

    private static String name(Path process) {
        try (var in = new BufferedReader(
                new InputStreamReader(Files.newInputStream(process.resolve("comm")), StandardCharsets.UTF_8))) {
            String line = in.readLine();
            return line == null ? "?" : line;
        } catch (IOException e) {
            return "?"; // It has just ended.
        }
    }
}
