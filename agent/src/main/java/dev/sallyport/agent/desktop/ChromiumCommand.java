package dev.sallyport.agent.desktop;

import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Gateway;
import dev.sallyport.agent.Settings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Chromium's command line: one window without an address bar, and as little else as can be. */
final class ChromiumCommand {
    private static final String WAITING = """
            <!doctype html><meta charset=utf-8><title>Sallyport</title>
            <style>html{height:100%}body{height:100%;margin:0;display:flex;align-items:center;justify-content:center;\
            font:20px sans-serif;color:#334;background:#f4f5f7}</style><p>Preparing the sign-in…</p>
            """;

    private ChromiumCommand() {}

    static List<String> of(Settings settings, Facts facts, Path profile) {
        var command = new ArrayList<>(List.of(
                settings.chromium().toString(),
                "--user-data-dir=" + profile,
                "--remote-debugging-pipe",
                // Told to drive it by the pipe, Chromium tells pages that a machine drives it, and some then refuse the
                // person who does.
                "--disable-blink-features=AutomationControlled",
                "--no-first-run",
                "--no-default-browser-check",
                "--no-service-autorun",
                "--password-store=basic",
                "--use-mock-keychain",
                "--disable-background-networking",
                "--disable-breakpad",
                "--disable-crash-reporter",
                "--disable-component-update",
                "--disable-component-extensions-with-background-pages",
                "--disable-default-apps",
                "--disable-dev-shm-usage",
                "--disable-domain-reliability",
                "--disable-extensions",
                "--disable-gpu",
                // Without a GPU its process does little, and with one page in one window more renderers do nothing:
                // each
                // process is a good second of an emulated machine's start. The network service runs without a sandbox
                // on
                // Linux anyway.
                "--in-process-gpu",
                "--renderer-process-limit=1",
                "--enable-features=NetworkServiceInProcess2",
                "--disable-hang-monitor",
                "--disable-notifications",
                "--disable-session-crashed-bubble",
                "--disable-smooth-scrolling",
                "--disable-speech-api",
                "--disable-sync",
                "--disable-features="
                        + String.join(
                                ",",
                                "AutofillServerCommunication",
                                "CalculateNativeWinOcclusion",
                                "CertificateTransparencyComponentUpdater",
                                "GlobalMediaControls",
                                "HttpsUpgrades",
                                "InterestFeedContentSuggestions",
                                "MediaRouter",
                                "OptimizationHints",
                                "OptimizationGuideModelDownloading",
                                "PaintHolding",
                                "SpareRendererForSitePerProcess",
                                "Translate"),
                "--wm-window-animations-disabled",
                "--force-color-profile=srgb",
                "--force-prefers-reduced-motion",
                "--metrics-recording-only",
                "--mute-audio",
                "--window-position=0,0",
                "--window-size=1280,720"));
        if (!facts.proxy().isEmpty()) {
            command.add("--proxy-server=http://" + Gateway.name(facts.proxy()));
        }
        if (!settings.chromiumSandbox()) {
            command.add("--no-sandbox");
        }
        command.add("--app=data:text/html;base64,"
                + Base64.getEncoder().encodeToString(WAITING.getBytes(StandardCharsets.UTF_8)));
        return command;
    }
}
