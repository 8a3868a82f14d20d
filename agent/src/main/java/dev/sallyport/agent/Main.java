package dev.sallyport.agent;

import dev.sallyport.agent.linux.LinuxKernel;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Starts the agent, or, with {@code --train}, exercises it once on loopback for the JVM's AOT cache. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws InterruptedException {
        // Headers and body leave in two writes; with Nagle's algorithm the second would wait for the first one's
        // acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        // Whoever dawdles over a request is not served for ever: seconds.
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        var log = new Log(System.err);
        var account = new StartAccount(log);
        try {
            if (List.of(args).contains("--train")) {
                Training.run(log);
                return;
            }
            start(log, account);
        } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
            account.failed(e);
            System.exit(1);
        }
        new CountDownLatch(1).await();
    }

    private static void start(Log log, StartAccount account) throws IOException {
        Settings settings = Settings.of(System::getProperty);
        Facts facts = Facts.read(settings.facts());
        account.phase("facts read");
        var agent = new Agent(settings, facts, log, account, new LinuxKernel());
        account.phase("all is set up");
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> {
            try {
                agent.close();
            } catch (IOException e) {
                log.failure("ending", e);
            }
        }));
    }
}
