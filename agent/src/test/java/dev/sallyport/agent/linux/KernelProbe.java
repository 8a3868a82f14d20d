package dev.sallyport.agent.linux;

import java.net.Inet4Address;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** What {@link LinuxKernelTest} runs in namespaces of its own; prints one line for each thing that it finds. */
final class KernelProbe {
    private KernelProbe() {}

    public static void main(String[] args) throws Exception {
        var kernel = new LinuxKernel();
        String device = args[0];
        System.out.println("before " + addresses(device));
        kernel.setAddress(device, net("10.9.8.7/24"));
        kernel.setGateway(device, ip("10.9.8.1"), false);
        System.out.println("first " + addresses(device));
        kernel.setAddress(device, net("10.77.0.2/32"));
        kernel.setGateway(device, ip("10.77.0.1"), true);
        kernel.setGateway(device, ip("10.77.0.1"), true);
        System.out.println("second " + addresses(device));
        kernel.setHostName("a-clone");
        System.out.println(
                "name " + Files.readString(Path.of("/proc/sys/kernel/hostname")).strip());
        Path other = Files.writeString(Path.of(args[1]), KernelRandom.uuid() + "\n");
        Path boot = Path.of("/proc/sys/kernel/random/boot_id");
        kernel.bind(other, boot);
        System.out.println("boot " + Files.readString(boot).equals(Files.readString(other)));
        kernel.reseed(new byte[1024]);
        Duration step = Duration.ofMillis(5);
        long before = offset();
        kernel.setClock(Instant.now().plus(step));
        long moved = offset() - before;
        kernel.setClock(Instant.now().minus(step));
        System.out.println("clock " + (moved > 3_000_000 && moved < 1_000_000_000));
    }

    private static List<String> addresses(String device) throws SocketException {
        // Java knows no interface without an address.
        return Stream.ofNullable(NetworkInterface.getByName(device))
                .flatMap(found -> found.getInterfaceAddresses().stream())
                .filter(each -> each.getAddress() instanceof Inet4Address)
                .map(each -> each.getAddress().getHostAddress() + "/" + each.getNetworkPrefixLength())
                .toList();
    }

    private static long offset() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000 + now.getNano() - System.nanoTime();
    }

    private static Ipv4.Net net(String text) {
        return Ipv4.Net.of(text).orElseThrow();
    }

    private static Ipv4 ip(String text) {
        return Ipv4.of(text).orElseThrow();
    }
}
