package dev.sallyport.agent.identity;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Gateway;
import dev.sallyport.agent.linux.Ipv4;
import dev.sallyport.agent.linux.KernelRandom;
import dev.sallyport.model.Secret;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a clone of a template is told of itself.
 *
 * @param facts what it is from now on
 * @param values the same by their keys, as they are in the file of facts
 * @param address its address; empty when it keeps that of the template
 * @param gateway where all else is reached; empty when that stays as it is
 * @param time the host's clock when it wrote them
 * @param seed random bytes that the host drew for this machine alone; written nowhere
 * @param readAt {@link System#nanoTime} when they had been read
 */
record NewFacts(
        Facts facts,
        Map<String, String> values,
        Optional<Ipv4.Net> address,
        Optional<Ipv4> gateway,
        Instant time,
        Secret seed,
        long readAt) {
    private static final String SOURCE = "it";
    private static final String AUTHORITIES = "ca_certificates";
    private static final Pattern KEY = Pattern.compile("[a-z][a-z0-9_]{0,63}");
    private static final Pattern MACHINE_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
    private static final Pattern HOST_NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final String SEED = "seed";
    private static final int SEED_BYTES = 32;
    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern TIME_MS = Pattern.compile("[1-9][0-9]{11,14}");

    /** Why facts are refused. Its message names what is wrong, never a value. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    /**
     * Judges lines as a whole.
     *
     * @param template what the template was told
     * @param readAt {@link System#nanoTime} when they had been read
     */
    static NewFacts of(List<String> lines, Facts template, long readAt) throws Refused {
        for (String line : lines) {
            int equals = line.indexOf('=');
            if (equals < 0 || !KEY.matcher(line.substring(0, equals)).matches()) {
                throw new Refused("a line is no key=value");
            }
            for (int i = equals; i < line.length(); i++) {
                if (Character.isISOControl(line.charAt(i))) {
                    throw new Refused("a value holds a control character");
                }
            }
        }
        Map<String, String> values = Facts.values(lines, SOURCE);
        if (values.size() != lines.size()) {
            throw new Refused("a key comes twice");
        }
        if (!values.getOrDefault("vm_type", "").equals(template.type().wire())) {
            throw new Refused("vm_type is not the template's");
        }
        needed(values, "token_sha256", DIGEST);
        needed(values, SEED, DIGEST);
        needed(values, "machine_id", MACHINE_ID);
        needed(values, "hostname", HOST_NAME);
        needed(values, "time_ms", TIME_MS);
        if (values.getOrDefault("template", "").equals("1")) {
            throw new Refused("they are a template's");
        }
        if (!values.getOrDefault("layers", template.layers()).equals(template.layers())) {
            throw new Refused("layers are not the template's");
        }
        requireSameWayOut(template.proxy(), values.getOrDefault("proxy", ""));
        Optional<Ipv4.Net> address = given(values, "address").flatMap(Ipv4.Net::of);
        if (address.isEmpty() && given(values, "address").isPresent()) {
            throw new Refused("address is no A.B.C.D/PREFIX");
        }
        Optional<Ipv4> gateway = given(values, "gateway").flatMap(Ipv4::of);
        if (gateway.isEmpty() && given(values, "gateway").isPresent()) {
            throw new Refused("gateway is no A.B.C.D");
        }
        Secret seed = Secret.of(values.getOrDefault(SEED, ""));
        values.remove(SEED);
        values.putIfAbsent("layers", template.layers());
        // What Chromium was started with are the template's authorities.
        values.put(AUTHORITIES, template.caCertificates());
        return new NewFacts(
                Facts.of(values, SOURCE),
                values,
                address,
                gateway,
                Instant.ofEpochMilli(Long.parseLong(values.getOrDefault("time_ms", ""))),
                seed,
                readAt);
    }

    /**
     * What a clone would be told that is to become what its template is.
     *
     * @param lines those of the template's file of facts
     */
    static List<String> again(List<String> lines) {
        var told = new ArrayList<String>();
        told.add("time_ms=" + System.currentTimeMillis());
        told.add(SEED + "=" + HexFormat.of().formatHex(KernelRandom.bytes(SEED_BYTES)));
        lines.stream()
                .filter(line -> !line.startsWith("template=") && !line.startsWith(AUTHORITIES + "="))
                .forEach(told::add);
        return told;
    }

    /**
     * These, once they are told to their own template: it stays one.
     *
     * @param lines those of its file of facts
     */
    NewFacts ofTemplate(List<String> lines) {
        Map<String, String> own = Facts.values(lines, SOURCE);
        return new NewFacts(Facts.of(own, SOURCE), own, address, gateway, time, seed, readAt);
    }

    /** The host's clock by now. */
    Instant now() {
        return time.plusNanos(System.nanoTime() - readAt);
    }

    /** The lines of the file of facts. */
    List<String> lines() {
        return values.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(value -> value.getKey() + "=" + value.getValue())
                .toList();
    }

    /** The seed's bytes. */
    byte[] entropy() {
        return HexFormat.of().parseHex(seed.reveal());
    }

    private static Optional<String> given(Map<String, String> values, String key) {
        return Optional.ofNullable(values.get(key)).filter(value -> !value.isEmpty());
    }

    private static void needed(Map<String, String> values, String key, Pattern form) throws Refused {
        if (!form.matcher(values.getOrDefault(key, "")).matches()) {
            throw new Refused(key + " is missing or of another form");
        }
    }

    /** Programs that run since the template know the way out by a name and this port. */
    private static void requireSameWayOut(String before, String now) throws Refused {
        if (before.isEmpty() && now.isEmpty()) {
            return;
        }
        Optional<Gateway> gateway = Gateway.of(now);
        if (gateway.isEmpty()) {
            throw new Refused("proxy is no A.B.C.D:PORT");
        }
        if (!Gateway.of(before).map(Gateway::port).equals(gateway.map(Gateway::port))) {
            throw new Refused("proxy has another port than the template's");
        }
    }
}
