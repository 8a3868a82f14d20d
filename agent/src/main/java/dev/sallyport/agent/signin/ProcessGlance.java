package dev.sallyport.agent.signin;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a process and those of its session are doing, in a line each, from proc(5). */
final class ProcessGlance {
    private static final int MAX_LINES = 5;
    private static final int MAX_PROCESSES = 4096;
    private static final int MAX_FILE = 4096;

    /** The kernel counts processor time in this many parts of a second (USER_HZ, which is 100 on all of Linux's usual machines). */
    private static final int TICKS = 100;

    private ProcessGlance() {}

    /** Of the session that {@code leader} leads; empty when there is none. */
    static List<String> of(Path proc, int leader) {
        var lines = new ArrayList<String>();
        int looked = 0;
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                if (lines.size() == MAX_LINES || looked++ == MAX_PROCESSES) {
                    break;
                }
                String stat = read(process.resolve("stat"));
                // "pid (name) state ppid pgrp session ...": the name may hold anything, so the last parenthesis counts.
                int name = stat.lastIndexOf(')');
                String[] fields = stat.substring(name + 1).strip().split(" ", 15);
                if (name < 0 || fields.length < 15 || !fields[3].equals(String.valueOf(leader))) {
                    continue;
                }
                lines.add(line(process, stat.substring(stat.indexOf('(') + 1, name), fields));
            }
        } catch (IOException e) {
            return List.copyOf(lines); // What was seen so far is told.
        }
        return List.copyOf(lines);
    }

    private static String line(Path process, String name, String[] fields) {
        long ticks = number(fields[11]) + number(fields[12]);
        String where = read(process.resolve("wchan")).strip();
        return "process " + process.getFileName() + " (" + name + ") " + state(fields[0]) + ", "
                + ticks * 1000 / TICKS + " ms of processor time"
                + (where.isEmpty() || where.equals("0") ? "" : ", in the kernel's " + where);
    }

    private static long number(String text) {
        return text.matches("\\d{1,15}") ? Long.parseLong(text) : 0;
    }

    private static String state(String letter) {
        return switch (letter) {
            case "R" -> "runs";
            case "S" -> "sleeps";
            case "D" -> "waits for a device";
            case "T", "t" -> "is stopped";
            case "Z", "X" -> "has ended";
            default -> "is in state " + letter;
        };
    }

    private static String read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_FILE), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // It has just ended, or the kernel does not tell.
        }
    }
}
